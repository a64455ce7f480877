#include "kv/files/temporary.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <random>
#include <system_error>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/coding.h"
#include "kv/base/descriptor.h"
#include "kv/base/hash.h"
#include "kv/base/hex.h"
#include "kv/base/system_error.h"
#include "kv/base/whole_mutex.h"
#include "kv/files/directory.h"

namespace actorkv {

namespace {

constexpr std::string_view kPrefix = ".actorkv-";
constexpr std::string_view kSuffix = ".tmp";
constexpr size_t kRandomDigits = 16;
constexpr size_t kCheckDigits = 8;
constexpr uint64_t kCheckSeed = 0x746d70;

// The number of attempts: somebody else may take a new one for a leftover, in
// the moment before it is locked.
constexpr int kAttempts = 100;

// The number of names that are looked through for each file that is made,
// about.
constexpr uint64_t kNamesPerCall = 1000;

// The check tells our names from those that people give: a file is removed only
// when its name was made here.
std::string CheckOf(std::string_view begin) {
  std::string bytes;
  AppendBig64(&bytes, Hash64(begin, kCheckSeed));
  return ToHex(bytes).substr(0, kCheckDigits);
}

bool TryLock(int fd) {
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

bool IsOfKind(int fd, TemporaryKind kind) {
  struct stat file = {};
  if (fstat(fd, &file) != 0) return false;
  return kind == TemporaryKind::kFile ? S_ISREG(file.st_mode)
                                      : S_ISDIR(file.st_mode);
}

int OpenNew(const std::string& path, TemporaryKind kind, mode_t mode) {
  if (kind == TemporaryKind::kFile) {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  }
  if (mkdir(path.c_str(), mode) != 0) return -1;
  const int fd =
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  // Where it is gone, somebody took it for a leftover already: another name is
  // tried then.
  if (fd < 0 && errno == ENOENT) errno = EEXIST;
  return fd;
}

void RemoveIfDead(const std::string& path, TemporaryKind kind) {
  const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  // Some network file systems lock only files that are open for writing.
  int fd =
      kind == TemporaryKind::kFile ? open(path.c_str(), O_RDWR | flags) : -1;
  if (fd < 0) fd = open(path.c_str(), O_RDONLY | flags);
  const Descriptor file(fd);
  // The name is looked at under the lock: the file may have got its own since
  // it was opened.
  if (fd < 0 || !IsOfKind(fd, kind) || !TryLock(fd) ||
      !IsStillNamed(fd, path)) {
    return;
  }
  if (kind == TemporaryKind::kFile) {
    unlink(path.c_str());
  } else {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
}

// Schedule: says when a directory is to be looked through again.
class Schedule {
 public:
  bool IsDue(const std::string& directory) {
    const std::lock_guard<WholeMutex> lock(mutex_);
    if (directory != directory_) return true;
    if (calls_left_ == 0) return true;
    --calls_left_;
    return false;
  }
  void Looked(const std::string& directory, uint64_t name_count) {
    const std::lock_guard<WholeMutex> lock(mutex_);
    directory_ = directory;
    // Listing a directory of many names costs more than making a file in it, so
    // it is done for some of them only.
    calls_left_ = name_count / kNamesPerCall;
  }

 private:
  WholeMutex mutex_;
  std::string directory_;  // the last one
  uint64_t calls_left_ = 0;
};

}  // namespace

std::string NewTemporaryName(TemporaryKind kind) {
  std::random_device device;
  std::string random;
  AppendBig64(&random, uint64_t{device()} << 32 | device());
  const std::string begin =
      std::string(kPrefix) + static_cast<char>(kind) + ToHex(random);
  return begin + "-" + CheckOf(begin) + std::string(kSuffix);
}

bool IsTemporaryName(std::string_view name, TemporaryKind* kind) {
  const size_t begin_size = kPrefix.size() + 1 + kRandomDigits;
  if (name.size() != begin_size + 1 + kCheckDigits + kSuffix.size() ||
      !BeginsWith(name, kPrefix) || !EndsWith(name, kSuffix) ||
      name[begin_size] != '-') {
    return false;
  }
  const std::string_view begin = name.substr(0, begin_size);
  if (name.substr(begin_size + 1, kCheckDigits) != CheckOf(begin)) return false;
  const auto found = static_cast<TemporaryKind>(name[kPrefix.size()]);
  if (found != TemporaryKind::kFile && found != TemporaryKind::kDirectory) {
    return false;
  }
  *kind = found;
  return true;
}

Status MakeTemporary(const std::string& directory, TemporaryKind kind,
                     mode_t mode, Temporary* temporary) {
  for (int i = 0; i < kAttempts; ++i) {
    std::string made = directory + "/" + NewTemporaryName(kind);
    const int opened = OpenNew(made, kind, mode);
    if (opened < 0 && errno == EEXIST) continue;
    if (opened < 0) return SystemError("create a file in", directory, errno);
    const bool locked = TryLock(opened);
    // Any other error means that the file system has no such lock, and then
    // nobody removes the file.
    const bool taken = !locked && errno == EWOULDBLOCK;
    // Between the making and the lock somebody may have taken it for a leftover
    // and removed it: then the name is gone, although the lock is ours.
    if (!taken && IsStillNamed(opened, made)) {
      temporary->path = std::move(made);
      temporary->fd = opened;
      return Status::Ok();
    }
    close(opened);
  }
  return Status::Busy("others remove every new temporary file: " + directory);
}

bool IsStillNamed(int fd, const std::string& path) {
  struct stat opened = {};
  struct stat named = {};
  return fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

void LockUnnamed(int fd) { TryLock(fd); }

void RemoveLeftovers(const std::string& directory) {
  // The schedule is never destroyed, as a thread may write a file while the
  // process ends.
  static Schedule& schedule = *new Schedule;
  if (!schedule.IsDue(directory)) return;
  std::vector<std::string> names;
  if (!ListNames(directory, "", &names).ok()) return;
  schedule.Looked(directory, names.size());
  for (const std::string& name : names) {
    TemporaryKind kind = TemporaryKind::kFile;
    if (IsTemporaryName(name, &kind)) {
      RemoveIfDead(directory + "/" + name, kind);
    }
  }
}

}  // namespace actorkv
