// The static objects of RocksDB: see kv/rocksdb/rocksdb_use.h.

#include <rocksdb/comparator.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include <memory>
#include <string>

#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/rocksdb_logger.h"

namespace actorkv {
namespace {

// ThreadlessEnv: a file system in memory, without threads: a process that has
// only loaded the module may fork() and open stores in the child.
class ThreadlessEnv : public rocksdb::EnvWrapper {
 public:
  explicit ThreadlessEnv(rocksdb::Env* base) : EnvWrapper(base) {}
  const char* Name() const override { return "actorkv.threadless"; }
  void SetBackgroundThreads(int /*number*/, Priority /*pool*/) override {}
  void IncBackgroundThreadsIfNeeded(int /*number*/,
                                    Priority /*pool*/) override {}
};

rocksdb::Options TableOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.info_log = NewSilentLogger();
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Makes the objects that come with a table that is written and read.
void MakeStaticsOfTables(const rocksdb::Options& options) {
  const std::string path = "/table";
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options);
  rocksdb::Status status = writer.Open(path);
  if (status.ok()) status = writer.Put("key", "value");
  if (status.ok()) status = writer.Finish();
  rocksdb::SstFileReader reader(options);
  if (status.ok()) status = reader.Open(path);
  if (!status.ok()) return;
  const std::unique_ptr<rocksdb::Iterator> iterator(
      reader.NewIterator(rocksdb::ReadOptions()));
  iterator->SeekToFirst();
}

// Makes the objects that come with an open, which fails, as there is nothing to
// open.
void MakeStaticsOfDatabases(rocksdb::Options options) {
  options.create_if_missing = true;  // else it fails too early
  rocksdb::DB* db = nullptr;
  if (rocksdb::DB::OpenForReadOnly(options, "/database", &db).ok()) delete db;
}

}  // namespace

void MakeRocksDbStatics() {
  const std::unique_ptr<rocksdb::Env> memory(
      rocksdb::NewMemEnv(rocksdb::Env::Default()));
  ThreadlessEnv env(memory.get());
  const rocksdb::Options options = TableOptions(&env);
  (void)rocksdb::GetRocksBuildProperties();
  (void)options.table_factory->ValidateOptions(options, options).ok();
  const rocksdb::Comparator* comparator = nullptr;
  (void)rocksdb::Comparator::CreateFromString(
      rocksdb::ConfigOptions(), rocksdb::BytewiseComparator()->Name(),
      &comparator)
      .ok();
  MakeStaticsOfTables(options);
  MakeStaticsOfDatabases(options);
}

}  // namespace actorkv
