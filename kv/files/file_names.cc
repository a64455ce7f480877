#include "kv/files/file_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "kv/base/system_error.h"
#include "kv/files/directory.h"

namespace actorkv {

namespace {

// Returns true for errors of a file system that has no such rename.
bool IsMissingFeature(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

int Rename(const std::string& from, const std::string& to, unsigned flags) {
  return renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
}

// Renames a directory without RENAME_NOREPLACE. It replaces nothing but an
// empty one, whatever happens after the look.
Status RenameDirectory(const std::string& from, const std::string& to) {
  struct stat there = {};
  // rename() would replace a directory that is empty, so it is looked for.
  if (lstat(to.c_str(), &there) == 0) return ExistsAlready(to);
  if (std::rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
  return errno == ENOTEMPTY || errno == EEXIST
             ? ExistsAlready(to)
             : SystemError("rename to", to, errno);
}

Status NotAFile(const std::string& path, unsigned mode) {
  return Status::InvalidArgument("cannot replace " + path + ": it is " +
                                 KindOfFile(mode) +
                                 ", and only a regular file is replaced");
}

// Keeps or undoes an exchange. The two have changed places: `from` names what
// `to` was at that moment.
Status KeepExchange(const std::string& from, const std::string& to) {
  struct stat old = {};
  // Where it is gone, somebody took it for what a dead writer left, which it
  // is.
  if (lstat(from.c_str(), &old) != 0) return Status::Ok();
  if (S_ISREG(old.st_mode)) {
    if (unlink(from.c_str()) == 0 || errno == ENOENT) return Status::Ok();
    return SystemError("remove the old file", from, errno);
  }
  Status s = NotAFile(to, old.st_mode);
  if (Rename(from, to, RENAME_EXCHANGE) == 0) return s;
  return s.WithContext("it has the name " + from + " now");
}

}  // namespace

std::string_view DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

const char* KindOfFile(unsigned mode) {
  if (S_ISREG(mode)) return "a regular file";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISLNK(mode)) return "a symbolic link";
  return "a file of another kind";
}

Status ExistsAlready(const std::string& path) {
  return Status::AlreadyExists("it exists already: " + path);
}

Status RenameWithoutReplacing(const std::string& from, const std::string& to) {
  if (Rename(from, to, RENAME_NOREPLACE) == 0) return Status::Ok();
  if (errno == EEXIST) return ExistsAlready(to);
  if (!IsMissingFeature(errno)) return SystemError("rename to", to, errno);
  struct stat file = {};
  if (lstat(from.c_str(), &file) != 0) {
    return SystemError("look at", from, errno);
  }
  if (S_ISDIR(file.st_mode)) return RenameDirectory(from, to);
  // A hard link does not replace anything either.
  if (link(from.c_str(), to.c_str()) != 0) {
    return errno == EEXIST ? ExistsAlready(to)
                           : SystemError("link to", to, errno);
  }
  // Both names are there for a moment, of the same file. An error leaves the
  // temporary one, which is removed as a leftover.
  unlink(from.c_str());
  return Status::Ok();
}

Status RenameOverFile(const std::string& from, const std::string& to) {
  struct stat there = {};
  if (lstat(to.c_str(), &there) != 0) return SystemError("look at", to, errno);
  if (!S_ISREG(there.st_mode)) return NotAFile(to, there.st_mode);
  // After an exchange one sees what was replaced, and can put it back. A rename
  // has destroyed it by then.
  if (Rename(from, to, RENAME_EXCHANGE) == 0) return KeepExchange(from, to);
  // Without an exchange the name may come to mean something else unseen between
  // the look and the rename; the kernel itself keeps it from a directory.
  if (IsMissingFeature(errno) && std::rename(from.c_str(), to.c_str()) == 0) {
    return Status::Ok();
  }
  return SystemError("rename to", to, errno);
}

Status SyncDirectoryOf(const std::string& path) {
  return SyncDirectory(std::string(DirectoryOf(path)));
}

}  // namespace actorkv
