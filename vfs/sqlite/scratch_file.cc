#include "vfs/sqlite/scratch_file.h"

#include <algorithm>

#include "vfs/sqlite/default_vfs.h"

namespace actorkv {

namespace {

constexpr int kTemporaryFlags =
    SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
    SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;

// os_unix.c (3.40.1) reads and writes at most 128 KiB - 1 at a time, and
// nothing when the low 17 bits of the size are 0.
constexpr size_t kPieceBytes = 65536;

sqlite3_file* AsFile(const std::unique_ptr<char[]>& buffer) {
  return reinterpret_cast<sqlite3_file*>(buffer.get());
}

sqlite3_int64 PlaceOf(uint64_t offset, size_t done) {
  const uint64_t place = offset + done;
  return static_cast<sqlite3_int64>(place);
}

Status Error(const char* verb, const std::string& purpose, int code) {
  const std::string text = std::string("cannot ") + verb +
                           " a temporary file for " + purpose + ": " +
                           sqlite3_errstr(code);
  return (code & 0xff) == SQLITE_FULL ? Status::NoSpace(text)
                                      : Status::IOError(text);
}

}  // namespace

Status ScratchFile::Create(std::string purpose,
                           std::unique_ptr<ScratchFile>* file) {
  sqlite3_vfs* const base = sqlite3_vfs_find(BaseVfsName());
  if (base == nullptr) {
    return Status::IOError("no VFS for temporary files");
  }
  auto buffer = std::make_unique<char[]>(static_cast<size_t>(base->szOsFile));
  int flags = 0;
  // A file without a name is a temporary one, which the base VFS removes when
  // it is closed (sqlite3_vfs, xOpen).
  const int code =
      base->xOpen(base, nullptr, AsFile(buffer), kTemporaryFlags, &flags);
  if (code != SQLITE_OK) return Error("make", purpose, code);
  file->reset(new ScratchFile(std::move(purpose), std::move(buffer)));
  return Status::Ok();
}

ScratchFile::~ScratchFile() { AsFile(file_)->pMethods->xClose(AsFile(file_)); }

Status ScratchFile::Write(uint64_t offset, const char* bytes, size_t size) {
  sqlite3_file* const file = AsFile(file_);
  for (size_t done = 0; done < size; done += kPieceBytes) {
    const size_t part = std::min(size - done, kPieceBytes);
    const int code = file->pMethods->xWrite(
        file, bytes + done, static_cast<int>(part), PlaceOf(offset, done));
    if (code != SQLITE_OK) return Error("write", purpose_, code);
  }
  return Status::Ok();
}

Status ScratchFile::Read(uint64_t offset, char* bytes, size_t size) {
  sqlite3_file* const file = AsFile(file_);
  for (size_t done = 0; done < size; done += kPieceBytes) {
    const size_t part = std::min(size - done, kPieceBytes);
    const int code = file->pMethods->xRead(
        file, bytes + done, static_cast<int>(part), PlaceOf(offset, done));
    if (code != SQLITE_OK) return Error("read", purpose_, code);
  }
  return Status::Ok();
}

}  // namespace actorkv
