// The number by which followers see that a store changed.

#include "kv/rocksdb/commit_counter.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

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

// A store that is made again has the same count, and may get the same inode.
TEST(CommitCounterTest, EachOpenHasARandomNumber) {
  TempDir temp;
  std::set<uint64_t> seen = {0};
  for (int i = 0; i < 8; ++i) {
    std::unique_ptr<CommitCounter> counter;
    ASSERT_OK(CommitCounter::Open(temp.path(), &counter));
    CommitCount count;
    ASSERT_OK(ReadCommitCount(temp.path(), &count));
    EXPECT_TRUE(seen.insert(count.random).second);
    counter->Increment();
    CommitCount after;
    ASSERT_OK(ReadCommitCount(temp.path(), &after));
    EXPECT_EQ(after.random, count.random);
    std::filesystem::remove(temp.File(kCommitCounterFileName));
  }
  CommitCount a;
  CommitCount b;
  a.random = 1;
  EXPECT_FALSE(a == b);
}

// Of a module that knew the count alone.
TEST(CommitCounterTest, AFileOf8BytesIsFine) {
  TempDir temp;
  const uint64_t seven = 7;
  std::ofstream(temp.File(kCommitCounterFileName), std::ios::binary)
      .write(reinterpret_cast<const char*>(&seven), sizeof(seven));
  CommitCount count;
  ASSERT_OK(ReadCommitCount(temp.path(), &count));
  EXPECT_EQ(count.count, 7u);
  EXPECT_EQ(count.random, 0u);
  std::unique_ptr<CommitCounter> counter;
  ASSERT_OK(CommitCounter::Open(temp.path(), &counter));
  ASSERT_OK(ReadCommitCount(temp.path(), &count));
  EXPECT_EQ(count.count, 8u);
  EXPECT_NE(count.random, 0u);
  EXPECT_EQ(std::filesystem::file_size(temp.File(kCommitCounterFileName)), 16u);
}

TEST(CommitCounterTest, NeedsItsDirectory) {
  TempDir temp;
  std::unique_ptr<CommitCounter> counter;
  EXPECT_EQ(CommitCounter::Open(temp.File("none"), &counter).code(),
            Code::kNotFound);
}

}  // namespace
}  // namespace actorkv
