#include "kv/rocksdb/rocksdb_sorted_pairs.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include <utility>

#include "kv/base/affix.h"
#include "kv/base/coding.h"
#include "kv/base/per_process.h"
#include "kv/files/directory.h"
#include "kv/files/random_file.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/rocksdb_logger.h"
#include "kv/rocksdb/rocksdb_status.h"
#include "kv/rocksdb/rocksdb_use.h"
#include "kv/rocksdb/rocksdb_work_env.h"

namespace actorkv {
namespace {

// Pairs are read once and in order, so the cache is for indexes and filters.
constexpr size_t kCacheBytes = size_t{8} << 20;
constexpr int kOpenFiles = 128;

// The end of a table file (RocksDB 7.8.3, table/format.cc): version:u32 and
// magic:u64, both little-endian.
constexpr size_t kFooterEndBytes = 12;
constexpr uint64_t kBlockBasedTableMagic = 0x88e241b785f4cff7;

// The format of table files that RocksDB 8.6 brought. An older one says of it
// that the file is corrupt.
constexpr uint32_t kNewTableFormat = 6;
constexpr bool kReadsNewTableFormat = ROCKSDB_MAJOR > 8 ||
                                      (ROCKSDB_MAJOR == 8 &&
                                       ROCKSDB_MINOR >= 6);

constexpr char kInstead[] =
    "; of actors that Rivet 2.3.5 or later has woken, import the plain files "
    "that 'rivet-engine depot doctor' writes; of others the pairs as JSON "
    "lines, which a running engine gives one by one: GET "
    "/actors/ID/kv/keys/KEY";

Status CheckTableFormat(const std::string& path) {
  std::unique_ptr<RandomFile> file;
  if (Status s = RandomFile::Open(path, &file); !s.ok()) return s;
  uint64_t size = 0;
  if (Status s = file->Size(&size); !s.ok()) return s;
  if (size < kFooterEndBytes) return Status::Ok();  // RocksDB will say
  std::string end(kFooterEndBytes, '\0');
  if (Status s = file->Read(size - end.size(), end.size(), end.data());
      !s.ok()) {
    return s;
  }
  const uint32_t version = LoadLittle32(end.data());
  if (LoadLittle64(&end[sizeof version]) != kBlockBasedTableMagic ||
      version < kNewTableFormat) {
    return Status::Ok();
  }
  return Status::NotSupported(
      "a table file of format version " + std::to_string(version) +
      ", which RocksDB " + std::to_string(ROCKSDB_MAJOR) + "." +
      std::to_string(ROCKSDB_MINOR) +
      " cannot read (it reads up to 5): " + path + kInstead);
}

Status CheckTableFormats(const std::string& directory) {
  std::vector<std::string> names;
  if (Status s = ListNames(directory, "", &names); !s.ok()) return s;
  for (const std::string& name : names) {
    if (!EndsWith(name, ".sst")) continue;
    if (Status s = CheckTableFormat(directory + "/" + name); !s.ok()) return s;
  }
  return Status::Ok();
}

// Source: where the pairs are, and whether they can be read still.
class Source {
 public:
  explicit Source(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // Errors: those of UseRocksDb(); kNotSupported in a child of fork(), where
  // the database is its parent's.
  Status Use(Gate::Hold* hold) const {
    if (!of_parent_.value()) return UseRocksDb(directory_, hold);
    return Status::NotSupported("it was opened before fork(), in the parent: " +
                                directory_);
  }

  // Drops an object of RocksDB, or leaves it where it may not be touched.
  template <typename Object>
  void Drop(std::unique_ptr<Object>* object) const {
    Gate::Hold hold;
    if (!Use(&hold).ok()) static_cast<void>(object->release());
    object->reset();
  }

 private:
  const std::string directory_;
  const OfParent of_parent_;
};

class Position : public SortedPairs {
 public:
  Position(rocksdb::DB* db, const Source& source) : source_(source) {
    Gate::Hold hold;
    if (!source_.Use(&hold).ok()) return;  // Seek() will say
    rocksdb::ReadOptions options;
    options.verify_checksums = true;
    options.fill_cache = false;  // each block is read once
    iterator_.reset(db->NewIterator(options));
  }
  ~Position() override { source_.Drop(&iterator_); }
  Position(const Position&) = delete;
  Position& operator=(const Position&) = delete;

  Status Seek(std::string_view key, bool* valid) override {
    Gate::Hold hold;
    if (Status s = source_.Use(&hold); !s.ok()) return s;
    iterator_->Seek(rocksdb::Slice(key.data(), key.size()));
    return Moved(valid);
  }
  Status Next(bool* valid) override {
    Gate::Hold hold;
    if (Status s = source_.Use(&hold); !s.ok()) return s;
    iterator_->Next();
    return Moved(valid);
  }
  std::string_view key() const override {
    return iterator_->key().ToStringView();
  }
  std::string_view value() const override {
    return iterator_->value().ToStringView();
  }

 private:
  Status Moved(bool* valid) {
    if (!iterator_->status().ok()) {
      return FromRocksDb(iterator_->status(), "read", source_.directory());
    }
    *valid = iterator_->Valid();
    return Status::Ok();
  }

  const Source source_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class Space : public SortedPairSpace {
 public:
  Space(std::unique_ptr<rocksdb::Env> env, std::unique_ptr<rocksdb::DB> db,
        const std::string& directory)
      : source_(directory), env_(std::move(env)), db_(std::move(db)) {}
  ~Space() override {
    source_.Drop(&db_);
    source_.Drop(&env_);
  }
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  std::unique_ptr<SortedPairs> NewPosition() override {
    return std::make_unique<Position>(db_.get(), source_);
  }

 private:
  const Source source_;
  std::unique_ptr<rocksdb::Env> env_;  // of db_
  std::unique_ptr<rocksdb::DB> db_;
};

rocksdb::Options EngineOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  // RocksDB's own logger would write to the directory.
  options.info_log = NewSilentLogger();
  // However many files there are, their indexes share the cache.
  options.max_open_files = kOpenFiles;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace

Status OpenRocksDbPairs(const std::string& directory,
                        std::unique_ptr<SortedPairSpace>* pairs) {
  // Without CURRENT there is no database, and this says kNotFound.
  DirectoryStamp ignored;
  if (Status s = ReadStamp(directory, &ignored); !s.ok()) return s;
  if (!kReadsNewTableFormat) {
    if (Status s = CheckTableFormats(directory); !s.ok()) return s;
  }
  Gate::Hold hold;
  if (Status s = UseRocksDb(directory, &hold); !s.ok()) return s;
  if (Status s = PrepareUseOfRocksDb(directory); !s.ok()) return s;
  std::unique_ptr<rocksdb::Env> env = NewWorkEnv(rocksdb::Env::Default());
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::OpenForReadOnly(EngineOptions(env.get()), directory, &db);
  if (!opened.ok()) {
    const Status s = FromRocksDb(opened, "open for reading", directory);
    return s.WithContext("the engine's database does not open" +
                         std::string(kInstead));
  }
  *pairs = std::make_unique<Space>(std::move(env),
                                   std::unique_ptr<rocksdb::DB>(db), directory);
  return Status::Ok();
}

}  // namespace actorkv
