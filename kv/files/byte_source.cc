#include "kv/files/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kv/base/system_error.h"

namespace actorkv {

namespace {

class FileBytes : public ByteSource {
 public:
  FileBytes(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~FileBytes() override { close(fd_); }

  Status Read(char* buffer, size_t size, size_t* got) override {
    while (true) {
      const ssize_t n = read(fd_, buffer, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return SystemError("read", path_, errno);
      *got = static_cast<size_t>(n);
      return Status::Ok();
    }
  }

 private:
  const std::string path_;
  const int fd_;
};

// Opens a regular file. O_NONBLOCK is set as opening a pipe must not wait.
Status OpenRegular(const std::string& path, int* opened) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError("open", path, errno);
  struct stat file = {};
  if (fstat(fd, &file) != 0) {
    const int error = errno;
    close(fd);
    return SystemError("look at", path, error);
  }
  // What is opened is looked at, not the path: it may mean something else by
  // now. O_NONBLOCK changes nothing for a regular file.
  if (!S_ISREG(file.st_mode)) {
    close(fd);
    return Status::InvalidArgument("not a regular file: " + path);
  }
  *opened = fd;
  return Status::Ok();
}

}  // namespace

Status OpenFileBytes(const std::string& path,
                     std::unique_ptr<ByteSource>* source) {
  int fd = -1;
  if (Status s = OpenRegular(path, &fd); !s.ok()) return s;
  *source = std::make_unique<FileBytes>(path, fd);
  return Status::Ok();
}

}  // namespace actorkv
