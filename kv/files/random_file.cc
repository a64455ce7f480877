#include "kv/files/random_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kv/base/system_error.h"

namespace actorkv {

Status RandomFile::Open(const std::string& path,
                        std::unique_ptr<RandomFile>* file) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", path, errno);
  file->reset(new RandomFile(path, fd));
  return Status::Ok();
}

RandomFile::RandomFile(std::string path, int fd)
    : path_(std::move(path)), fd_(fd) {}

RandomFile::~RandomFile() { close(fd_); }

Status RandomFile::Size(uint64_t* bytes) {
  struct stat file = {};
  if (fstat(fd_, &file) != 0) return SystemError("look at", path_, errno);
  *bytes = static_cast<uint64_t>(file.st_size);
  return Status::Ok();
}

Status RandomFile::Read(uint64_t offset, size_t size, char* buffer) {
  while (size > 0) {
    // pread() has no position in common, so that several threads may read one
    // file.
    const ssize_t got = pread(fd_, buffer, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read", path_, errno);
    // Readers stay within the size that they saw, so the end means that
    // somebody cut the file.
    if (got == 0) {
      return Status::IOError("the file became shorter: " + path_);
    }
    const auto bytes = static_cast<size_t>(got);
    offset += bytes;
    buffer += bytes;
    size -= bytes;
  }
  return Status::Ok();
}

}  // namespace actorkv
