#include "kv/files/file_target.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include "kv/base/affix.h"
#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/files/file_names.h"

namespace actorkv {

namespace {

constexpr int kMaxLinks = 40;  // the kernel's limit
constexpr mode_t kSetIdBits = S_ISUID | S_ISGID;
constexpr char kAccessList[] = "system.posix_acl_access";
constexpr char kSecurityLabel[] = "security.selinux";
constexpr std::string_view kUserPrefix = "user.";

Status Refuse(const std::string& path, const std::string& why) {
  return Status::InvalidArgument("cannot write " + path + ": " + why);
}

// Writes a path and what it leads to.
std::string Leading(const std::string& path, const std::string& end) {
  return path == end ? path : path + ", a link to " + end;
}

// Returns true in /proc, where a link leads to an open file, which its text
// only describes.
bool IsInProc(const std::string& path) {
  struct statfs system = {};
  return statfs(std::string(DirectoryOf(path)).c_str(), &system) == 0 &&
         system.f_type == PROC_SUPER_MAGIC;
}

Status CheckPlace(const std::string& path, const std::string& end) {
  if (end.empty() || end.back() == '/') {
    return Refuse(Leading(path, end), "it names a directory");
  }
  if (IsInProc(end)) {
    return Refuse(Leading(path, end), "it is a name in /proc, not a file");
  }
  return CheckNotInStore(end);
}

Status FollowLink(std::string* path) {
  std::string text(PATH_MAX, '\0');
  const ssize_t size = readlink(path->c_str(), text.data(), text.size());
  if (size < 0) return SystemError("read the link", *path, errno);
  text.resize(static_cast<size_t>(size));
  // A link without a slash in front begins in the directory of the link, not in
  // the current one (path_resolution(7)).
  *path = BeginsWith(text, "/") ? text
                                : std::string(DirectoryOf(*path)) + "/" + text;
  return Status::Ok();
}

// Returns true where another file system is mounted on a file: its name cannot
// be given to another then.
bool IsMountPoint(const std::string& path) {
  struct statx file = {};
  return statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &file) == 0 &&
         (file.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
         (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Checks that `end`, which is there and no link, may be replaced.
Status CheckReplaceable(const std::string& path, const std::string& end,
                        bool overwrite, const struct stat& there) {
  if (!S_ISREG(there.st_mode)) {
    return Refuse(Leading(path, end),
                  std::string("it is ") + KindOfFile(there.st_mode) +
                      ", and only a regular file is replaced");
  }
  if (!overwrite) return ExistsAlready(Leading(path, end));
  if (IsMountPoint(end)) {
    return Refuse(Leading(path, end),
                  "it is mounted by itself, and cannot be replaced");
  }
  // A rename asks for rights on the directory alone. A file that is read-only
  // is meant to stay, so its own rights are asked for as well.
  if (faccessat(AT_FDCWD, end.c_str(), W_OK, AT_EACCESS) != 0) {
    return SystemError("replace", end, errno);
  }
  return Status::Ok();
}

Status Missing(const std::string& path, const std::string& end, int error) {
  if (error == ENAMETOOLONG) {
    return Refuse(Leading(path, end),
                  "the file system takes no name that is so long");
  }
  if (error != ENOENT) return SystemError("look at", end, error);
  // A link to nothing is refused: a file made there would leave the link in
  // place, and the user looks for it elsewhere.
  if (path == end) return Status::Ok();
  return Refuse(Leading(path, end), "that is not there: remove the link first");
}

// Copies an attribute as far as it can; one that cannot be kept is as in a new
// file.
void CopyAttribute(const std::string& from, const char* name, int to) {
  std::string value(XATTR_SIZE_MAX, '\0');
  const ssize_t size =
      lgetxattr(from.c_str(), name, value.data(), value.size());
  if (size >= 0) {
    fsetxattr(to, name, value.data(), static_cast<size_t>(size), 0);
  } else if (errno == ENODATA) {
    fremovexattr(to, name);
  }
}

void CopyUserAttributes(const std::string& from, int to) {
  std::string names(XATTR_LIST_MAX, '\0');
  const ssize_t size = llistxattr(from.c_str(), names.data(), names.size());
  if (size <= 0) return;
  names.resize(static_cast<size_t>(size));
  for (size_t at = 0; at < names.size();) {
    const char* name = names.c_str() + at;
    if (BeginsWith(name, kUserPrefix)) CopyAttribute(from, name, to);
    at += std::strlen(name) + 1;
  }
}

}  // namespace

Status FindFileTarget(const std::string& path, bool overwrite,
                      FileTarget* target) {
  // Links are followed here and not by the kernel: the file at their end is
  // replaced, and they lead to the new one.
  FileTarget found{path, std::nullopt};
  for (int i = 0; i <= kMaxLinks; ++i) {
    if (Status s = CheckPlace(path, found.path); !s.ok()) return s;
    struct stat there = {};
    if (lstat(found.path.c_str(), &there) != 0) {
      if (Status s = Missing(path, found.path, errno); !s.ok()) return s;
      *target = std::move(found);
      return Status::Ok();
    }
    if (!S_ISLNK(there.st_mode)) {
      if (Status s = CheckReplaceable(path, found.path, overwrite, there);
          !s.ok()) {
        return s;
      }
      found.is_now = there;
      *target = std::move(found);
      return Status::Ok();
    }
    if (Status s = FollowLink(&found.path); !s.ok()) return s;
  }
  return SystemError("look at", path, ELOOP);
}

Status KeepAttributes(const std::string& from, const struct stat& state,
                      int to) {
  struct stat now = {};
  if (fstat(to, &now) != 0) return SystemError("look at", from, errno);
  const auto is_owned = [&] {
    return fstat(to, &now) == 0 && now.st_uid == state.st_uid &&
           now.st_gid == state.st_gid;
  };
  if (!is_owned() && fchown(to, state.st_uid, state.st_gid) != 0) {
    // This process is not root's, but the group may be another one of its.
    static_cast<void>(!fchown(to, static_cast<uid_t>(-1), state.st_gid));
  }
  CopyAttribute(from, kAccessList, to);
  CopyAttribute(from, kSecurityLabel, to);
  CopyUserAttributes(from, to);
  // With another owner a set-id bit would give somebody else's rights.
  const mode_t kept = is_owned() ? 07777 : 07777 & ~kSetIdBits;
  // The mode comes last: a change of owner may take set-id bits away
  // (chown(2)).
  if (fchmod(to, state.st_mode & kept) != 0) {
    return SystemError("keep the permissions of", from, errno);
  }
  return Status::Ok();
}

}  // namespace actorkv
