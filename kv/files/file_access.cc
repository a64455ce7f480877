#include "kv/files/file_access.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/file_names.h"
#include "kv/files/store_names.h"

namespace actorkv {
namespace {

constexpr mode_t kFileBits = 0666;
constexpr mode_t kAllBits = 07777;
// The mode of a file that is about to get its access.
constexpr mode_t kNobodyElse = 0600;

// The number of attempts to open a file that is there, or make one that is not:
// in between another process may do one or undo the other.
constexpr int kOpenAttempts = 8;

Status NotPlain(const std::string& path) {
  return Status::InvalidArgument(
      "a link or a special file where a store has a plain file: " + path +
      ": remove it, or use another directory");
}

// REQUIRES: `path` was opened as `fd`.
Status CheckOpened(int fd, const std::string& path) {
  struct stat file = {};
  if (fstat(fd, &file) != 0) return SystemError("look at", path, errno);
  return S_ISREG(file.st_mode) ? Status::Ok() : NotPlain(path);
}

}  // namespace

FileAccess AccessOf(const struct stat& file) {
  return {file.st_mode & kFileBits, file.st_uid, file.st_gid};
}

// The marker decides where there is one, so that a later change of the
// directory's mode is none of the store's.
FileAccess AccessIn(const std::string& directory) {
  struct stat found = {};
  const std::string marker = directory + "/" + kMarkerFileName;
  if (lstat(marker.c_str(), &found) == 0 && S_ISREG(found.st_mode)) {
    return AccessOf(found);
  }
  if (stat(directory.c_str(), &found) == 0) return AccessOf(found);
  return {kNobodyElse, geteuid(), getegid()};
}

// Errors are let be: the file works for this process as it is, and a file
// system without owners is no reason to refuse a store.
void GiveAccess(int fd, const FileAccess& access) {
  struct stat file = {};
  if (fstat(fd, &file) != 0) return;
  if (geteuid() == 0 &&
      (file.st_uid != access.owner || file.st_gid != access.group)) {
    static_cast<void>(fchown(fd, access.owner, access.group) == 0);
  }
  if ((file.st_mode & kAllBits) != access.mode) {
    static_cast<void>(fchmod(fd, access.mode) == 0);
  }
}

void GiveAccess(const std::string& path, const FileAccess& access) {
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) return;
  // A link or a second name may lead to a file of somebody else, whose owner
  // this process could change as root.
  if (!S_ISREG(file.st_mode) || file.st_nlink != 1) return;
  if (geteuid() == 0 &&
      (file.st_uid != access.owner || file.st_gid != access.group)) {
    static_cast<void>(lchown(path.c_str(), access.owner, access.group) == 0);
  }
  if ((file.st_mode & kAllBits) != access.mode) {
    static_cast<void>(chmod(path.c_str(), access.mode) == 0);
  }
}

void CopyDirectoryAccess(const std::string& from, const std::string& to) {
  struct stat source = {};
  struct stat made = {};
  if (stat(from.c_str(), &source) != 0) return;
  if (lstat(to.c_str(), &made) != 0 || !S_ISDIR(made.st_mode)) return;
  if (geteuid() == 0) {
    const int done = lchown(to.c_str(), source.st_uid, source.st_gid);
    static_cast<void>(done == 0);
  }
  static_cast<void>(chmod(to.c_str(), source.st_mode & kAllBits) == 0);
}

Status OpenStoreFile(const std::string& path, int flags, int* fd) {
  // O_NONBLOCK is set as a special file must not make an open wait.
  const int kept = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    int opened = open(path.c_str(), kept);
    if (opened < 0 && errno == ENOENT) {
      // Made for its owner alone, so that nobody opens it before it has its
      // access.
      opened = open(path.c_str(), kept | O_CREAT | O_EXCL, kNobodyElse);
      if (opened < 0 && errno == EEXIST) continue;
      if (opened >= 0)
        GiveAccess(opened, AccessIn(std::string(DirectoryOf(path))));
    }
    if (opened < 0) {
      return errno == ELOOP ? NotPlain(path) : SystemError("open", path, errno);
    }
    if (Status s = CheckOpened(opened, path); !s.ok()) {
      close(opened);
      return s;
    }
    *fd = opened;
    return Status::Ok();
  }
  return Status::Busy("it comes and goes while it is opened: " + path);
}

Status WriteStoreFile(const std::string& path, std::string_view bytes) {
  int fd = -1;
  if (Status s = OpenStoreFile(path, O_WRONLY, &fd); !s.ok()) return s;
  const Descriptor file(fd);
  if (ftruncate(fd, 0) != 0) return SystemError("cut", path, errno);
  if (write(fd, bytes.data(), bytes.size()) !=
      static_cast<ssize_t>(bytes.size())) {
    return SystemError("write", path, errno);
  }
  return fsync(fd) == 0 ? Status::Ok() : SystemError("sync", path, errno);
}

Status CheckPlainFile(const std::string& path) {
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0 || S_ISREG(file.st_mode)) {
    return Status::Ok();
  }
  return NotPlain(path);
}

}  // namespace actorkv
