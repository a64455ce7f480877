// StepKill: kills a process just before its n-th system call that changes
// files, for each n until it comes to its end. So every state of the disk that
// a killed writer can leave is met, whatever the speed of the machine.
//
// The child is a test of its own (tests/support/child_process.h), which
// prepares, says BeginSteps(), does what is to be looked at, and says
// EndSteps(). Only the thread that does so is stepped through.

#ifndef ACTORKV_TESTS_SUPPORT_STEP_KILL_H_
#define ACTORKV_TESTS_SUPPORT_STEP_KILL_H_

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <iterator>
#include <string>

#include "tests/support/child_process.h"

namespace actorkv {

// What the child ends with where it may not be traced.
inline constexpr int kNoTracing = 77;

// In the child.
inline void BeginSteps() {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNoTracing);
  raise(SIGSTOP);
}
[[noreturn]] inline void EndSteps(bool ok) { _exit(ok ? 0 : 1); }

namespace internal {

inline bool ChangesFiles(uint64_t call) {
  static constexpr uint64_t kCalls[] = {
#ifdef SYS_open
      SYS_open,     SYS_rename,    SYS_link,   SYS_unlink,    SYS_mkdir,
      SYS_rmdir,
#endif
#ifdef SYS_renameat
      SYS_renameat,
#endif
      SYS_openat,   SYS_renameat2, SYS_linkat, SYS_unlinkat,  SYS_mkdirat,
      SYS_write,    SYS_pwrite64,  SYS_fsync,  SYS_fdatasync, SYS_fchmod,
      SYS_fchown,   SYS_fsetxattr, SYS_flock,  SYS_ftruncate,
  };
  return std::find(std::begin(kCalls), std::end(kCalls), call) !=
         std::end(kCalls);
}

// Lets the child go on to its next stop. False when it has ended.
inline bool NextStop(pid_t pid, int signal, int* status) {
  ptrace(PTRACE_SYSCALL, pid, nullptr, signal);
  return waitpid(pid, status, 0) == pid && WIFSTOPPED(*status);
}

inline bool AtEntry(pid_t pid) {
  __ptrace_syscall_info info = {};
  return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 &&
         info.op == PTRACE_SYSCALL_INFO_ENTRY && ChangesFiles(info.entry.nr);
}

}  // namespace internal

enum class StepEnd { kKilled, kFinished, kFailed, kNotTraced };

// Runs the child until just before call `nth`, from 1 on.
inline StepEnd KillAtStep(const std::string& test, const std::string& argument,
                          int nth) {
  ChildProcess child(test, argument);
  const pid_t pid = child.pid();
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return StepEnd::kFailed;
  if (WIFSTOPPED(status)) {
    ptrace(PTRACE_SETOPTIONS, pid, nullptr,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int signal = 0;
    while (internal::NextStop(pid, signal, &status)) {
      const bool at_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
      signal = at_call ? 0 : WSTOPSIG(status);
      if (at_call && internal::AtEntry(pid) && --nth == 0) {
        child.Kill();
        return StepEnd::kKilled;
      }
    }
  }
  child.Forget();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return StepEnd::kFinished;
  return WIFEXITED(status) && WEXITSTATUS(status) == kNoTracing
             ? StepEnd::kNotTraced
             : StepEnd::kFailed;
}

// Kills it at each step. `prepare` is called before each life, `check` after
// it. Returns the number of steps; 0 where tracing is not allowed.
inline int KillAtEachStep(const std::string& test, const std::string& argument,
                          const std::function<void()>& prepare,
                          const std::function<void(bool finished)>& check) {
  constexpr int kMostSteps = 2000;
  for (int nth = 1; nth <= kMostSteps; ++nth) {
    SCOPED_TRACE("step " + std::to_string(nth) + " of " + argument);
    prepare();
    const StepEnd end = KillAtStep(test, argument, nth);
    if (end == StepEnd::kNotTraced) return 0;
    if (end == StepEnd::kFailed) {
      ADD_FAILURE() << "the child failed by itself";
      return nth;
    }
    check(end == StepEnd::kFinished);
    if (end == StepEnd::kFinished || testing::Test::HasFatalFailure() ||
        testing::Test::HasNonfatalFailure()) {
      return nth;
    }
  }
  ADD_FAILURE() << "it does not end";
  return kMostSteps;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_STEP_KILL_H_
