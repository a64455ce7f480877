// Commits behind the caller's back: all of them are there when it waits, and
// an error of one is the error of all that follow.

#include "kv/pages/bulk_commits.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>

#include "kv/base/workers.h"
#include "tests/support/gathering.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/no_threads.h"
#include "tests/support/store_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kBranch{PartitionKind::kBranch, 7};
constexpr int kBatches = 12;

// Large enough for a thread of its own.
Batch LargeBatch(int number) {
  Batch batch;
  batch.Put(kBranch, "k" + std::to_string(100 + number),
            std::string(kMinBackgroundBytes, static_cast<char>('a' + number)));
  return batch;
}

TEST(BulkCommitsTest, AllIsThereAfterWaiting) {
  const TestStore store;
  BulkCommits commits(store.get());
  for (int i = 0; i < kBatches; ++i) {
    Batch batch = LargeBatch(i);
    batch.Put(kBranch, "l" + std::to_string(100 + i), "small");
    ASSERT_OK(commits.Add(&batch));
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(batch.size_bytes(), 0U);
  }
  ASSERT_OK(commits.Wait());
  const std::vector<KeyValue> pairs = store.Scan(kBranch);
  ASSERT_EQ(pairs.size(), size_t{2} * kBatches);
  for (int i = 0; i < kBatches; ++i) {
    EXPECT_EQ(pairs[static_cast<size_t>(i)].value[0], 'a' + i);
  }
}

// Also of a batch that is used again, from which nothing must be left.
TEST(BulkCommitsTest, TellsThoseWhoWaitForABatchOnce) {
  const TestStore store;
  std::atomic<int> told{0};
  BulkCommits commits(store.get());
  Batch batch;
  for (int i = 0; i < kBatches; ++i) {
    batch.Append(LargeBatch(i));
    if (i == 0) batch.WhenDone([&told] { ++told; });
    ASSERT_OK(commits.Add(&batch));
  }
  ASSERT_OK(commits.Wait());
  EXPECT_EQ(told, 1);
  batch.Put(kBranch, "small", "v");
  batch.WhenDone([&told] { ++told; });
  ASSERT_OK(commits.Add(&batch));
  EXPECT_EQ(told, 2);
}

TEST(BulkCommitsTest, WithoutAThreadTheCallerCommits) {
  const TestStore store;
  BulkCommits commits(store.get());
  const NoThreads none;
  for (int i = 0; i < kBatches; ++i) {
    Batch batch = LargeBatch(i);
    EXPECT_OK(commits.Add(&batch));
    EXPECT_EQ(store.Scan(kBranch).size(), static_cast<size_t>(i) + 1);
  }
  EXPECT_OK(commits.Wait());
}

TEST(BulkCommitsTest, WhereAllThreadsAreBusyTheCallerCommits) {
  const TestStore store;
  BulkCommits commits(store.get());
  Gathering others;
  for (size_t i = 0; i < Workers::kMaxThreads; ++i) {
    while (!Workers::Instance()->Try([&] { others.Work(); })) usleep(100);
  }
  others.WaitFor(Workers::kMaxThreads);
  for (int i = 0; i < kBatches; ++i) {
    Batch batch = LargeBatch(i);
    EXPECT_OK(commits.Add(&batch));
    EXPECT_EQ(store.Scan(kBranch).size(), static_cast<size_t>(i) + 1);
  }
  EXPECT_OK(commits.Wait());
  others.End();
}

// In a child of fork(): 0 where it is told that the commit is lost.
int WaitInChild(BulkCommits* commits) {
  alarm(30);  // who waits for the thread of the parent ends by it
  const Status s = commits->Wait();
  return IsError(s, Code::kNotSupported, "forked") ? 0 : 1;
}

TEST(BulkCommitsTest, AChildOfForkDoesNotWait) {
  Gathering commit;
  const std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
  const auto hook = std::make_shared<CommitHook>();
  const TestStore store([&]() -> std::unique_ptr<Engine> {
    return std::make_unique<HookedEngine>(kept, hook);
  });
  BulkCommits commits(store.get());
  hook->Set([&] { commit.Work(); });
  Batch batch = LargeBatch(1);
  ASSERT_OK(commits.Add(&batch));
  commit.WaitFor(1);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) _exit(WaitInChild(&commits));
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  commit.End();
  EXPECT_OK(commits.Wait());
  EXPECT_EQ(store.Scan(kBranch).size(), 1U);
}

TEST(BulkCommitsTest, ASmallBatchIsThereAtOnce) {
  const TestStore store;
  BulkCommits commits(store.get());
  Batch batch;
  batch.Put(kBranch, "k", "v");
  ASSERT_OK(commits.Add(&batch));
  EXPECT_EQ(store.Scan(kBranch).size(), 1U);
  ASSERT_OK(commits.Add(&batch));  // of nothing
  EXPECT_EQ(store.Scan(kBranch).size(), 1U);
}

TEST(BulkCommitsTest, AnErrorEndsIt) {
  for (const bool large : {false, true}) {
    const TestStore store;
    store.plan()->FailCommit(1, CommitFault::kFailed, Status::NoSpace("full"));
    BulkCommits commits(store.get());
    Batch first = LargeBatch(1);
    if (!large) {
      first.Clear();
      first.Put(kBranch, "k", "v");
    }
    (void)commits.Add(&first);
    EXPECT_TRUE(IsError(commits.Wait(), Code::kNoSpace, "full"));
    Batch second = LargeBatch(2);
    EXPECT_TRUE(IsError(commits.Add(&second), Code::kNoSpace, "full"));
    EXPECT_TRUE(IsError(commits.Wait(), Code::kNoSpace, "full"));
    EXPECT_TRUE(store.Scan(kBranch).empty());
  }
}

TEST(BulkCommitsTest, TheEndWaits) {
  const TestStore store;
  {
    BulkCommits commits(store.get());
    for (int i = 0; i < kBatches; ++i) {
      Batch batch = LargeBatch(i);
      ASSERT_OK(commits.Add(&batch));
    }
  }
  EXPECT_EQ(store.Scan(kBranch).size(), size_t{kBatches});
}

}  // namespace
}  // namespace actorkv
