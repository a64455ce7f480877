#include "kv/rocksdb_open.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "kv/holder_file.h"
#include "kv/log_damage.h"
#include "kv/log_scan.h"
#include "kv/rocksdb_metrics.h"
#include "kv/rocksdb_options.h"
#include "kv/rocksdb_status.h"

namespace actorkv {
namespace {

// A writer that flushes all the time changes the directory a few times a
// second; each attempt of a follower takes some milliseconds.
constexpr int kFollowAttempts = 8;
constexpr std::chrono::milliseconds kFirstFollowPause{1};

// A database that lacks our family is one whose creation did not finish, and
// then it is empty, or it is somebody else's.
Status CheckFamilies(const OpenContext& context,
                     const rocksdb::DBOptions& options) {
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(options, context.directory, &names);
  if (!listed.ok()) {
    return FromRocksDb(listed, "open", context.directory);
  }
  std::sort(names.begin(), names.end());
  const std::vector<std::string> ours = {kChunksFamilyName,
                                         rocksdb::kDefaultColumnFamilyName};
  if (names == ours) return Status::Ok();
  bool has_data = true;
  if (Status s = HasData(context.directory, &has_data); !s.ok()) return s;
  const bool unfinished = names.size() == 1 && !has_data;
  if (unfinished) return Status::Ok();
  return Status::InvalidArgument("a RocksDB database, but not a store: " +
                                 context.directory);
}

// Notes what is gone of the logs before RocksDB replays and removes them, and
// cuts what is torn.
Status PrepareLogs(const OpenContext& context) {
  std::vector<FoundLog> logs;
  std::vector<LogBreach> breaches;
  if (Status s = ScanLogs(context.directory, &logs); !s.ok()) return s;
  if (Status s = FindBreaches(context.directory, logs, &breaches); !s.ok()) {
    return s;
  }
  if (Status s = NoteBreaches(context.directory, breaches); !s.ok()) return s;
  // RocksDB removes those that are there.
  for (const LogBreach& breach : breaches) {
    context.marks->Remove(LogNumber(breach.log));
  }
  return MendLogs(context.directory, logs);
}

// Where no writer could say so, a reader looks at the logs itself. Errors:
// kCorruption when acknowledged commits are gone.
Status CheckLogs(const std::string& directory) {
  if (HolderFile::IsHeld(directory)) return Status::Ok();
  std::vector<FoundLog> logs;
  std::vector<LogBreach> breaches;
  if (Status s = ScanLogs(directory, &logs); !s.ok()) return s;
  if (Status s = FindBreaches(directory, logs, &breaches); !s.ok()) return s;
  AddStranded(logs, &breaches);
  return breaches.empty() ? Status::Ok() : DamagedLogs(directory, breaches);
}

}  // namespace

Status OpenDatabase::ForWriting(const OpenContext& context, bool create,
                                std::unique_ptr<OpenDatabase>* database) {
  DirectoryKind kind = DirectoryKind::kMissing;
  if (Status s = ClassifyDirectory(context.directory, &kind); !s.ok()) {
    return s;
  }
  rocksdb::DBOptions options =
      WriterOptions(context.directory, context.env.get());
  if (kind == DirectoryKind::kDatabase) {
    if (Status s = CheckFamilies(context, options); !s.ok()) return s;
    if (Status s = PrepareLogs(context); !s.ok()) return s;
  } else if (!create) {
    return Status::NotFound("no store: " + context.directory);
  } else {
    options.create_if_missing = true;
  }
  options.create_missing_column_families = true;
  options.listeners = context.listeners;
  options.listeners.push_back(NewMetricsListener());
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  const rocksdb::Status opened =
      rocksdb::DB::Open(options, context.directory,
                        FamilyDescriptors(context.cache), &families, &db);
  if (!opened.ok()) return FromRocksDb(opened, "open", context.directory);
  database->reset(new OpenDatabase(db, families));
  return Status::Ok();
}

Status OpenDatabase::ForReading(const OpenContext& context,
                                std::unique_ptr<OpenDatabase>* database) {
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(
      ReadOnlyOptions(context.env.get()), context.directory,
      FamilyDescriptors(context.cache), &families, &db);
  if (!opened.ok()) {
    return FromRocksDb(opened, "open for reading", context.directory);
  }
  database->reset(new OpenDatabase(db, families));
  return Status::Ok();
}

Status OpenDatabase::ForFollowing(const OpenContext& context,
                                  CommitCount* count,
                                  std::unique_ptr<OpenDatabase>* database) {
  Status last;
  std::chrono::milliseconds pause = kFirstFollowPause;
  for (int attempt = 0; attempt < kFollowAttempts; ++attempt) {
    if (attempt > 0) {
      std::this_thread::sleep_for(pause);
      pause *= 2;
    }
    CommitCount count_before;
    DirectoryStamp before;
    if (last = ReadCommitCount(context.directory, &count_before); !last.ok()) {
      return last;
    }
    if (last = ReadStamp(context.directory, &before); !last.ok()) return last;
    const Status logs = CheckLogs(context.directory);
    std::unique_ptr<OpenDatabase> opened;
    if (last = ForReading(context, &opened); !last.ok()) continue;
    DirectoryStamp after;
    if (last = ReadStamp(context.directory, &after); !last.ok()) continue;
    // A log that was flushed and removed after the manifest was read would
    // be a hole in what this database shows.
    if (!SameFiles(before, after)) {
      last = Status::Busy("store changes too fast to follow: " +
                          context.directory);
      continue;
    }
    // A writer that began meanwhile may have had its hands on the logs.
    if (last = logs; !last.ok()) {
      if (HolderFile::IsHeld(context.directory)) continue;
      return last;
    }
    *count = count_before;
    *database = std::move(opened);
    return Status::Ok();
  }
  return last;
}

OpenDatabase::OpenDatabase(
    rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& families)
    : db_(db), families_{families[0], families[1]} {}

OpenDatabase::~OpenDatabase() {
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    // Fails only for handles that are not of this database.
    (void)db_->DestroyColumnFamilyHandle(family).ok();
  }
}

}  // namespace actorkv
