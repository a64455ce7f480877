#include "kv/store_marker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "kv/records.h"
#include "kv/store_directory.h"

namespace actorkv {

namespace {

constexpr std::string_view kText = "actorkv store, format ";
constexpr size_t kMaxMarkerBytes = 256;

std::string MarkerPath(const std::string& directory) {
  return directory + "/" + kMarkerFileName;
}

Status SyncAndClose(int fd, const std::string& path) {
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error == 0 ? Status::Ok() : SystemError("sync", path, error);
}

}  // namespace

Status WriteMarker(const std::string& directory) {
  const std::string path = MarkerPath(directory);
  const std::string temporary = path + ".tmp";
  const std::string text =
      std::string(kText) + std::to_string(kStoreFormat) + "\n";
  const int fd =
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("create", temporary, errno);
  const ssize_t written = write(fd, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    const int error = written < 0 ? errno : ENOSPC;
    close(fd);
    return SystemError("write", temporary, error);
  }
  if (Status s = SyncAndClose(fd, temporary); !s.ok()) return s;
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return SystemError("rename", temporary, errno);
  }
  return SyncDirectory(directory);
}

Status CheckMarker(const std::string& directory) {
  const std::string path = MarkerPath(directory);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", path, errno);
  std::string text(kMaxMarkerBytes, '\0');
  const ssize_t got = read(fd, text.data(), text.size());
  const int error = errno;
  close(fd);
  if (got < 0) return SystemError("read", path, error);
  text.resize(static_cast<size_t>(got));
  if (text.substr(0, kText.size()) != kText) {
    return Status::Corruption("not a store marker: " + path);
  }
  const std::string format =
      text.substr(kText.size(), text.find('\n') - kText.size());
  if (format == std::to_string(kStoreFormat)) return Status::Ok();
  return Status::NotSupported("store format " + format +
                              " is not known; this module reads format " +
                              std::to_string(kStoreFormat) + ": " + directory);
}

Status ReadIdentity(const std::string& directory, StoreIdentity* identity) {
  struct stat info = {};
  if (stat(directory.c_str(), &info) != 0) {
    return SystemError("find", directory, errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    return Status::InvalidArgument("a store is a directory, this is not: " +
                                   directory);
  }
  StoreIdentity found;
  found.device = info.st_dev;
  found.directory = info.st_ino;
  if (stat(MarkerPath(directory).c_str(), &info) == 0) {
    found.marker = info.st_ino;
  }
  *identity = found;
  return Status::Ok();
}

}  // namespace actorkv
