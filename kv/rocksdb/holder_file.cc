#include "kv/rocksdb/holder_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/file_access.h"

namespace actorkv {
namespace {

// Offsets in the file: see the table in the header.
constexpr int kPidByte = 0;
constexpr int kHolderByte = 1;
constexpr int kWaitByte = 2;

struct flock PidLock() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kPidByte;
  lock.l_len = 1;
  return lock;
}

// The process that holds the lock which we did not get; 0: not known.
pid_t HolderPid(int fd) {
  struct flock lock = PidLock();
  // A lock of an open file description has the pid -1 here (fcntl(2)), and a
  // holder in another pid namespace has 0.
  if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
      lock.l_pid > 0) {
    return lock.l_pid;
  }
  char text[32] = {};
  if (pread(fd, text, sizeof(text) - 1, 0) <= 0) return 0;
  return static_cast<pid_t>(strtol(text, nullptr, 10));
}

std::string HolderOf(int fd) {
  const pid_t pid = HolderPid(fd);
  return pid > 0 ? "process " + std::to_string(pid) : "another process";
}

// Writes the pid as far as it can: the text is for people, and a full disk must
// not keep a store from being read. It is cut after it was written, so that
// nobody reads an empty file meanwhile.
void WritePid(int fd) {
  const std::string text = std::to_string(getpid()) + "\n";
  const ssize_t written = pwrite(fd, text.data(), text.size(), 0);
  if (written < 0) return;
  if (ftruncate(fd, written) != 0) return;
}

}  // namespace

Status HolderFile::Take(const std::string& directory,
                        std::unique_ptr<HolderFile>* holder) {
  std::unique_ptr<LockFile> file;
  if (Status s =
          LockFile::Open(HolderPathIn(directory), /*create=*/true, &file);
      !s.ok())
    return s;
  bool locked = false;
  if (Status s =
          file->TryLock(kHolderByte, LockFile::Kind::kExclusive, &locked);
      !s.ok()) {
    return s;
  }
  // Byte 1 comes first: it is what keeps other processes of this version out.
  // Byte 0 keeps those of an older one out, and tells the pid.
  if (!locked) return OpenElsewhere(directory);
  struct flock lock = PidLock();
  if (fcntl(file->fd(), F_SETLK, &lock) != 0) {
    const int error = errno;
    // POSIX allows either for a lock that somebody has (fcntl(2)).
    const bool held = error == EAGAIN || error == EACCES;
    return held ? OpenElsewhere(directory)
                : SystemError("lock", HolderPathIn(directory), error);
  }
  WritePid(file->fd());
  holder->reset(new HolderFile(std::move(file)));
  return Status::Ok();
}

std::string HolderFile::HolderIn(const std::string& directory) {
  std::unique_ptr<LockFile> file;
  if (!LockFile::OpenToShare(HolderPathIn(directory), &file).ok()) {
    return "another process";
  }
  return HolderOf(file->fd());
}

Status HolderFile::OpenElsewhere(const std::string& directory) {
  return Status::Busy("store is open in " + HolderIn(directory) + ": " +
                      directory);
}

bool HolderFile::IsHeld(const std::string& directory) {
  return LockFile::IsLocked(HolderPathIn(directory), kPidByte,
                            kHolderByte - kPidByte + 1);
}

HolderFile::HolderFile(std::unique_ptr<LockFile> file)
    : file_(std::move(file)) {}

bool HolderFile::IsWaitedFor() const {
  return file_->IsLockedElsewhere(kWaitByte, 1);
}

HolderWait::HolderWait(const std::string& directory) {
  std::unique_ptr<LockFile> file;
  if (!LockFile::Open(HolderPathIn(directory), /*create=*/false, &file).ok())
    return;
  // Beside a holder of an older version, which looks at no mark, the byte
  // cannot be locked.
  bool marked = false;
  static_cast<void>(file->TryLock(kWaitByte, LockFile::Kind::kShared, &marked));
  file_ = std::move(file);
}

bool HolderWait::IsHeld() const {
  return file_ != nullptr &&
         file_->IsLockedElsewhere(kPidByte, kHolderByte - kPidByte + 1);
}

bool HolderWait::OthersWait() const {
  return file_ != nullptr && file_->IsLockedElsewhere(kWaitByte, 1);
}

}  // namespace actorkv
