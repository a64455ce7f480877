// UnsharedFd: a descriptor that a child of fork() does not keep.
//
// A child has copies of all descriptors. With that of a socket it would keep a
// dead parent's session alive, and take part in it; with that of a listener it
// would let others wait at a door that nobody opens.
//
// Invariants:
//  1. In a child of fork() every UnsharedFd of the parent is closed, and get()
//     is negative, before fork() returns there. What else its owner has (a
//     mapping, a session) belongs to the parent, and is let be.
//  2. A descriptor is open and known to the handler in one step, as seen by
//     fork(). Calls without fork's handlers, vfork() and posix_spawn(), lead to
//     exec, which closes it.
//  3. It is none of the first three, which programs close and open again as
//     they like: what is meant for standard error does not go into a session.
//
// Thread-safe; one UnsharedFd belongs to one thread at a time. Allocates
// nothing.

#ifndef ACTORKV_KV_SHARE_UNSHARED_FD_H_
#define ACTORKV_KV_SHARE_UNSHARED_FD_H_

#include <mutex>

#include "kv/base/whole_mutex.h"

namespace actorkv {

class UnsharedFd {
 public:
  UnsharedFd() = default;
  ~UnsharedFd();
  UnsharedFd(const UnsharedFd&) = delete;
  UnsharedFd& operator=(const UnsharedFd&) = delete;

  // Takes the descriptor that `open_it` returns, which must set O_CLOEXEC and
  // wait for nothing: fork() waits for it. Returns get(): negative, and errno,
  // where there is none. REQUIRES: it has none yet.
  template <typename Opener>
  int Open(const Opener& open_it) {
    const std::lock_guard<WholeMutex> lock(mutex_);
    Keep(open_it());
    return fd_;
  }

  // Closes it: there is none.
  void Close();

  // The descriptor. Negative: none, or this is a child of fork().
  int get() const { return fd_; }

 private:
  static void CloseAllInChild();
  // REQUIRES, of both: mutex_ is held.
  void Keep(int fd);
  void Unlink();

  static WholeMutex mutex_;  // of the list of all
  static const bool closes_in_child_;

  int fd_ = -1;
  UnsharedFd* previous_ = nullptr;  // in the list of all, as next_
  UnsharedFd* next_ = nullptr;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_UNSHARED_FD_H_
