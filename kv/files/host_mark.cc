#include "kv/files/host_mark.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/store_names.h"

namespace actorkv {
namespace {

// DO NOT CHANGE THESE VALUES: processes of several versions go by them.
constexpr int64_t kFirstByte = int64_t{1} << 32;
constexpr int64_t kByteCount = int64_t{1} << 62;

std::string PathIn(const std::string& directory) {
  return directory + "/" + kHolderFileName;
}

int64_t ByteOf(const HostId& host) {
  return kFirstByte +
         static_cast<int64_t>(host.incarnation % uint64_t{kByteCount});
}

// Asks with an open file of its own, to which the marks of this process are
// those of others.
Status IsLocked(const std::string& directory, int64_t first, int64_t count,
                bool* locked) {
  const std::string path = PathIn(directory);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    if (errno != ENOENT) return SystemError("open", path, errno);
    *locked = false;
    return Status::Ok();
  }
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = count;
  if (fcntl(file.get(), F_OFD_GETLK, &lock) != 0) {
    return SystemError("look for a lock of", path, errno);
  }
  *locked = lock.l_type != F_UNLCK;
  return Status::Ok();
}

}  // namespace

HostMark::HostMark(std::unique_ptr<LockFile> file) : file_(std::move(file)) {}

Status HostMark::Make(const std::string& directory, const HostId& host,
                      std::unique_ptr<HostMark>* mark) {
  std::unique_ptr<LockFile> file;
  if (Status s = LockFile::OpenToShare(PathIn(directory), &file); !s.ok()) {
    return s;
  }
  bool locked = false;
  if (Status s = file->TryLock(ByteOf(host), LockFile::Kind::kShared, &locked);
      !s.ok()) {
    return s;
  }
  if (!locked) {
    return Status::Busy("store is open in a process of an older version: " +
                        directory)
        .WithErrno(EAGAIN);
  }
  mark->reset(new HostMark(std::move(file)));
  return Status::Ok();
}

Status IsHostMarked(const std::string& directory, const HostId& host,
                    bool* marked) {
  return IsLocked(directory, ByteOf(host), 1, marked);
}

Status AnyHostMarked(const std::string& directory, bool* marked) {
  return IsLocked(directory, kFirstByte, kByteCount, marked);
}

}  // namespace actorkv
