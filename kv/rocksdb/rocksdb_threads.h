// RocksDbThreads: the threads that flush and compact for RocksDB, of all
// databases of this process.
//
// Those that RocksDB has by itself belong to a static object of it
// (Env::Default()), which a child of fork() inherits without its threads. Of
// these each process has its own (kv/base/per_process.h), so that a child can
// have databases as any other process.
//
// Invariants:
//  1. Work is run once, by a thread, or taken back: never both.
//  2. Threads are made and do not end. Without work they wait, also while the
//     process ends, and touch nothing that is destroyed then.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_THREADS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_THREADS_H_

#include <condition_variable>
#include <deque>
#include <mutex>

namespace actorkv {

// RocksDbQueue: the work of one kind, with threads of its own.
class RocksDbQueue {
 public:
  struct Work {
    void (*run)(void* argument);
    void* argument;
    const void* tag;                 // whose it is
    void (*forget)(void* argument);  // instead of `run`; null: nothing
  };

  // `thread_name` is for people, of 15 bytes at most.
  explicit RocksDbQueue(const char* thread_name) : thread_name_(thread_name) {}
  RocksDbQueue(const RocksDbQueue&) = delete;
  RocksDbQueue& operator=(const RocksDbQueue&) = delete;

  // Makes threads until there are `count`. False: the system gives no more.
  [[nodiscard]] bool Raise(int count) noexcept;
  int thread_count();

  void Add(const Work& work);
  // Takes back what has the tag and has not begun, and returns how many pieces
  // that were.
  int TakeBack(const void* tag);
  size_t waiting_count();

 private:
  static void* RunThread(void* self);
  [[noreturn]] void Run() noexcept;

  const char* const thread_name_;
  std::mutex mutex_;  // of what follows
  std::condition_variable more_;
  std::deque<Work> waiting_;
  int thread_count_ = 0;
};

struct RocksDbThreads {
  static RocksDbThreads* Instance();

  // One thread of each is what every database asks for.
  static constexpr int kCount = 1;

  RocksDbQueue compactions{"rocksdb:low"};
  RocksDbQueue flushes{"rocksdb:high"};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_THREADS_H_
