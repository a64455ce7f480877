#include "vfs/actor/memory_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vfs/actor/commit_group.h"
#include "vfs/actor/group_member.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// The journal's magic, which also ends its super-journal record (pager.c
// aJournalMagic, 3.40.1).
constexpr unsigned char kJournalMagic[8] = {0xd9, 0xd5, 0x05, 0xf9,
                                            0x20, 0xa1, 0x63, 0xd7};

// os_unix.c seekAndWriteFd (3.40.1) writes at most 128 KiB - 1 at a time, and
// nothing when the low 17 bits of the size are 0.
constexpr size_t kMaxWriteBytes = 65536;

// The memory that a journal begins with, in bytes: one of a few pages is put
// together without being moved.
constexpr size_t kFirstBytes = 16 << 10;

constexpr int kTemporaryFlags =
    SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
    SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;

sqlite3_file* AsFile(const std::unique_ptr<char[]>& buffer) {
  return reinterpret_cast<sqlite3_file*>(buffer.get());
}

}  // namespace

MemoryFile::MemoryFile(sqlite3_vfs* temporary_vfs, std::string actor_name)
    : temporary_vfs_(temporary_vfs), actor_name_(std::move(actor_name)) {
  pMethods = &FileMethods<MemoryFile>::kTable;
}

MemoryFile::~MemoryFile() = default;

ErrorOwner MemoryFile::error_owner() const {
  const GroupMember* const writer = FindWriter(actor_name_);
  return writer == nullptr ? ErrorOwner{nullptr, actor_name_}
                           : writer->error_owner();
}

int MemoryFile::Report(int code) const {
  // A short read is how the pager finds the end of a journal, and no error.
  if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ) return code;
  ReportCode(code,
             std::string("the rollback journal, in a temporary file: ") +
                 sqlite3_errstr(code),
             error_owner());
  if (GroupMember* writer = FindWriter(actor_name_); writer != nullptr) {
    writer->BeginRollback();
  }
  return code;
}

int MemoryFile::HideSuperRecord() {
  constexpr sqlite3_int64 kMagicBytes = sizeof kJournalMagic;
  sqlite3_int64 size = 0;
  if (int rc = FileSize(&size); rc != SQLITE_OK) return rc;
  // A journal that is shorter has no record at its end.
  if (size < kMagicBytes) return SQLITE_OK;
  unsigned char last[kMagicBytes];
  if (int rc = Read(last, sizeof last, size - kMagicBytes); rc != SQLITE_OK) {
    return rc;
  }
  if (std::memcmp(last, kJournalMagic, sizeof last) != 0) return SQLITE_OK;
  std::memset(last, 0, sizeof last);
  return Write(last, sizeof last, size - kMagicBytes);
}

int MemoryFile::Close() {
  if (disk_file_ == nullptr) return SQLITE_OK;
  return AsFile(disk_file_)->pMethods->xClose(AsFile(disk_file_));
}

int MemoryFile::MoveToDisk() {
  const auto bytes = static_cast<size_t>(temporary_vfs_->szOsFile);
  auto buffer = std::make_unique<char[]>(bytes);
  sqlite3_file* file = AsFile(buffer);
  int flags = 0;
  if (int rc = temporary_vfs_->xOpen(temporary_vfs_, nullptr, file,
                                     kTemporaryFlags, &flags);
      rc != SQLITE_OK) {
    return rc;
  }
  for (size_t done = 0; done < bytes_.size(); done += kMaxWriteBytes) {
    const size_t part = std::min(bytes_.size() - done, kMaxWriteBytes);
    const int rc = file->pMethods->xWrite(file, bytes_.data() + done,
                                          static_cast<int>(part),
                                          static_cast<sqlite3_int64>(done));
    if (rc == SQLITE_OK) continue;
    file->pMethods->xClose(file);
    return rc;
  }
  // The copy is complete before the file counts; until here the memory has all.
  disk_file_ = std::move(buffer);
  bytes_.clear();
  bytes_.shrink_to_fit();
  return SQLITE_OK;
}

int MemoryFile::Read(void* buffer, int size, sqlite3_int64 offset) {
  if (disk_file_ != nullptr) {
    sqlite3_file* file = AsFile(disk_file_);
    return Report(file->pMethods->xRead(file, buffer, size, offset));
  }
  const auto want = static_cast<size_t>(size);
  const auto at = static_cast<size_t>(offset);
  const size_t have = at < bytes_.size() ? bytes_.size() - at : 0;
  const size_t copied = std::min(want, have);
  if (copied > 0) std::memcpy(buffer, bytes_.data() + at, copied);
  if (copied == want) return SQLITE_OK;
  // A short read must fill the rest with zeros
  // (sqlite.org/c3ref/io_methods.html).
  std::memset(static_cast<char*>(buffer) + copied, 0, want - copied);
  return SQLITE_IOERR_SHORT_READ;
}

int MemoryFile::Write(const void* buffer, int size, sqlite3_int64 offset) {
  const size_t end = static_cast<size_t>(offset) + static_cast<size_t>(size);
  if (disk_file_ == nullptr && end > kJournalMemoryBytes) {
    if (int rc = MoveToDisk(); rc != SQLITE_OK) return Report(rc);
  }
  if (disk_file_ != nullptr) {
    sqlite3_file* file = AsFile(disk_file_);
    return Report(file->pMethods->xWrite(file, buffer, size, offset));
  }
  if (bytes_.empty()) bytes_.reserve(kFirstBytes);
  if (static_cast<size_t>(offset) == bytes_.size()) {
    bytes_.append(static_cast<const char*>(buffer), static_cast<size_t>(size));
    return SQLITE_OK;
  }
  if (end > bytes_.size()) bytes_.resize(end);
  std::memcpy(bytes_.data() + offset, buffer, static_cast<size_t>(size));
  return SQLITE_OK;
}

int MemoryFile::Truncate(sqlite3_int64 size) {
  if (disk_file_ != nullptr) {
    sqlite3_file* file = AsFile(disk_file_);
    return Report(file->pMethods->xTruncate(file, size));
  }
  if (static_cast<size_t>(size) < bytes_.size()) {
    bytes_.resize(static_cast<size_t>(size));
  }
  return SQLITE_OK;
}

int MemoryFile::FileSize(sqlite3_int64* size) {
  if (disk_file_ != nullptr) {
    sqlite3_file* file = AsFile(disk_file_);
    return Report(file->pMethods->xFileSize(file, size));
  }
  *size = static_cast<sqlite3_int64>(bytes_.size());
  return SQLITE_OK;
}

MemoryFile* JournalOf(sqlite3* db, sqlite3_file* file) {
  for (int i = 0;; ++i) {
    const char* schema = sqlite3_db_name(db, i);
    if (schema == nullptr) return nullptr;
    sqlite3_file* other = nullptr;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &other);
    if (other != file) continue;
    sqlite3_file* journal = nullptr;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_JOURNAL_POINTER, &journal);
    MemoryFile* memory_file = nullptr;
    return FileMethods<MemoryFile>::Cast(journal, &memory_file) ? memory_file
                                                                : nullptr;
  }
}

}  // namespace actorkv
