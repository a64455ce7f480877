// Commits behind the caller's back: all of them are there when it waits, and
// an error of one is the error of all that follow.

#include "kv/pages/bulk_commits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "kv/base/start_thread.h"
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
  RefuseThreadsForTesting(true);
  for (int i = 0; i < kBatches; ++i) {
    Batch batch = LargeBatch(i);
    EXPECT_OK(commits.Add(&batch));
    EXPECT_EQ(store.Scan(kBranch).size(), static_cast<size_t>(i) + 1);
  }
  RefuseThreadsForTesting(false);
  EXPECT_OK(commits.Wait());
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
