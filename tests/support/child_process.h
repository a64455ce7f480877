// ChildProcess: runs one test of this same binary in a process of its own, for
// tests that need a second process or one to kill. fork() alone would copy a
// process whose RocksDB threads are gone.
//
// The child is a test named DISABLED_..., so that a normal run skips it. It
// gets an argument by ChildArgument() and talks by ChildSay() / ChildHear().

#ifndef ACTORKV_TESTS_SUPPORT_CHILD_PROCESS_H_
#define ACTORKV_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace actorkv {

inline constexpr int kChildHearsFd = 3;
inline constexpr int kChildSaysFd = 4;
inline constexpr char kChildArgumentName[] = "ACTORKV_TEST_CHILD";

class ChildProcess {
 public:
  // `test`: "Suite.DISABLED_Name".
  ChildProcess(const std::string& test, const std::string& argument) {
    int to_child[2];
    int from_child[2];
    // Above 10, so that the moves in the child cannot overwrite each other.
    if (!Pipe(to_child) || !Pipe(from_child)) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to_child[0], kChildHearsFd);
    posix_spawn_file_actions_adddup2(&actions, from_child[1], kChildSaysFd);
    const std::string filter = "--gtest_filter=" + test;
    std::string also = "--gtest_also_run_disabled_tests";
    std::string brief = "--gtest_brief=1";
    std::string name = "child";
    std::string filter_copy = filter;
    char* argv[] = {name.data(), filter_copy.data(), also.data(), brief.data(),
                    nullptr};
    setenv(kChildArgumentName, argument.c_str(), 1);
    if (posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv,
                    environ) != 0) {
      std::abort();
    }
    unsetenv(kChildArgumentName);
    posix_spawn_file_actions_destroy(&actions);
    close(to_child[0]);
    close(from_child[1]);
    says_fd_ = to_child[1];
    hears_fd_ = from_child[0];
  }

  ~ChildProcess() {
    if (pid_ > 0) Kill();
    if (says_fd_ >= 0) close(says_fd_);
    close(hears_fd_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // For more than single bytes.
  int says_fd() const { return says_fd_; }
  int hears_fd() const { return hears_fd_; }

  // The child hears an end.
  void CloseSays() {
    close(says_fd_);
    says_fd_ = -1;
  }

  // The next byte the child says; 0 when it ended.
  char Hear() {
    char byte = 0;
    return read(hears_fd_, &byte, 1) == 1 ? byte : '\0';
  }
  void Say(char byte) {
    if (write(says_fd_, &byte, 1) != 1) std::abort();
  }

  // kill -9, and waits until it is gone.
  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  // It has ended, and somebody else waited for it.
  void Forget() { pid_ = 0; }

  // The status with which it ended by itself; negative: by a signal.
  int WaitForStatus() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // True when that was success.
  bool WaitForSuccess() { return WaitForStatus() == 0; }

 private:
  static bool Pipe(int fds[2]) {
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0) return false;
    for (int i = 0; i < 2; ++i) {
      fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
      close(low[i]);
    }
    return fds[0] >= 0 && fds[1] >= 0;
  }

  pid_t pid_ = 0;
  int says_fd_ = -1;
  int hears_fd_ = -1;
};

// In the child.
inline std::string ChildArgument() {
  const char* text = std::getenv(kChildArgumentName);
  return text == nullptr ? "" : text;
}
inline void ChildSay(char byte) {
  if (write(kChildSaysFd, &byte, 1) != 1) std::abort();
}
inline char ChildHear() {
  char byte = 0;
  return read(kChildHearsFd, &byte, 1) == 1 ? byte : '\0';
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_CHILD_PROCESS_H_
