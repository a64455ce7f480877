#include "kv/share/unshared_fd.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>

namespace actorkv {
namespace {

// The first of the list of all. Changes under UnsharedFd::mutex_.
UnsharedFd* first = nullptr;

// Returns the descriptor, or another one in its place where it is one of the
// first three. Negative, and errno, where there is none.
int AboveStandardOnes(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  close(fd);
  errno = error;
  return higher;
}

}  // namespace

WholeMutex UnsharedFd::mutex_;

// Registered while the library is loaded: a fork() that has begun before would
// not know of it.
const bool UnsharedFd::closes_in_child_ =
    pthread_atfork(nullptr, nullptr, CloseAllInChild) == 0;

void UnsharedFd::CloseAllInChild() {
  while (first != nullptr) {
    close(first->fd_);
    first->fd_ = -1;
    first->Unlink();
  }
}

void UnsharedFd::Keep(int fd) {
  fd_ = AboveStandardOnes(fd);
  if (fd_ < 0) return;
  next_ = first;
  if (first != nullptr) first->previous_ = this;
  first = this;
}

void UnsharedFd::Unlink() {
  if (previous_ == nullptr) {
    first = next_;
  } else {
    previous_->next_ = next_;
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

UnsharedFd::~UnsharedFd() { Close(); }

void UnsharedFd::Close() {
  const std::lock_guard<WholeMutex> lock(mutex_);
  if (fd_ < 0) return;
  Unlink();
  close(fd_);
  fd_ = -1;
}

}  // namespace actorkv
