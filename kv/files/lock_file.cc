#include "kv/files/lock_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>
#include <utility>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/base/whole_mutex.h"
#include "kv/files/file_access.h"

namespace actorkv {
namespace {

// The mutex of the set below.
WholeMutex open_files_mutex;

// Leaked on purpose: stores may be closed by exit handlers.
// REQUIRES: open_files_mutex held.
std::set<LockFile*>& OpenFiles() {
  static auto* const files = new std::set<LockFile*>;
  return *files;
}

struct flock Bytes(short type, int64_t first, int64_t count) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = count;
  return lock;
}

Status OpenPresent(const std::string& path, int access, int* fd) {
  *fd = open(path.c_str(), access | O_CLOEXEC | O_NOFOLLOW);
  return *fd < 0 ? SystemError("open", path, errno) : Status::Ok();
}

}  // namespace

LockFile::LockFile(int fd, std::string path)
    : fd_(fd), path_(std::move(path)) {}

void LockFile::CloseAllInChild() {
  for (LockFile* file : OpenFiles()) {
    // Only the child's descriptor goes: the parent's keeps the lock (invariant
    // 2).
    close(file->fd_);
    file->fd_ = -1;
  }
  OpenFiles().clear();
}

// Registered while the library is loaded: a fork() that has begun before would
// not know of it.
const bool LockFile::closes_in_child_ =
    pthread_atfork(nullptr, nullptr, CloseAllInChild) == 0;

template <typename OpenFile>
Status LockFile::OpenWith(const std::string& path, const OpenFile& open_file,
                          std::unique_ptr<LockFile>* file) {
  // Everything that takes memory comes before the open. The object goes after
  // the guard, whose mutex its destructor takes.
  std::unique_ptr<LockFile> made(new LockFile(-1, path));
  const std::lock_guard<WholeMutex> guard(open_files_mutex);
  OpenFiles().insert(made.get());
  if (Status s = open_file(&made->fd_); !s.ok()) return s;
  *file = std::move(made);
  return Status::Ok();
}

Status LockFile::Open(const std::string& path, bool create,
                      std::unique_ptr<LockFile>* file) {
  return OpenWith(
      path,
      [&](int* fd) {
        return create ? OpenStoreFile(path, O_RDWR, fd)
                      : OpenPresent(path, O_RDWR, fd);
      },
      file);
}

Status LockFile::OpenToShare(const std::string& path,
                             std::unique_ptr<LockFile>* file) {
  return OpenWith(
      path, [&](int* fd) { return OpenPresent(path, O_RDONLY, fd); }, file);
}

Status LockFile::Look(const std::string& path, int64_t first_byte,
                      int64_t byte_count, bool* locked) {
  std::vector<int64_t> bytes;
  Status s = ListLocked(path, first_byte, byte_count, 1, &bytes);
  *locked = !bytes.empty();
  return s;
}

// The system tells of one lock of a range, whichever it comes to first: what is
// before and behind that one is asked for next.
Status LockFile::ListLocked(const std::string& path, int64_t first_byte,
                            int64_t byte_count, size_t most,
                            std::vector<int64_t>* bytes) {
  // An open file of its own: to it the locks of this process are those of
  // others.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    return errno == ENOENT ? Status::Ok() : SystemError("open", path, errno);
  }
  struct Range {
    int64_t first;
    int64_t end;
  };
  std::vector<Range> ranges = {{first_byte, first_byte + byte_count}};
  while (!ranges.empty() && bytes->size() < most) {
    const Range range = ranges.back();
    ranges.pop_back();
    struct flock lock = Bytes(F_WRLCK, range.first, range.end - range.first);
    if (fcntl(file.get(), F_OFD_GETLK, &lock) != 0) {
      return SystemError("look for a lock of", path, errno);
    }
    if (lock.l_type == F_UNLCK) continue;
    bytes->push_back(lock.l_start);
    if (lock.l_start > range.first) {
      ranges.push_back({range.first, lock.l_start});
    }
    // A length of 0 goes to the end of all files.
    const int64_t lock_end = lock.l_start + lock.l_len;
    if (lock.l_len > 0 && lock_end < range.end) {
      ranges.push_back({lock_end, range.end});
    }
  }
  return Status::Ok();
}

bool LockFile::IsLocked(const std::string& path, int64_t first_byte,
                        int64_t byte_count) {
  bool locked = false;
  return Look(path, first_byte, byte_count, &locked).ok() && locked;
}

LockFile::~LockFile() {
  const std::lock_guard<WholeMutex> guard(open_files_mutex);
  OpenFiles().erase(this);
  if (fd_ >= 0) close(fd_);
}

Status LockFile::TryLock(int64_t byte, Kind kind, bool* locked) {
  const short type = kind == Kind::kExclusive ? F_WRLCK : F_RDLCK;
  struct flock lock = Bytes(type, byte, 1);
  // The lock belongs to the open file and not to the process: a close of
  // another descriptor of the file does not end it (fcntl(2)).
  if (fcntl(fd_, F_OFD_SETLK, &lock) == 0) {
    *locked = true;
    return Status::Ok();
  }
  // POSIX allows either for a lock that somebody has (fcntl(2)).
  if (errno != EAGAIN && errno != EACCES) {
    return SystemError("lock", path_, errno);
  }
  *locked = false;
  return Status::Ok();
}

bool LockFile::IsLockedElsewhere(int64_t first_byte, int64_t byte_count) const {
  struct flock lock = Bytes(F_WRLCK, first_byte, byte_count);
  return fcntl(fd_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace actorkv
