#include "vfs/legacy/legacy_vfs.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include "kv/base/hex.h"
#include "kv/base/per_process.h"
#include "vfs/legacy/overlay.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/file_methods.h"

namespace actorkv {

namespace {

// The memory of one view. The main file and the WAL may be written in one go,
// the journal hardly, so each has a budget of its own.
constexpr size_t kViewMemoryBytes = kOverlayMemoryBytes;

// The number of reads and writes to one question of keep_on.
constexpr uint32_t kCallsBetweenLooks = 64;

constexpr size_t kNameBytes = 16;  // random

class LegacyVfsFile : public sqlite3_file {
 public:
  LegacyVfsFile(LegacySession* session, LegacyView* view, bool delete_on_close)
      : session_(session), view_(view), delete_on_close_(delete_on_close) {
    pMethods = &FileMethods<LegacyVfsFile>::kTable;
  }

  int Close() {
    return delete_on_close_ ? Result(view_->Delete(), SQLITE_IOERR_DELETE)
                            : SQLITE_OK;
  }

  int Read(void* buffer, int size, sqlite3_int64 offset) {
    if (!session_->KeepOn().ok()) return SQLITE_INTERRUPT;
    const auto want = static_cast<size_t>(size);
    if (session_->work() != nullptr) {
      CountRead(static_cast<uint64_t>(offset), want);
    }
    size_t copied = 0;
    const Status s = view_->Read(static_cast<uint64_t>(offset), want,
                                 static_cast<char*>(buffer), &copied);
    if (!s.ok()) return Result(s, SQLITE_IOERR_READ);
    if (copied == want) return SQLITE_OK;
    std::memset(static_cast<char*>(buffer) + copied, 0, want - copied);
    return SQLITE_IOERR_SHORT_READ;
  }

  int Write(const void* buffer, int size, sqlite3_int64 offset) {
    if (!session_->KeepOn().ok()) return SQLITE_INTERRUPT;
    return Result(view_->Write(static_cast<uint64_t>(offset),
                               static_cast<const char*>(buffer),
                               static_cast<size_t>(size)),
                  SQLITE_IOERR_WRITE);
  }

  int Truncate(sqlite3_int64 size) {
    return Result(view_->Truncate(static_cast<uint64_t>(size)),
                  SQLITE_IOERR_TRUNCATE);
  }

  // Nothing of the view outlives the process.
  int Sync(int /*flags*/) { return SQLITE_OK; }

  int FileSize(sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(view_->size_bytes());
    return SQLITE_OK;
  }

  // The session has one connection, so nobody else can want a lock.
  int Lock(int /*level*/) { return SQLITE_OK; }
  int Unlock(int /*level*/) { return SQLITE_OK; }
  int CheckReservedLock(int* reserved) {
    *reserved = 0;
    return SQLITE_OK;
  }
  int FileControl(int /*op*/, void* /*arg*/) { return SQLITE_NOTFOUND; }
  // The size is the smallest: SQLite takes a journal shorter than a sector for
  // empty before it reads the sector size in it (pager.c readJournalHdr).
  int SectorSize() const { return 512; }
  // Nothing is promised, as of a plain disk: SQLite then trusts the journal
  // alone.
  int DeviceCharacteristics() const { return 0; }

 private:
  // A block counts once: SQLite reads inner pages again and again, and what is
  // done is not to pass what there is.
  void CountRead(uint64_t offset, size_t size) {
    const uint64_t end = offset + size;
    for (uint64_t at = offset; at < end;) {
      const uint64_t block = at / kOverlayBlockBytes;
      const uint64_t next = std::min(end, (block + 1) * kOverlayBlockBytes);
      if (!counted_.Has(static_cast<uint32_t>(block))) {
        counted_.Add(static_cast<uint32_t>(block));
        session_->work()->Add(next - at);
      }
      at = next;
    }
  }

  int Result(const Status& status, int io_error) {
    if (status.ok()) return SQLITE_OK;
    const bool full = session_->Note(status).code() == Code::kNoSpace;
    return full ? SQLITE_FULL : io_error;
  }

  LegacySession* const session_;
  LegacyView* const view_;
  const bool delete_on_close_;
  BlockSet counted_;  // whose bytes work() has
};

// Sessions: all sessions of the process, by name.
struct Sessions {
  std::mutex mutex;
  std::map<std::string, LegacySession*> by_name;
};

PerProcess<Sessions> sessions_of_process;

Sessions* AllSessions() { return sessions_of_process.Get(); }

// Finds the session whose file is called `name`; null if none.
LegacySession* FindSession(const char* name) {
  const std::string text(name);
  Sessions* all = AllSessions();
  const std::lock_guard<std::mutex> lock(all->mutex);
  // The name is hexadecimal digits, so that the first '-' begins what SQLite
  // appends: -journal or -wal.
  const auto found = all->by_name.find(text.substr(0, text.find('-')));
  return found == all->by_name.end() ? nullptr : found->second;
}

LegacyView* FindView(const char* name, LegacySession** session) {
  *session = FindSession(name);
  return *session == nullptr ? nullptr : (*session)->Find(name);
}

sqlite3_vfs* Base() { return sqlite3_vfs_find(BaseVfsName()); }

int LegacyOpen(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file,
               int flags, int* out_flags) {
  file->pMethods = nullptr;
  return Guard([&]() -> int {
    if (name == nullptr) {  // a temporary file
      sqlite3_vfs* base = Base();
      return base->xOpen(base, name, file, flags, out_flags);
    }
    LegacySession* session = nullptr;
    LegacyView* view = FindView(name, &session);
    if (view == nullptr) return SQLITE_CANTOPEN;
    if (!view->exists()) {
      if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
      view->Create();
    }
    if (out_flags != nullptr) *out_flags = flags;
    new (file)
        LegacyVfsFile(session, view, (flags & SQLITE_OPEN_DELETEONCLOSE) != 0);
    return SQLITE_OK;
  });
}

int LegacyDelete(sqlite3_vfs* /*vfs*/, const char* name, int /*sync*/) {
  return Guard([&]() -> int {
    LegacySession* session = nullptr;
    LegacyView* view = FindView(name, &session);
    if (view == nullptr || !view->exists()) return SQLITE_IOERR_DELETE_NOENT;
    if (Status s = view->Delete(); !s.ok()) {
      static_cast<void>(session->Note(s));
      return SQLITE_IOERR_DELETE;
    }
    return SQLITE_OK;
  });
}

int LegacyAccess(sqlite3_vfs* /*vfs*/, const char* name, int flags,
                 int* result) {
  return Guard([&]() -> int {
    LegacySession* session = nullptr;
    const LegacyView* view = FindView(name, &session);
    *result = view != nullptr && view->exists() &&
                      // A journal of no bytes counts as none, as in os_unix.c
                      // unixAccess(): SQLite would look for what to roll back
                      // in it.
                      (flags != SQLITE_ACCESS_EXISTS || view->size_bytes() > 0)
                  ? 1
                  : 0;
    return SQLITE_OK;
  });
}

int LegacyFullPathname(sqlite3_vfs* /*vfs*/, const char* name, int size,
                       char* output) {
  const size_t bytes = std::strlen(name) + 1;
  if (bytes > static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(output, name, bytes);
  return SQLITE_OK;
}

// Calls that have nothing to do with files go to the base VFS; no extension is
// loaded through this one.

void* LegacyDlOpen(sqlite3_vfs* /*vfs*/, const char* /*name*/) {
  return nullptr;
}
void LegacyDlError(sqlite3_vfs* /*vfs*/, int size, char* text) {
  if (size > 0) text[0] = '\0';
}
void (*LegacyDlSym(sqlite3_vfs* /*vfs*/, void* /*library*/,
                   const char* /*symbol*/))() {
  return nullptr;
}
void LegacyDlClose(sqlite3_vfs* /*vfs*/, void* /*library*/) {}
int LegacyRandomness(sqlite3_vfs* /*vfs*/, int size, char* output) {
  return Base()->xRandomness(Base(), size, output);
}
int LegacySleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return Base()->xSleep(Base(), microseconds);
}
int LegacyCurrentTime(sqlite3_vfs* /*vfs*/, double* time) {
  return Base()->xCurrentTime(Base(), time);
}
int LegacyGetLastError(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*text*/) {
  return 0;
}

std::string NewName() {
  char bytes[kNameBytes];
  sqlite3_randomness(sizeof bytes, bytes);
  return ToHex({bytes, sizeof bytes});
}

}  // namespace

LegacySession::LegacySession(PairReader* pairs, std::function<Status()> keep_on)
    : keep_on_(std::move(keep_on)),
      main_(pairs, LegacyTag::kMain, kViewMemoryBytes),
      journal_(pairs, LegacyTag::kJournal, kViewMemoryBytes),
      wal_(pairs, LegacyTag::kWal, kViewMemoryBytes) {}

LegacySession::~LegacySession() { Unregister(); }

Status LegacySession::Open() {
  for (LegacyView* view : {&main_, &journal_, &wal_}) {
    if (Status s = view->Open(); !s.ok()) return s;
  }
  name_ = NewName();
  Sessions* all = AllSessions();
  const std::lock_guard<std::mutex> lock(all->mutex);
  all->by_name[name_] = this;
  return Status::Ok();
}

void LegacySession::Unregister() {
  Sessions* all = AllSessions();
  const std::lock_guard<std::mutex> lock(all->mutex);
  all->by_name.erase(name_);
}

LegacyView* LegacySession::Find(const std::string& name) {
  if (name == name_) return &main_;
  if (name == name_ + "-journal") return &journal_;
  if (name == name_ + "-wal") return &wal_;
  return nullptr;
}

Status LegacySession::Note(Status status) {
  // The first error is the cause of the others.
  if (error_.ok()) error_ = status;
  return status;
}

Status LegacySession::KeepOnNow() {
  if (!keep_on_) return Status::Ok();
  Status s = keep_on_();
  return s.ok() ? s : Note(std::move(s));
}

Status LegacySession::KeepOn() {
  if (++calls_ % kCallsBetweenLooks != 0) return Status::Ok();
  return KeepOnNow();
}

int RegisterLegacyVfs() {
  static std::mutex mutex;
  static auto* const vfs = new sqlite3_vfs();
  const std::lock_guard<std::mutex> lock(mutex);
  if (vfs->zName != nullptr) return SQLITE_OK;
  // Version 1 has no call for shared memory: with the exclusive locking mode
  // SQLite keeps the index of the WAL in its heap ("Write-Ahead Logging",
  // section "Use of WAL Without Shared-Memory").
  vfs->iVersion = 1;
  // Temporary files are the base VFS's, and lie in the same buffer of SQLite's.
  vfs->szOsFile =
      std::max(Base()->szOsFile, static_cast<int>(sizeof(LegacyVfsFile)));
  vfs->mxPathname = kLegacyMaxPathname;
  vfs->zName = kLegacyVfsName;
  vfs->xOpen = LegacyOpen;
  vfs->xDelete = LegacyDelete;
  vfs->xAccess = LegacyAccess;
  vfs->xFullPathname = LegacyFullPathname;
  vfs->xDlOpen = LegacyDlOpen;
  vfs->xDlError = LegacyDlError;
  vfs->xDlSym = LegacyDlSym;
  vfs->xDlClose = LegacyDlClose;
  vfs->xRandomness = LegacyRandomness;
  vfs->xSleep = LegacySleep;
  vfs->xCurrentTime = LegacyCurrentTime;
  vfs->xGetLastError = LegacyGetLastError;
  const int code = sqlite3_vfs_register(vfs, 0);
  // Without a name it counts as not registered, and the next call tries again.
  if (code != SQLITE_OK) vfs->zName = nullptr;
  return code;
}

int OpenConnection(LegacySession* session, sqlite3** db) {
  *db = nullptr;
  if (const int code = RegisterLegacyVfs(); code != SQLITE_OK) return code;
  const int code = sqlite3_open_v2(
      session->name().c_str(), db,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, kLegacyVfsName);
  if (code != SQLITE_OK) return code;
  sqlite3_extended_result_codes(*db, 1);
  // The schema is somebody else's: no function in it may have an effect.
  sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return SQLITE_OK;
}

}  // namespace actorkv
