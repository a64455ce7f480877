// ReadAhead: reads pages into the page cache before they are asked for, in a
// thread of its own.
//
// Nothing depends on it: who asks for a page that is not there yet may read it
// itself. What comes late does no harm, because a
// version never changes and the page cache knows which snapshots see it
// (kv/cache/page_cache.h); and what the reader has passed is not read any more.
// An error is not reported here; who asks for the page finds it again. Without
// a thread, or without memory, nothing is read ahead, and no job waits.
//
// Thread-safe.

#ifndef ACTORKV_KV_PAGES_READ_AHEAD_H_
#define ACTORKV_KV_PAGES_READ_AHEAD_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "kv/cache/change_log.h"
#include "kv/cache/read_ahead_range.h"
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
  std::shared_ptr<ReadAheadRange> range;
  Pin pin;  // of the snapshot, from before the asking reader lets it go
};

class ReadAhead {
 public:
  // The one of the process. Never destroyed: see Stop().
  static ReadAhead* Instance();

  // Does nothing when too much waits already, or there is no thread for it.
  void Start(std::unique_ptr<ReadAheadJob> job) noexcept;

  // Everything that was started until now is done.
  void Wait();

  // At exit: ends the thread, and nothing is read any more.
  void Stop();

 private:
  static constexpr size_t kMaxWaiting = 16;

  static void RunThread(void* self) { static_cast<ReadAhead*>(self)->Run(); }
  void Run() noexcept;
  void Read(const ReadAheadJob& job) noexcept;
  void ReadPieces(const ReadAheadJob& job);
  // REQUIRES: mutex_ is held.
  bool Enqueue(std::unique_ptr<ReadAheadJob>* job) noexcept;

  std::mutex mutex_;              // of what follows
  std::condition_variable work_;  // for the thread
  std::condition_variable done_;  // for Wait()
  std::deque<std::unique_ptr<ReadAheadJob>> waiting_;
  std::thread thread_;
  bool busy_ = false;
  std::atomic<bool> stopped_{false};  // changes under the mutex
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_READ_AHEAD_H_
