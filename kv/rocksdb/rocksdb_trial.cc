#include "kv/rocksdb/rocksdb_trial.h"

#include <pthread.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/rocksdb/rocksdb_logger.h"
#include "kv/rocksdb/rocksdb_work_env.h"

namespace actorkv {
namespace {

struct Trial {
  explicit Trial(void (*run)()) : work(run) {}

  void (*const work)();
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
};

// Owns its part of the trial, as nobody may wait for it any more.
void* RunThread(void* given) {
  const std::unique_ptr<std::shared_ptr<Trial>> trial(
      static_cast<std::shared_ptr<Trial>*>(given));
  // What fails does so by itself: only its end counts.
  static_cast<void>(IfMemory((*trial)->work));
  const std::lock_guard<std::mutex> lock((*trial)->mutex);
  (*trial)->has_ended = true;
  (*trial)->ended.notify_all();
  return nullptr;
}

}  // namespace

void UseRocksDbOnce() {
  const std::unique_ptr<rocksdb::Env> memory(
      rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const std::unique_ptr<rocksdb::Env> env = NewWorkEnv(memory.get());
  rocksdb::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  options.info_log = NewSilentLogger();
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, "/trial", &opened).ok()) return;
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (!db->Put(rocksdb::WriteOptions(), "key", "value").ok()) return;
  static_cast<void>(db->Flush(rocksdb::FlushOptions()).ok());
}

bool EndsWithin(std::chrono::milliseconds limit, void (*trial)()) {
  const auto shared = std::make_shared<Trial>(trial);
  auto given = std::make_unique<std::shared_ptr<Trial>>(shared);
  pthread_t thread = {};
  if (!StartThread(RunThread, given.get(), &thread)) return false;
  static_cast<void>(given.release());
  pthread_detach(thread);
  std::unique_lock<std::mutex> lock(shared->mutex);
  return shared->ended.wait_for(lock, limit, [&] { return shared->has_ended; });
}

}  // namespace actorkv
