// A store of format 1 whose first open for writing is killed, at each system
// call that raises its marker and at random moments of the whole open: it is a
// store of one format or the other, and the next open ends what was begun.

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "kv/base/types.h"
#include "kv/files/store_marker.h"
#include "kv/format/records.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr int kMostStops = 400;
constexpr int kRandomKills = 12;
constexpr char kNotes[] = "SELECT group_concat(body) FROM note";
constexpr char kAllNotes[] = "first,second,third,with bob,fifth";

// Runs `work` in a child that is killed at the nth stop before or after a
// system call. *killed is false when it ended before.
void KillAt(int nth, const std::function<void()>& work, bool* killed) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);
    work();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (!WIFSTOPPED(status)) GTEST_SKIP() << "a process may not be traced here";
  for (int i = 0; i < nth && WIFSTOPPED(status); ++i) {
    ASSERT_EQ(ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
    ASSERT_EQ(waitpid(child, &status, 0), child);
  }
  *killed = WIFSTOPPED(status);
  if (!*killed) return;
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, &status, 0), child);
}

class FormatKillTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string made = temp_.File("made");
    fs::create_directory(made);
    ASSERT_EQ(std::system(
                  ("tar -xzf tests/stores/format1.tar.gz -C " + made).c_str()),
              0);
  }

  void TearDown() override { StoreRegistry::Instance()->CloseIdle(); }

  // The store as it was before it was ever opened.
  void Restore() {
    StoreRegistry::Instance()->CloseIdle();
    fs::remove_all(store_);
    fs::copy(temp_.File("made"), store_);
  }

  uint32_t MarkerFormat() {
    Marker marker;
    EXPECT_OK(ReadMarker(store_, &marker));
    return marker.format;
  }

  // Ends what was begun, and all is there.
  void CheckStore() {
    const uint32_t format = MarkerFormat();
    EXPECT_TRUE(format == 1 || format == kStoreFormat) << format;
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store_, "alice")), SQLITE_OK) << LastError();
    EXPECT_EQ(db.QueryText(kNotes), kAllNotes);
    EXPECT_EQ(db.QueryText("SELECT * FROM actorkv_verify"), "");
    db.Close();
    EXPECT_EQ(MarkerFormat(), kStoreFormat);
    std::shared_ptr<Store> opened;
    ASSERT_OK(StoreRegistry::Instance()->Acquire(store_, OpenMode::kExisting,
                                                 &opened));
    EXPECT_EQ(opened->record().format, kStoreFormat);
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
};

TEST_F(FormatKillTest, AtEachSystemCallOfTheMarker) {
  bool killed = true;
  int stops = 0;
  for (; killed && stops < kMostStops; ++stops) {
    SCOPED_TRACE(stops);
    Restore();
    KillAt(
        stops,
        [this] {
          bool raised = false;
          if (!RaiseMarker(store_, &raised).ok()) _exit(1);
        },
        &killed);
    if (IsSkipped() || HasFatalFailure()) return;
    CheckStore();
  }
  EXPECT_FALSE(killed) << "the last one went through";
  EXPECT_GT(stops, 10);
  // Nothing is left of all the attempts but the marker.
  for (const auto& entry : fs::directory_iterator(store_)) {
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos);
  }
}

TEST(FormatKill, DISABLED_Opener) {
  ChildSay('b');
  SqliteDb db;
  if (db.Open(ActorUri(ChildArgument(), "alice")) != SQLITE_OK) ChildSay('x');
  ChildSay('d');
  ChildHear();
}

TEST_F(FormatKillTest, AtRandomMomentsOfTheOpen) {
  std::mt19937_64 rng(TestSeed());
  for (int i = 0; i < kRandomKills; ++i) {
    SCOPED_TRACE(i);
    Restore();
    ChildProcess child("FormatKill.DISABLED_Opener", store_);
    ASSERT_EQ(child.Hear(), 'b');
    std::this_thread::sleep_for(std::chrono::microseconds(rng() % 60000));
    child.Kill();
    CheckStore();
  }
}

}  // namespace
}  // namespace actorkv
