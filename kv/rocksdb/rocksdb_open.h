// OpenDatabase: one open RocksDB database with its column families, and the
// three ways to open it, and to give it up. No state beyond that; when to open
// how is decided in rocksdb_handle.h.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_OPEN_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_OPEN_H_

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/rocksdb/commit_counter.h"
#include "kv/rocksdb/log_marks.h"
#include "kv/rocksdb/rocksdb_fence.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_options.h"

namespace actorkv {

// OpenContext: what all opens of one store have in common.
struct OpenContext {
  // The directory for file work, of RocksDB and our own: opened->work_path().
  // Errors name it, and are for opened->Named().
  std::string directory;
  std::shared_ptr<OpenedDirectory> opened;
  std::shared_ptr<LogMarks> marks;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  std::shared_ptr<rocksdb::Cache> cache;  // outlives reopens, stays warm
  // The listeners of a writer.
  std::vector<std::shared_ptr<rocksdb::EventListener>> listeners;
  bool compacts = true;  // by itself
  uint64_t max_log_bytes = kMaxLogBytes;
};

class OpenDatabase {
 public:
  // Opens for reading and writing. With `create`, makes what is missing.
  // REQUIRES: the HolderFile is held. Errors: kNotFound, kInvalidArgument (not
  // a store), kBusy, kCorruption, kNoSpace, kNoMemory, kIOError, also where no
  // thread can be made.
  static Status ForWriting(const OpenContext& context, bool create,
                           std::unique_ptr<OpenDatabase>* database);

  // Removes tables that belong to no database: those that a process was writing
  // when it died. An open removes them too, but after it has written what the
  // log holds, for which they may leave no room. *any: there were some.
  // REQUIRES: the HolderFile is held, and no database is open.
  // Errors: as ForReading().
  static Status RemoveUnfinishedTables(const OpenContext& context, bool* any);

  // Opens for reading, while nobody writes. Changes no file.
  static Status ForReading(const OpenContext& context,
                           std::unique_ptr<OpenDatabase>* database);

  // Opens for reading beside a writer in another process. Tries again while
  // files come and go under it. *count: what the writer had done when it was
  // opened; the database shows that, and perhaps more.
  static Status ForFollowing(const OpenContext& context, CommitCount* count,
                             std::unique_ptr<OpenDatabase>* database);

  // Gives up a database through which an exception passed: it is cut off from
  // its files and stays in memory, with all that it holds, until the process
  // ends. Its iterators must be left as they are, too.
  static void Abandon(std::unique_ptr<OpenDatabase> database) noexcept;

  // Must be called before that where only readers were interrupted: RocksDB
  // keeps what a thread reads in a place of the thread, and asserts at its end
  // that the reader gave it back. Does what it can.
  void TakeFromThreads() noexcept;

  // Says whether any database of the process was abandoned. Then RocksDB's
  // static objects may wait for ever for their threads.
  static bool AnyAbandoned();

  // REQUIRES: no iterator of it is left.
  ~OpenDatabase();
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;

  rocksdb::DB* db() const { return db_.get(); }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return families_[static_cast<size_t>(family)];
  }
  // The size of all tables, of the memtables, and of those to which is written
  // still, in bytes.
  uint64_t TableBytes() const;
  uint64_t MemtableBytes() const;
  uint64_t ActiveMemtableBytes() const;
  // Begins a flush of the memtables; does not wait for it.
  void BeginFlush();
  // Sets whether the database compacts by itself.
  void SetCompacts(bool compacts);
  // Sets how large the log grows before the memtables are written as tables.
  void SetMaxLogBytes(uint64_t bytes);

 private:
  using Families = std::vector<rocksdb::ColumnFamilyHandle*>;

  explicit OpenDatabase(const OpenContext& context);

  // Has `open` open a database in the environment of a new object, which is
  // abandoned where that throws. `what` is for the error.
  template <typename Open>
  static Status Make(const OpenContext& context, const char* what,
                     const Open& open, std::unique_ptr<OpenDatabase>* database);

  const std::shared_ptr<Fence> fence_ = std::make_shared<Fence>();
  const std::unique_ptr<rocksdb::Env> files_;
  const std::unique_ptr<rocksdb::Env> env_;  // on top of files_
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families_{};
  OpenDatabase* next_abandoned_ = nullptr;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_OPEN_H_
