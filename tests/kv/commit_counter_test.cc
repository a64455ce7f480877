// The number by which followers see that a store changed.

#include "kv/commit_counter.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(CommitCounterTest, RisesWithEveryCount) {
  TempDir temp;
  CommitCount none;
  ASSERT_OK(ReadCommitCount(temp.path(), &none));
  std::unique_ptr<CommitCounter> counter;
  ASSERT_OK(CommitCounter::Open(temp.path(), &counter));
  CommitCount first;
  ASSERT_OK(ReadCommitCount(temp.path(), &first));
  EXPECT_FALSE(first == none);
  CommitCount again;
  ASSERT_OK(ReadCommitCount(temp.path(), &again));
  EXPECT_TRUE(again == first);
  counter->Increment();
  ASSERT_OK(ReadCommitCount(temp.path(), &again));
  EXPECT_EQ(again.count, first.count + 1);
}

TEST(CommitCounterTest, AnotherWriterCountsOn) {
  TempDir temp;
  std::unique_ptr<CommitCounter> counter;
  ASSERT_OK(CommitCounter::Open(temp.path(), &counter));
  counter->Increment();
  CommitCount before;
  ASSERT_OK(ReadCommitCount(temp.path(), &before));
  ASSERT_OK(CommitCounter::Open(temp.path(), &counter));
  CommitCount after;
  ASSERT_OK(ReadCommitCount(temp.path(), &after));
  EXPECT_GT(after.count, before.count);
}

TEST(CommitCounterTest, AReplacedFileIsAChange) {
  TempDir temp;
  const std::string path = temp.File(kCommitCounterFileName);
  std::unique_ptr<CommitCounter> counter;
  ASSERT_OK(CommitCounter::Open(temp.path(), &counter));
  CommitCount before;
  ASSERT_OK(ReadCommitCount(temp.path(), &before));
  std::filesystem::copy_file(path, path + ".new");
  std::filesystem::rename(path + ".new", path);
  CommitCount after;
  ASSERT_OK(ReadCommitCount(temp.path(), &after));
  EXPECT_EQ(after.count, before.count);
  EXPECT_FALSE(after == before);
}

TEST(CommitCounterTest, NeedsItsDirectory) {
  TempDir temp;
  std::unique_ptr<CommitCounter> counter;
  EXPECT_EQ(CommitCounter::Open(temp.File("none"), &counter).code(),
            Code::kNotFound);
}

}  // namespace
}  // namespace actorkv
