// ReadAhead: reads pages into the page cache before they are asked for, in a
// thread of its own.
//
// Nobody waits for it and nothing depends on it: who asks for a page that is
// not there yet reads it itself. What comes late does no harm, because a
// version never changes and the page cache knows which snapshots see it
// (kv/page_cache.h). An error is not reported here; who asks for the page finds
// it again.
//
// Thread-safe.

#ifndef ACTORKV_KV_READ_AHEAD_H_
#define ACTORKV_KV_READ_AHEAD_H_

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "kv/store.h"

namespace actorkv {

// Pages from `first` up to, but not with, `end`, of a snapshot.
struct ReadAheadJob {
  std::shared_ptr<Store> store;
  std::shared_ptr<const ChangeLog> changes;
  Snapshot snapshot;
  std::shared_ptr<const Lineage> lineage;
  PageNo first = 0;
  PageNo end = 0;
  Pin pin;  // of the snapshot, from before the asking reader lets it go
};

class ReadAhead {
 public:
  // The one of the process. Never destroyed: see Stop().
  static ReadAhead* Instance();

  // Does nothing when too much waits already.
  void Start(std::unique_ptr<ReadAheadJob> job);

  // Everything that was started until now is done.
  void Wait();

  // At exit: ends the thread, and nothing is read any more.
  void Stop();

 private:
  static constexpr size_t kMaxWaiting = 16;

  void Run();
  static void Read(const ReadAheadJob& job);

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<std::unique_ptr<ReadAheadJob>> waiting_;
  std::thread thread_;
  bool busy_ = false;
  bool stopped_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_READ_AHEAD_H_
