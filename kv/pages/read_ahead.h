// ReadAhead: reads pages into the page cache before they are asked for, in a
// thread of Workers (kv/base/workers.h). One thread does it for all scans of
// the process, one job after the other.
//
// Nothing depends on it: who asks for a page that is not there yet may read it
// itself. What comes late does no harm, because a version never changes and the
// page cache knows which snapshots see it (kv/cache/page_cache.h); and what the
// reader has passed is not read any more.
// An error is not reported here; who asks for the page finds it again. Without
// a thread, or without memory, nothing is read ahead, and no job waits. When
// the threads of the process end, what is left of a job is left out.
//
// Thread-safe.

#ifndef ACTORKV_KV_PAGES_READ_AHEAD_H_
#define ACTORKV_KV_PAGES_READ_AHEAD_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "kv/cache/change_log.h"
#include "kv/cache/piece_queue.h"
#include "kv/store/lineage.h"
#include "kv/store/pins.h"

namespace actorkv {

class Store;

// Pages of a snapshot.
struct ReadAheadJob {
  std::shared_ptr<Store> store;
  std::shared_ptr<const ChangeLog> changes;
  Snapshot snapshot;
  std::shared_ptr<const Lineage> lineage;
  std::shared_ptr<PieceQueue> pages;
  Pin pin;  // of the snapshot, from before the asking reader lets it go
};

class ReadAhead {
 public:
  // The one of the process. Never destroyed.
  static ReadAhead* Instance();

  // Does nothing when too much waits already, or there is no thread for it.
  void Start(std::unique_ptr<ReadAheadJob> job) noexcept;

  // Everything that was started until now is done.
  void Wait();

 private:
  static constexpr size_t kMaxWaiting = 16;

  void Serve() noexcept;  // in a thread, while jobs wait

  std::mutex mutex_;  // of what follows
  std::condition_variable done_;
  std::deque<std::unique_ptr<ReadAheadJob>> waiting_;
  bool is_served_ = false;  // a thread is there for them
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_READ_AHEAD_H_
