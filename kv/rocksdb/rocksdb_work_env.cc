#include "kv/rocksdb/rocksdb_work_env.h"

#include "kv/rocksdb/rocksdb_threads.h"

namespace actorkv {
namespace {

class WorkEnv : public rocksdb::EnvWrapper {
 public:
  explicit WorkEnv(rocksdb::Env* files) : EnvWrapper(files) {
    // Both are taken as `files` has them, not as seen through this object.
    file_system_ = files->GetFileSystem();
    system_clock_ = files->GetSystemClock();
  }

  const char* Name() const override { return "actorkv.WorkEnv"; }

  void Schedule(void (*run)(void*), void* argument, Priority priority,
                void* tag, void (*unschedule)(void*)) override {
    QueueOf(priority)->Add({run, argument, tag, unschedule});
  }
  int UnSchedule(void* tag, Priority priority) override {
    return QueueOf(priority)->TakeBack(tag);
  }
  unsigned int GetThreadPoolQueueLen(Priority priority) const override {
    return static_cast<unsigned int>(QueueOf(priority)->waiting_count());
  }

  int GetBackgroundThreads(Priority priority) override {
    return HasThreads(priority) ? QueueOf(priority)->thread_count() : 0;
  }
  // Where there are none to be had, that was said before the database was
  // opened; one more than there are is not needed.
  void IncBackgroundThreadsIfNeeded(int number, Priority priority) override {
    if (HasThreads(priority)) {
      static_cast<void>(QueueOf(priority)->Raise(number));
    }
  }
  void SetBackgroundThreads(int number, Priority priority) override {
    IncBackgroundThreadsIfNeeded(number, priority);
  }
  // Nobody gets threads of others.
  int ReserveThreads(int /*number*/, Priority /*priority*/) override {
    return 0;
  }
  int ReleaseThreads(int /*number*/, Priority /*priority*/) override {
    return 0;
  }

 private:
  // RocksDB gives work to others only where it is told that they are there.
  static bool HasThreads(Priority priority) {
    return priority == LOW || priority == HIGH;
  }
  static RocksDbQueue* QueueOf(Priority priority) {
    RocksDbThreads* const threads = RocksDbThreads::Instance();
    return priority == HIGH ? &threads->flushes : &threads->compactions;
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewWorkEnv(rocksdb::Env* files) {
  return std::make_unique<WorkEnv>(files);
}

}  // namespace actorkv
