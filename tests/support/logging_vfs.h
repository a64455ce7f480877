// LoggingVfs: the VFS "actorkv-log", which passes every call on to "actorkv"
// and writes the calls on main databases, and deletions, into a CallLog.

#ifndef ACTORKV_TESTS_SUPPORT_LOGGING_VFS_H_
#define ACTORKV_TESTS_SUPPORT_LOGGING_VFS_H_

#include <sqlite3.h>

#include <cstring>
#include <string>

#include "tests/support/actor_harness.h"

namespace actorkv {

// A file of the VFS below, which follows it in SQLite's buffer.
struct LoggingFile {
  sqlite3_file base;
  CallLog* log;  // null: not a main database

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  static LoggingFile* Of(sqlite3_file* file) {
    return reinterpret_cast<LoggingFile*>(file);
  }
  static sqlite3_file* Real(sqlite3_file* file) { return Of(file)->real(); }
  static void Log(sqlite3_file* file, const std::string& call) {
    if (Of(file)->log != nullptr) Of(file)->log->Add(call);
  }
};

// One at a time.
class LoggingVfs {
 public:
  explicit LoggingVfs(CallLog* log) : log_(log) {
    below_ = sqlite3_vfs_find("actorkv");
    vfs_ = *below_;
    vfs_.zName = "actorkv-log";
    vfs_.pNext = nullptr;
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(LoggingFile)) + below_->szOsFile;
    vfs_.xOpen = Open;
    vfs_.xDelete = Delete;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~LoggingVfs() { sqlite3_vfs_unregister(&vfs_); }
  LoggingVfs(const LoggingVfs&) = delete;
  LoggingVfs& operator=(const LoggingVfs&) = delete;

 private:
  static LoggingVfs* Self(sqlite3_vfs* vfs) {
    return static_cast<LoggingVfs*>(vfs->pAppData);
  }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file,
                  int flags, int* out_flags) {
    LoggingFile* self = LoggingFile::Of(file);
    self->base.pMethods = nullptr;
    self->log = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? Self(vfs)->log_ : nullptr;
    const int rc = Self(vfs)->below_->xOpen(Self(vfs)->below_, name,
                                            self->real(), flags, out_flags);
    if (self->real()->pMethods != nullptr) self->base.pMethods = Methods();
    return rc;
  }

  static int Delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
    const std::string text(name);
    const bool super = text.find("-mj") != std::string::npos;
    Self(vfs)->log_->Add(!super           ? "xDelete(journal)"
                         : sync_directory ? "xDelete(super,1)"
                                          : "xDelete(super,0)");
    return Self(vfs)->below_->xDelete(Self(vfs)->below_, name, sync_directory);
  }

  static const sqlite3_io_methods* Methods() {
    static const sqlite3_io_methods kMethods = {
        1,       Close,   Read,          Write,   Truncate, Sync,   FileSize,
        Lock,    Unlock,  CheckReserved, Control, Sector,   Device, nullptr,
        nullptr, nullptr, nullptr,       nullptr, nullptr};
    return &kMethods;
  }

  static int Close(sqlite3_file* f) {
    return LoggingFile::Real(f)->pMethods->xClose(LoggingFile::Real(f));
  }
  static int Read(sqlite3_file* f, void* buffer, int n, sqlite3_int64 at) {
    sqlite3_file* real = LoggingFile::Real(f);
    return real->pMethods->xRead(real, buffer, n, at);
  }
  static int Write(sqlite3_file* f, const void* buffer, int n,
                   sqlite3_int64 at) {
    LoggingFile::Log(f, "xWrite");
    sqlite3_file* real = LoggingFile::Real(f);
    return real->pMethods->xWrite(real, buffer, n, at);
  }
  static int Truncate(sqlite3_file* f, sqlite3_int64 size) {
    LoggingFile::Log(f, "xTruncate");
    return LoggingFile::Real(f)->pMethods->xTruncate(LoggingFile::Real(f),
                                                     size);
  }
  static int Sync(sqlite3_file* f, int flags) {
    LoggingFile::Log(f, "xSync");
    return LoggingFile::Real(f)->pMethods->xSync(LoggingFile::Real(f), flags);
  }
  static int FileSize(sqlite3_file* f, sqlite3_int64* size) {
    return LoggingFile::Real(f)->pMethods->xFileSize(LoggingFile::Real(f),
                                                     size);
  }
  static const char* LevelName(int level) {
    static const char* const kNames[] = {"NONE", "SHARED", "RESERVED",
                                         "PENDING", "EXCLUSIVE"};
    return kNames[level];
  }
  static int Lock(sqlite3_file* f, int level) {
    LoggingFile::Log(f, std::string("xLock(") + LevelName(level) + ")");
    return LoggingFile::Real(f)->pMethods->xLock(LoggingFile::Real(f), level);
  }
  static int Unlock(sqlite3_file* f, int level) {
    LoggingFile::Log(f, std::string("xUnlock(") + LevelName(level) + ")");
    return LoggingFile::Real(f)->pMethods->xUnlock(LoggingFile::Real(f), level);
  }
  static int CheckReserved(sqlite3_file* f, int* reserved) {
    sqlite3_file* real = LoggingFile::Real(f);
    return real->pMethods->xCheckReservedLock(real, reserved);
  }
  static int Control(sqlite3_file* f, int op, void* arg) {
    if (op == SQLITE_FCNTL_SYNC) {
      LoggingFile::Log(f, arg == nullptr ? "SYNC(NULL)" : "SYNC(super)");
    }
    if (op == SQLITE_FCNTL_COMMIT_PHASETWO) LoggingFile::Log(f, "PHASETWO");
    sqlite3_file* real = LoggingFile::Real(f);
    return real->pMethods->xFileControl(real, op, arg);
  }
  static int Sector(sqlite3_file* f) {
    return LoggingFile::Real(f)->pMethods->xSectorSize(LoggingFile::Real(f));
  }
  static int Device(sqlite3_file* f) {
    sqlite3_file* real = LoggingFile::Real(f);
    return real->pMethods->xDeviceCharacteristics(real);
  }

  CallLog* const log_;
  sqlite3_vfs* below_;
  sqlite3_vfs vfs_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_LOGGING_VFS_H_
