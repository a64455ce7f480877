#include "kv/holder_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <set>
#include <tuple>

#include "kv/store_directory.h"
#include "kv/thrown.h"

namespace actorkv {
namespace {

// pid, device, inode. The pid is part of it because a child of fork() gets a
// copy of the set but none of the locks.
using HeldFile = std::tuple<pid_t, dev_t, ino_t>;

// Leaked on purpose: stores may be closed by exit handlers.
std::mutex& HeldMutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

// REQUIRES: HeldMutex() held.
std::set<HeldFile>& HeldFiles() {
  static auto* const files = new std::set<HeldFile>;
  return *files;
}

HeldFile Identity(const struct stat& file) {
  return {getpid(), file.st_dev, file.st_ino};
}

struct flock WholeFileWriteLock() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

Status OpenIn(const std::string& directory, pid_t pid) {
  return Status::Busy("store is open in process " + std::to_string(pid) + ": " +
                      directory);
}

// Who holds the lock that we did not get. The kernel knows, except for a
// holder in another pid namespace (0 then): there the file's text is better.
pid_t HolderPid(int fd) {
  struct flock lock = WholeFileWriteLock();
  if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
      lock.l_pid > 0) {
    return lock.l_pid;
  }
  char text[32] = {};
  if (pread(fd, text, sizeof(text) - 1, 0) <= 0) return 0;
  return static_cast<pid_t>(strtol(text, nullptr, 10));
}

// Best effort: the text is for people, and a full disk must not keep a store
// from being read.
void WritePid(int fd) {
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0) return;
  if (pwrite(fd, text.data(), text.size(), 0) < 0) return;
}

}  // namespace

Status HolderFile::Take(const std::string& directory,
                        std::unique_ptr<HolderFile>* holder) {
  const std::string path = directory + "/" + kHolderFileName;
  std::lock_guard<std::mutex> guard(HeldMutex());
  struct stat file = {};
  // stat, not open: see invariant 1.
  if (stat(path.c_str(), &file) == 0 && HeldFiles().count(Identity(file))) {
    return OpenIn(directory, getpid());
  }
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return SystemError("open", path, errno);
  struct flock lock = WholeFileWriteLock();
  if (fcntl(fd, F_SETLK, &lock) != 0) {
    const int error = errno;
    const bool held = error == EAGAIN || error == EACCES;
    Status status = held ? OpenIn(directory, HolderPid(fd))
                         : SystemError("lock", path, error);
    close(fd);
    return status;
  }
  if (fstat(fd, &file) != 0) {
    Status status = SystemError("fstat", path, errno);
    close(fd);
    return status;
  }
  OrUndo(
      [&] {
        WritePid(fd);
        HeldFiles().insert(Identity(file));
        holder->reset(new HolderFile(fd, file));
      },
      [&] {
        HeldFiles().erase(Identity(file));
        close(fd);
      });
  return Status::Ok();
}

HolderFile::HolderFile(int fd, const struct stat& file)
    : fd_(fd), device_(file.st_dev), inode_(file.st_ino) {}

HolderFile::~HolderFile() {
  std::lock_guard<std::mutex> guard(HeldMutex());
  HeldFiles().erase({getpid(), device_, inode_});
  close(fd_);
}

}  // namespace actorkv
