// NewFile: a file that appears under its name only when it is whole.
//
// Invariants:
//  1. Until Finish() the name means what it meant before, and from then on the
//     new file, whole and durable; at every moment it means one of the two.
//     Only a regular file is replaced, and a link is followed
//     (kv/files/file_target.h).
//  2. The file has no name at all while it is written, where the file system
//     can do that (O_TMPFILE), and else that of a temporary
//     (kv/files/temporary.h). So a writer that dies leaves nothing, or what the
//     next one in the directory removes.
//  3. A file that is to replace one that was there at Create() is never
//     readable for more than that one is.

#ifndef ACTORKV_KV_FILES_NEW_FILE_H_
#define ACTORKV_KV_FILES_NEW_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/files/file_target.h"

namespace actorkv {

class NewFile {
 public:
  // `path` is absolute. A new file has the permissions that the umask leaves,
  // one that replaces another those of the other. Errors: those of
  // FindFileTarget(); kNotFound when the directory does not exist; kNoSpace;
  // kIOError.
  static Status Create(const std::string& path, bool overwrite,
                       std::unique_ptr<NewFile>* file);

  // Removes the file, unless Finish() succeeded.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Appends bytes, which are written in pieces of kPieceBytes, whatever the
  // size of `bytes`.
  Status Append(std::string_view bytes);

  // Makes the file durable under its name. Errors: those of Create(), where
  // something changed since.
  Status Finish();

  uint64_t size_bytes() const { return size_bytes_; }

  // Has files have names from their beginning on, as where the file system has
  // no other way.
  static void NameAllForTesting(bool all);

 private:
  static constexpr size_t kPieceBytes = size_t{1} << 20;

  NewFile(FileTarget target, bool overwrite);
  Status Open();
  Status WritePiece();
  // Puts the file in its place. *done is false when that changed in this
  // moment.
  Status Place(bool* done);
  Status GiveName(const std::string& path);

  FileTarget target_;
  const bool overwrite_;
  std::string temporary_;  // its name; empty: it has none
  int fd_ = -1;
  uint64_t size_bytes_ = 0;
  std::string piece_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_NEW_FILE_H_
