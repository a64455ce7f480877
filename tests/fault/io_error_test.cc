// The Nth write or sync of RocksDB's files fails under a real store, for N = 1,
// 2, ... until none fails: an acknowledged commit is never lost, a failed one
// is there or not but never in part, and the same connection works again
// without anything done by the user.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/fault/fault_world.h"
#include "tests/support/fault_fs.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr std::chrono::seconds kHealTime{10};
constexpr uint64_t kForever = 1000000000;
constexpr int kFlushAttempts = 1500;  // some 100 KB each

Step MakeStep(bool on_two, const std::string& body, void (*effect)(Model*)) {
  Step step;
  step.on_two = on_two;
  step.body = body;
  step.effect = effect;
  return step;
}

void RewriteA(Model* model) { model->a.big_at = ++model->a.n; }

std::vector<Step> AllSteps() {
  return {
      MakeStep(false, CountIn("main"), [](Model* model) { ++model->a.n; }),
      MakeStep(false, RewriteBigIn("main"), RewriteA),
      MakeStep(false, CountIn("main") + CountIn("b"),
               [](Model* model) {
                 ++model->a.n;
                 ++model->b.n;
               }),
      MakeStep(true, CountIn("a") + RewriteBigIn("b"),
               [](Model* model) {
                 ++model->a.n;
                 model->b.big_at = ++model->b.n;
               }),
  };
}

class IoErrorTest : public testing::Test {
 protected:
  IoErrorTest() {
    SetRocksDbFileSystemForTesting(fs_);
    world_ = std::make_unique<FaultWorld>(FaultWorld::Base::kRocksDb);
  }
  ~IoErrorTest() override {
    world_.reset();
    SetRocksDbFileSystemForTesting(nullptr);
  }

  // Runs the step; afterwards the model is what is there.
  int Run(const Step& step) {
    Model after = *world_->model();
    step.effect(&after);
    const StepResult result = RunStep(world_.get(), step);
    const std::string seen = world_->Look();
    if (result.code != SQLITE_OK) {
      EXPECT_TRUE(result.code == SQLITE_FULL ||
                  (result.code & 0xff) == SQLITE_IOERR)
          << result.code;
    }
    if (result.code == SQLITE_OK || seen == ExpectedText(after)) {
      *world_->model() = after;
    }
    EXPECT_EQ(seen, ExpectedText(*world_->model())) << LastError();
    return result.code;
  }

  void ExpectWorksAgain(const Step& step) {
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    int code = Run(step);
    while (code != SQLITE_OK && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      code = Run(step);
    }
    EXPECT_EQ(code, SQLITE_OK) << LastError();
  }

  // All steps with the nth operation failing. False when it did not come to it.
  bool Round(uint64_t n, bool sync, const rocksdb::IOStatus& status) {
    const uint64_t fired_before = fs_->fired_count();
    if (sync) {
      fs_->FailSync("", n, 1, status);
    } else {
      fs_->FailAppend("", n, 1, status);
    }
    for (const Step& step : AllSteps()) {
      if (Run(step) != SQLITE_OK) ExpectWorksAgain(step);
    }
    fs_->Heal();
    return fs_->fired_count() > fired_before;
  }

  void FailEvery(bool sync, const rocksdb::IOStatus& status) {
    uint64_t n = 1;
    while (Round(n, sync, status)) {
      ASSERT_FALSE(HasFailure()) << "operation " << n;
      ++n;
    }
    ASSERT_FALSE(HasFailure()) << "after operation " << n;
    EXPECT_GT(n, 4u);  // each step writes and syncs
    EXPECT_EQ(world_->LookAfterRestart(), ExpectedText(*world_->model()));
  }

  const std::shared_ptr<FaultFileSystem> fs_ =
      std::make_shared<FaultFileSystem>();
  std::unique_ptr<FaultWorld> world_;
};

TEST_F(IoErrorTest, EveryWriteFailsOnce) {
  FailEvery(false, rocksdb::IOStatus::IOError("injected"));
}

TEST_F(IoErrorTest, EveryWriteFindsNoSpaceOnce) {
  FailEvery(false, rocksdb::IOStatus::NoSpace("injected"));
}

TEST_F(IoErrorTest, EverySyncFailsOnce) {
  FailEvery(true, rocksdb::IOStatus::IOError("injected"));
}

TEST_F(IoErrorTest, EverySyncFindsNoSpaceOnce) {
  FailEvery(true, rocksdb::IOStatus::NoSpace("injected"));
}

// Flushes happen in the background and are nobody's commit.
TEST_F(IoErrorTest, AFailedFlushLosesNothing) {
  for (const bool sync : {false, true}) {
    const uint64_t fired_before = fs_->fired_count();
    const auto status = rocksdb::IOStatus::IOError("injected");
    if (sync) {
      fs_->FailSync(".sst", 1, 1, status);
    } else {
      fs_->FailAppend(".sst", 1, 1, status);
    }
    const Step rewrite = MakeStep(false, RewriteBigIn("main"), RewriteA);
    for (int i = 0; i < kFlushAttempts; ++i) {
      if (fs_->fired_count() > fired_before) break;
      Model after = *world_->model();
      rewrite.effect(&after);
      if (RunStep(world_.get(), rewrite).code != SQLITE_OK) break;
      *world_->model() = after;
    }
    EXPECT_GT(fs_->fired_count(), fired_before);
    ExpectWorksAgain(rewrite);
    EXPECT_EQ(world_->LookAfterRestart(), ExpectedText(*world_->model()));
  }
}

TEST_F(IoErrorTest, ReadsGoOnWhileTheDiskIsBroken) {
  const std::vector<Step> steps = AllSteps();
  for (const Step& step : steps) ASSERT_EQ(Run(step), SQLITE_OK);
  fs_->FailSync("", 1, kForever, rocksdb::IOStatus::IOError("injected"));
  // The first one may land: its log is then written anew and synced, past the
  // file system of this test.
  (void)Run(steps[0]);
  for (int i = 0; i < 3; ++i) {
    for (const Step& step : steps) EXPECT_NE(Run(step), SQLITE_OK);
  }
  fs_->Heal();
  for (const Step& step : steps) ExpectWorksAgain(step);
  EXPECT_EQ(world_->LookAfterRestart(), ExpectedText(*world_->model()));
}

}  // namespace
}  // namespace actorkv
