#include "kv/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <utility>

#include "kv/store_directory.h"

namespace actorkv {

namespace {

constexpr mode_t kFileMode = 0666;  // less the process's umask

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status Exists(const std::string& path) {
  return Status::AlreadyExists("it exists already: " + path);
}

}  // namespace

std::string TemporaryName(const std::string& path) {
  std::random_device device;
  const std::string number =
      std::to_string(uint64_t{device()} << 32 | device());
  return DirectoryOf(path) + "/.actorkv-" + number + ".tmp";
}

Status RenameWithoutReplacing(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                RENAME_NOREPLACE) == 0) {
    return Status::Ok();
  }
  if (errno == EEXIST) return Exists(to);
  if (errno != EINVAL && errno != ENOSYS) {
    return SystemError("rename to", to, errno);
  }
  // This file system has no such rename; a hard link does not replace either.
  if (link(from.c_str(), to.c_str()) != 0) {
    return errno == EEXIST ? Exists(to) : SystemError("link to", to, errno);
  }
  unlink(from.c_str());
  return Status::Ok();
}

Status SyncDirectoryOf(const std::string& path) {
  return SyncDirectory(DirectoryOf(path));
}

Status NewFile::Create(const std::string& path,
                       std::unique_ptr<NewFile>* file) {
  if (Status s = CheckNotInStore(path); !s.ok()) return s;
  std::string temporary = TemporaryName(path);
  const int fd = open(temporary.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
  if (fd < 0) return SystemError("create a file for", path, errno);
  file->reset(new NewFile(path, std::move(temporary), fd));
  return Status::Ok();
}

NewFile::NewFile(std::string path, std::string temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

NewFile::~NewFile() {
  if (fd_ >= 0) close(fd_);
  if (!finished_) unlink(temporary_.c_str());
}

Status NewFile::Append(std::string_view bytes) {
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kPieceBytes - piece_.size());
    piece_.append(part);
    bytes.remove_prefix(part.size());
    if (piece_.size() < kPieceBytes) continue;
    if (Status s = WritePiece(); !s.ok()) return s;
  }
  return Status::Ok();
}

Status NewFile::WritePiece() {
  std::string_view rest = piece_;
  while (!rest.empty()) {
    const ssize_t put = write(fd_, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError("write", path_, errno);
    rest.remove_prefix(static_cast<size_t>(put));
  }
  piece_.clear();
  return Status::Ok();
}

Status NewFile::Finish(bool overwrite) {
  if (Status s = WritePiece(); !s.ok()) return s;
  if (fsync(fd_) != 0) return SystemError("sync", path_, errno);
  const int closed = close(std::exchange(fd_, -1));
  if (closed != 0) return SystemError("close", path_, errno);
  if (overwrite) {
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return SystemError("rename to", path_, errno);
    }
  } else if (Status s = RenameWithoutReplacing(temporary_, path_); !s.ok()) {
    return s;
  }
  finished_ = true;
  return SyncDirectoryOf(path_);
}

}  // namespace actorkv
