#include "vfs/legacy/recovered_file.h"

#include <cstring>

#include "kv/store/store.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

int RecoveredFile::Read(void* buffer, int size, sqlite3_int64 offset) {
  const auto want = static_cast<size_t>(size);
  size_t copied = 0;
  if (Status s = image_->Read(static_cast<uint64_t>(offset), want,
                              static_cast<char*>(buffer), &copied);
      !s.ok()) {
    return ReportError(Place::kRead, s, error_owner());
  }
  if (copied == want) return SQLITE_OK;
  // A short read fills the rest with zeros (sqlite3_io_methods, xRead): SQLite
  // relies on it.
  std::memset(static_cast<char*>(buffer) + copied, 0, want - copied);
  return SQLITE_IOERR_SHORT_READ;
}

// SQLite itself refuses to write to the file; this is for raw users of it.
int RecoveredFile::ReportReadOnly() const {
  return ReportCode(SQLITE_READONLY,
                    "read-only: a legacy actor cannot be written",
                    error_owner());
}

int RecoveredFile::Write(const void* /*buffer*/, int /*size*/,
                         sqlite3_int64 /*offset*/) {
  return ReportReadOnly();
}
int RecoveredFile::Truncate(sqlite3_int64 /*size*/) { return ReportReadOnly(); }
int RecoveredFile::Sync(int /*flags*/) { return ReportReadOnly(); }

int RecoveredFile::FileSize(sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(image_->size_bytes());
  return SQLITE_OK;
}

int RecoveredFile::Lock(int level) {
  // Readers do not need a lock either: pairs never change while they are there.
  if (level > SQLITE_LOCK_SHARED) return ReportReadOnly();
  // A follower shows nothing of a store that is not there any more.
  Store* const store = options_.store.get();
  if (store == nullptr || !store->read_only()) return SQLITE_OK;
  return ReportError(Place::kLock, store->engine()->CheckNotMoved(),
                     error_owner());
}
int RecoveredFile::Unlock(int /*level*/) { return SQLITE_OK; }

int RecoveredFile::CheckReservedLock(int* reserved) {
  // Nobody can write to the file, so nobody has reserved it.
  *reserved = 0;
  return SQLITE_OK;
}

int RecoveredFile::FileControl(int op, void* arg) {
  if (op != SQLITE_FCNTL_PDB) return SQLITE_NOTFOUND;
  // SQLite tells the connection by this call after the open (SQLITE_FCNTL_PDB),
  // so that errors get their owner.
  db_ = static_cast<sqlite3**>(arg);
  return SQLITE_OK;
}

}  // namespace actorkv
