// ScratchFile: a temporary file without a name, of the VFS that serves plain
// files, where that puts its temporary files (SQLITE_TMPDIR, /tmp). It goes
// with its object, and with the process.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_VFS_SQLITE_SCRATCH_FILE_H_
#define ACTORKV_VFS_SQLITE_SCRATCH_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "kv/base/status.h"

namespace actorkv {

class ScratchFile {
 public:
  // `purpose`: what the file is for, for messages. Errors: kNoSpace; kIOError.
  static Status Create(std::string purpose, std::unique_ptr<ScratchFile>* file);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  // Both work on exactly `size` bytes. Errors: kNoSpace; kIOError, also for a
  // read past what was written.
  Status Write(uint64_t offset, const char* bytes, size_t size);
  Status Read(uint64_t offset, char* bytes, size_t size);

 private:
  ScratchFile(std::string purpose, std::unique_ptr<char[]> file)
      : purpose_(std::move(purpose)), file_(std::move(file)) {}

  const std::string purpose_;
  const std::unique_ptr<char[]> file_;  // an open sqlite3_file
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_SCRATCH_FILE_H_
