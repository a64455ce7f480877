// NewFile: a file that appears under its name only when it is whole.
//
// It is written under a temporary name in the same directory, synced, and
// then renamed. Whatever goes wrong before, nothing is left behind.

#ifndef ACTORKV_KV_NEW_FILE_H_
#define ACTORKV_KV_NEW_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kv/status.h"

namespace actorkv {

class NewFile {
 public:
  // `path` is absolute. Errors: kNotFound when its directory does not exist;
  // kInvalidArgument when that is a store's; kNoSpace; kIOError.
  static Status Create(const std::string& path, std::unique_ptr<NewFile>* file);

  // Removes the temporary file, unless Finish() succeeded.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Written in pieces of kPieceBytes, whatever the size of `bytes`.
  Status Append(std::string_view bytes);

  // Makes the file durable under its name. Errors: kAlreadyExists when there
  // is something of that name, unless `overwrite`.
  Status Finish(bool overwrite);

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  static constexpr size_t kPieceBytes = size_t{1} << 20;

  NewFile(std::string path, std::string temporary, int fd);
  Status WritePiece();

  const std::string path_;
  const std::string temporary_;
  int fd_;  // -1: closed
  bool finished_ = false;
  uint64_t size_bytes_ = 0;
  std::string piece_;
};

// A name in the directory of `path` that nothing else has.
std::string TemporaryName(const std::string& path);

// Gives `from` the name `to`, which must be free: kAlreadyExists otherwise.
Status RenameWithoutReplacing(const std::string& from, const std::string& to);

// Makes names in the directory of `path` durable.
Status SyncDirectoryOf(const std::string& path);

}  // namespace actorkv

#endif  // ACTORKV_KV_NEW_FILE_H_
