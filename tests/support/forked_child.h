// ForkedChild: runs a few system calls in a child of fork(), for tests of what
// a child has of its parent, or of a peer that dies. The child must do without
// RocksDB and without GoogleTest's assertions: it says by a number how it went.

#ifndef ACTORKV_TESTS_SUPPORT_FORKED_CHILD_H_
#define ACTORKV_TESTS_SUPPORT_FORKED_CHILD_H_

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace actorkv {

// Whether a child of fork() can do what any process can, where its parent has
// threads. Under ThreadSanitizer it can start none; and AddressSanitizer (GCC
// 12) leaves it its locks as they were, so that an allocation may wait for
// ever.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kChildrenAreWhole = false;
#else
constexpr bool kChildrenAreWhole = true;
#endif

class ForkedChild {
 public:
  // `run` returns the status with which the child ends.
  explicit ForkedChild(const std::function<int()>& run) : pid_(fork()) {
    if (pid_ == 0) _exit(run());
  }
  ~ForkedChild() {
    if (pid_ > 0) Kill();
  }
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;

  pid_t pid() const { return pid_; }

  // The status with which it ended; negative: by a signal.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // kill -9, and waits until it is gone.
  void Kill() {
    kill(pid_, SIGKILL);
    Wait();
  }

 private:
  pid_t pid_;
};

// Stops a child from going on longer than a test may take.
inline int Within(unsigned seconds, const std::function<int()>& run) {
  alarm(seconds);
  return run();
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FORKED_CHILD_H_
