#include "kv/rocksdb/rocksdb_open.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/thrown.h"
#include "kv/files/directory.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/holder_file.h"
#include "kv/rocksdb/log_damage.h"
#include "kv/rocksdb/log_scan.h"
#include "kv/rocksdb/rocksdb_metrics.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "kv/rocksdb/rocksdb_status.h"
#include "kv/rocksdb/rocksdb_use.h"
#include "kv/rocksdb/rocksdb_work_env.h"
#include "kv/rocksdb/spare_memory.h"

namespace actorkv {
namespace {

// A writer that flushes all the time changes the directory a few times a
// second; each attempt of a follower takes some milliseconds.
constexpr int kFollowAttempts = 8;
constexpr std::chrono::milliseconds kFirstFollowPause{1};

// A database that lacks our family is one whose creation did not finish, and
// then it is empty, or it is somebody else's.
Status CheckFamilies(const OpenContext& context) {
  std::vector<std::string> names;
  const std::unique_ptr<rocksdb::Env> env =
      rocksdb::NewCompositeEnv(context.file_system);
  const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(
      WriterOptions(context.directory, env.get()), context.directory, &names);
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
  DropStranded(logs, &breaches);
  // The notes are durable before anything that they speak of changes.
  if (Status s = NoteBreaches(context.directory, breaches); !s.ok()) return s;
  // The loss is written down; a mark that stayed would tell of it at each open.
  for (const LogBreach& breach : breaches) {
    context.marks->Remove(LogNumber(breach.log));
  }
  return MendLogs(context.directory, logs);
}

// Looks at the logs for a reader, where no writer could say what is gone of
// them. Errors: kCorruption when acknowledged commits may be gone.
Status CheckLogs(const std::string& directory) {
  if (HolderFile::IsHeld(directory)) return Status::Ok();
  std::vector<FoundLog> logs;
  std::vector<LogBreach> breaches;
  if (Status s = ScanLogs(directory, &logs); !s.ok()) return s;
  if (Status s = FindBreaches(directory, logs, &breaches); !s.ok()) return s;
  AddStranded(logs, &breaches);
  return breaches.empty() ? Status::Ok() : DamagedLogs(directory, breaches);
}

// Refuses a clock before 1970: RocksDB asserts that it is later.
Status CheckClock() {
  if (std::time(nullptr) >= 0) return Status::Ok();
  return Status::IOError(
      "the clock of the machine says that it is before 1970: set it");
}

// The list of all databases that are abandoned, so that no tool takes them for
// lost.
std::atomic<OpenDatabase*> abandoned{nullptr};

// Adds a thread in the place of one that may wait for an abandoned database for
// ever.
void AddBackgroundThread(rocksdb::Env* env, rocksdb::Env::Priority priority) {
  env->IncBackgroundThreadsIfNeeded(env->GetBackgroundThreads(priority) + 1,
                                    priority);
}

}  // namespace

OpenDatabase::OpenDatabase(const OpenContext& context)
    : files_(rocksdb::NewCompositeEnv(
          NewFencedFileSystem(context.file_system, fence_))),
      env_(NewWorkEnv(files_.get())) {}

bool OpenDatabase::AnyAbandoned() { return abandoned.load() != nullptr; }

// Setting options is what makes RocksDB look for each thread's place.
void OpenDatabase::TakeFromThreads() noexcept {
  static_cast<void>(IfMemory([this] { SetCompacts(true); }));
}

// Errors are ignored: the options count also where RocksDB could not write them
// down.
void OpenDatabase::SetCompacts(bool compacts) {
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    static_cast<void>(db_->SetOptions(family, {{"disable_auto_compactions",
                                                compacts ? "false" : "true"}})
                          .ok());
  }
}

void OpenDatabase::SetMaxLogBytes(uint64_t bytes) {
  static_cast<void>(
      db_->SetDBOptions({{"max_total_wal_size", std::to_string(bytes)}}).ok());
}

uint64_t OpenDatabase::TableBytes() const {
  uint64_t sum = 0;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    uint64_t bytes = 0;
    db_->GetIntProperty(family, rocksdb::DB::Properties::kLiveSstFilesSize,
                        &bytes);
    sum += bytes;
  }
  return sum;
}

uint64_t OpenDatabase::MemtableBytes() const {
  uint64_t bytes = 0;
  db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables,
                                &bytes);
  return bytes;
}

uint64_t OpenDatabase::ActiveMemtableBytes() const {
  uint64_t bytes = 0;
  db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeActiveMemTable,
                                &bytes);
  return bytes;
}

void OpenDatabase::BeginFlush() {
  rocksdb::FlushOptions options;
  // The flush only begins here, and rather stalls writes than waits until it
  // would not (allow_write_stall).
  options.wait = false;
  options.allow_write_stall = true;
  static_cast<void>(
      db_->Flush(options, {families_.begin(), families_.end()}).ok());
}

void OpenDatabase::Abandon(std::unique_ptr<OpenDatabase> database) noexcept {
  // The fence comes first: after it the files are free for the next database.
  database->fence_->Close();
  rocksdb::Env* const env = database->env_.get();
  // Where that fails, perhaps nobody needs the threads, and the next call has
  // more luck.
  static_cast<void>(IfMemory([env] {
    AddBackgroundThread(env, rocksdb::Env::LOW);
    AddBackgroundThread(env, rocksdb::Env::HIGH);
  }));
  OpenDatabase* const given_up = database.release();
  given_up->next_abandoned_ = abandoned.load();
  while (
      !abandoned.compare_exchange_weak(given_up->next_abandoned_, given_up)) {
  }
}

template <typename Open>
Status OpenDatabase::Make(const OpenContext& context, const char* what,
                          const Open& open,
                          std::unique_ptr<OpenDatabase>* database) {
  SpareMemory::Install();
  if (!SpareMemory::Fill()) return Status::NoMemory();
  if (Status s = PrepareUseOfRocksDb(context.directory); !s.ok()) return s;
  const SpareMemory::Use use;
  // The object exists before RocksDB is called, as an open that throws leaves
  // threads that use its environment.
  std::unique_ptr<OpenDatabase> made(new OpenDatabase(context));
  Families families;
  rocksdb::Status opened;
  const Status thrown = Caught([&] {
    rocksdb::DB* db = nullptr;
    opened = open(made->env_.get(), &families, &db);
    made->db_.reset(db);
    return Status::Ok();
  });
  if (!thrown.ok()) {
    Abandon(std::move(made));
    return thrown.WithContext(what);
  }
  if (!opened.ok()) return FromRocksDb(opened, what, context.directory);
  std::copy_n(families.begin(), kFamilyCount, made->families_.begin());
  *database = std::move(made);
  return Status::Ok();
}

Status OpenDatabase::ForWriting(const OpenContext& context, bool create,
                                std::unique_ptr<OpenDatabase>* database) {
  if (Status s = CheckClock(); !s.ok()) return s;
  DirectoryKind kind = DirectoryKind::kMissing;
  if (Status s = ClassifyDirectory(context.directory, &kind); !s.ok()) {
    return s;
  }
  if (kind == DirectoryKind::kDatabase) {
    if (Status s = CheckFamilies(context); !s.ok()) return s;
    // The logs are looked at only once it is known that the database is a
    // store.
    if (Status s = PrepareLogs(context); !s.ok()) return s;
  } else if (!create) {
    return Status::NotFound("no store: " + context.directory);
  }
  const auto open = [&](rocksdb::Env* env, Families* families,
                        rocksdb::DB** db) {
    rocksdb::DBOptions options = WriterOptions(context.directory, env);
    options.max_total_wal_size = context.max_log_bytes;
    options.create_if_missing = kind != DirectoryKind::kDatabase;
    options.create_missing_column_families = true;
    options.listeners = context.listeners;
    options.listeners.push_back(NewMetricsListener());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors =
        FamilyDescriptors(context.cache);
    for (rocksdb::ColumnFamilyDescriptor& family : descriptors) {
      family.options.disable_auto_compactions = !context.compacts;
    }
    return rocksdb::DB::Open(options, context.directory, descriptors, families,
                             db);
  };
  return Make(context, "open", open, database);
}

Status OpenDatabase::RemoveUnfinishedTables(const OpenContext& context,
                                            bool* any) {
  *any = false;
  std::vector<std::string> names;
  if (Status s = ListNames(context.directory, "", &names); !s.ok()) return s;
  std::vector<rocksdb::LiveFileMetaData> used;
  {
    std::unique_ptr<OpenDatabase> database;
    if (Status s = ForReading(context, &database); !s.ok()) return s;
    database->db()->GetLiveFilesMetaData(&used);
  }
  for (const std::string& name : names) {
    const bool is_used = std::any_of(
        used.begin(), used.end(),
        [&](const auto& table) { return table.relative_filename == name; });
    if (is_used || !EndsWith(name, ".sst")) continue;
    const rocksdb::IOStatus removed = context.file_system->DeleteFile(
        context.directory + "/" + name, rocksdb::IOOptions(), nullptr);
    *any = *any || removed.ok();
  }
  return Status::Ok();
}

Status OpenDatabase::ForReading(const OpenContext& context,
                                std::unique_ptr<OpenDatabase>* database) {
  if (Status s = CheckClock(); !s.ok()) return s;
  const auto open = [&](rocksdb::Env* env, Families* families,
                        rocksdb::DB** db) {
    return rocksdb::DB::OpenForReadOnly(ReadOnlyOptions(env), context.directory,
                                        FamilyDescriptors(context.cache),
                                        families, db);
  };
  return Make(context, "open for reading", open, database);
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
    // The count is read before the open: what is written meanwhile is found by
    // the next look, never missed (kv/rocksdb/commit_counter.h, invariant 1).
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
    // A writer that began meanwhile may have changed the logs while they were
    // looked at.
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

OpenDatabase::~OpenDatabase() {
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    // This fails only for handles that are not of this database.
    if (family != nullptr) (void)db_->DestroyColumnFamilyHandle(family).ok();
  }
}

}  // namespace actorkv
