// KillHarness: a store that a child process works on until it dies before one
// of its engine's commits, and what this process then finds in it.

#ifndef ACTORKV_TESTS_SUPPORT_KILL_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_KILL_HARNESS_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/crash_life.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {

// The largest batch of the engines of these tests: all takes many.
constexpr size_t kKillBatchBytes = 128 << 10;

// The process dies before commit `fatal` from now on; 0: it does not.
inline void DieBeforeCommit(int fatal, CommitHook* hook) {
  const auto count = std::make_shared<std::atomic<int>>(0);
  hook->Set([fatal, count] {
    if (++*count == fatal) kill(getpid(), SIGKILL);
  });
}

class KillHarness : public testing::Test {
 protected:
  void TearDown() override {
    Close();
    UseHooks(nullptr);
  }

  // Runs the disabled test `child`, whose plan has `fatal` as its kind, in a
  // process of its own, and opens what it left. True: it reached its end.
  bool LiveAs(const char* child, int fatal) {
    // As tests/support/crash_life.cc writes it.
    ChildProcess process(child,
                         store_ + "\n\n\n" + std::to_string(fatal) + "\n0\n");
    const char said = process.Hear();
    EXPECT_NE(said, kSaysFailed);
    process.Kill();
    EXPECT_EQ(db_.Open(":memory:"), SQLITE_OK);
    EXPECT_EQ(Ask("SELECT actorkv_store('" + store_ + "')"), store_);
    return said == kSaysDone;
  }

  std::string Ask(const std::string& sql) { return db_.QueryText(sql); }

  void Close() {
    db_.Close();
    if (std::filesystem::exists(store_)) CloseStore(store_);
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
  SqliteDb db_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_KILL_HARNESS_H_
