// OpenDatabase: one open RocksDB database with its column families, and the
// three ways to open it. No state beyond that; when to open how is decided in
// rocksdb_handle.h.

#ifndef ACTORKV_KV_ROCKSDB_OPEN_H_
#define ACTORKV_KV_ROCKSDB_OPEN_H_

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kv/commit_counter.h"
#include "kv/log_marks.h"
#include "kv/opened_directory.h"
#include "kv/rocksdb_keys.h"
#include "kv/status.h"
#include "kv/store_directory.h"

namespace actorkv {

// What every open of one store has in common.
struct OpenContext {
  // For file work, of RocksDB and our own: opened->work_path(). Errors name it,
  // and are for opened->Named().
  std::string directory;
  std::shared_ptr<OpenedDirectory> opened;
  std::shared_ptr<LogMarks> marks;
  std::unique_ptr<rocksdb::Env> env;
  std::shared_ptr<rocksdb::Cache> cache;  // outlives reopens, stays warm
  // Of a writer.
  std::vector<std::shared_ptr<rocksdb::EventListener>> listeners;
};

class OpenDatabase {
 public:
  // For reading and writing. With `create`, makes what is missing.
  // REQUIRES: the HolderFile is held.
  // Errors: kNotFound, kInvalidArgument (not a store), kBusy, kCorruption,
  // kNoSpace, kIOError.
  static Status ForWriting(const OpenContext& context, bool create,
                           std::unique_ptr<OpenDatabase>* database);

  // For reading, while nobody writes. Changes no file.
  static Status ForReading(const OpenContext& context,
                           std::unique_ptr<OpenDatabase>* database);

  // For reading beside a writer in another process. Tries again while files
  // come and go under it. *count: what the writer had done when it was opened;
  // the database shows that, and perhaps more.
  static Status ForFollowing(const OpenContext& context, CommitCount* count,
                             std::unique_ptr<OpenDatabase>* database);

  // REQUIRES: no iterator of it is left.
  ~OpenDatabase();
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;

  rocksdb::DB* db() const { return db_.get(); }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return families_[static_cast<size_t>(family)];
  }

 private:
  OpenDatabase(rocksdb::DB* db,
               const std::vector<rocksdb::ColumnFamilyHandle*>& families);

  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_OPEN_H_
