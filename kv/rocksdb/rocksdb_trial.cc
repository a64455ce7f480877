#include "kv/rocksdb/rocksdb_trial.h"

#include <pthread.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <memory>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/rocksdb/rocksdb_logger.h"
#include "kv/rocksdb/rocksdb_work_env.h"

namespace actorkv {
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

// Owns its part of the trial, as nobody may wait for it any more.
void* RocksDbTrial::RunThread(void* given) {
  const std::unique_ptr<std::shared_ptr<RocksDbTrial>> owned(
      static_cast<std::shared_ptr<RocksDbTrial>*>(given));
  RocksDbTrial* const trial = owned->get();
  // What fails does so by itself: only its end counts.
  static_cast<void>(IfMemory(trial->work_));
  const std::lock_guard<std::mutex> lock(trial->mutex_);
  trial->has_ended_ = true;
  trial->ended_.notify_all();
  return nullptr;
}

std::shared_ptr<RocksDbTrial> RocksDbTrial::Begin(void (*work)()) {
  std::shared_ptr<RocksDbTrial> trial(new RocksDbTrial(work));
  auto given = std::make_unique<std::shared_ptr<RocksDbTrial>>(trial);
  pthread_t thread = {};
  if (!StartThread(RunThread, given.get(), &thread)) return nullptr;
  static_cast<void>(given.release());
  pthread_detach(thread);
  return trial;
}

bool RocksDbTrial::EndsWithin(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  return ended_.wait_for(lock, time, [this] { return has_ended_; });
}

}  // namespace actorkv
