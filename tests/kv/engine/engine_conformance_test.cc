// What every Engine must do, run on each of them.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/support/engine_harness.h"

namespace actorkv {
namespace {

class EngineConformanceTest : public EngineTest {};

INSTANTIATE_TEST_SUITE_P(Engines, EngineConformanceTest,
                         testing::ValuesIn(kEngineCases), EngineName);

TEST_P(EngineConformanceTest, PutGetDelete) {
  MustPut(kActor, "a", "1");
  EXPECT_EQ(Read(kActor, "a"), "1");
  MustPut(kActor, "a", "2");
  EXPECT_EQ(Read(kActor, "a"), "2");
  EXPECT_EQ(Read(kActor, "b"), std::nullopt);
  Batch batch;
  batch.Delete(kActor, "a");
  batch.Delete(kActor, "never");
  MustCommit(batch);
  EXPECT_EQ(Read(kActor, "a"), std::nullopt);
}

TEST_P(EngineConformanceTest, GetAnswersEachKeyInItsPlace) {
  MustPut(kActor, "a", "1");
  MustPut(kActor, "c", "3");
  std::vector<std::optional<std::string>> values;
  ASSERT_OK(engine_->NewReader()->Get(kActor, {"c", "b", "a"}, &values));
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0], "3");
  EXPECT_EQ(values[1], std::nullopt);
  EXPECT_EQ(values[2], "1");
  ASSERT_OK(engine_->NewReader()->Get(kActor, {}, &values));
  EXPECT_TRUE(values.empty());
}

TEST_P(EngineConformanceTest, LaterOperationsOfABatchWin) {
  Batch batch;
  batch.Put(kActor, "a", "1");
  batch.Put(kActor, "a", "2");
  batch.Put(kActor, "b", "1");
  batch.Delete(kActor, "b");
  MustCommit(batch);
  EXPECT_EQ(Dump(kActor), "a=2");
}

TEST_P(EngineConformanceTest, EmptyKeysAndValues) {
  MustPut(kActor, "", "empty key");
  MustPut(kActor, "empty value", "");
  EXPECT_EQ(Read(kActor, ""), "empty key");
  EXPECT_EQ(Read(kActor, "empty value"), "");
  EXPECT_EQ(Dump(kActor), "=empty key empty value=");
  MustCommit(Batch());
}

TEST_P(EngineConformanceTest, OrderIsByUnsignedBytes) {
  const std::string high("\xff", 1);
  const std::string zero("\0", 1);
  MustPut(kBranch, high, "4");
  MustPut(kBranch, "a", "2");
  MustPut(kBranch, "\x7f", "3");
  MustPut(kBranch, zero, "1");
  MustPut(kBranch, "a" + zero, "2b");
  std::vector<KeyValue> pairs;
  ASSERT_OK(engine_->NewReader()->Scan(kBranch, "", 100, &pairs));
  std::string order;
  for (const KeyValue& pair : pairs) order += pair.value + " ";
  EXPECT_EQ(order, "1 2 2b 3 4 ");
}

// Neighbouring ids, keys at both ends of the key space, and the largest id.
TEST_P(EngineConformanceTest, PartitionsAreIsolated) {
  const std::string last(32, '\xff');
  constexpr uint64_t kMaxId = ~uint64_t{0};
  const std::vector<Partition> all = {
      kCatalog,
      {PartitionKind::kActor, 0},
      {PartitionKind::kActor, 255},
      {PartitionKind::kActor, 256},
      {PartitionKind::kActor, kMaxId},
      {PartitionKind::kBranch, 0},
      {PartitionKind::kBranch, 255},
      {PartitionKind::kBranch, 256},
      {PartitionKind::kBranch, kMaxId},
      {PartitionKind::kLegacy, 0},
      {PartitionKind::kLegacy, 256},
      {PartitionKind::kLegacy, kMaxId},
  };
  for (size_t i = 0; i < all.size(); ++i) {
    MustPut(all[i], "", std::to_string(i));
    MustPut(all[i], last, std::to_string(i));
  }
  const auto reader = engine_->NewReader();
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<KeyValue> pairs;
    ASSERT_OK(reader->Scan(all[i], "", 100, &pairs));
    ASSERT_EQ(pairs.size(), 2u) << i;
    EXPECT_EQ(pairs[0].value, std::to_string(i));
    EXPECT_EQ(pairs[1].value, std::to_string(i));
    std::vector<std::optional<KeyValue>> found;
    ASSERT_OK(reader->Seek(all[i], {last + "x", last}, &found));
    EXPECT_FALSE(found[0].has_value()) << i;
    EXPECT_TRUE(found[1].has_value()) << i;
  }
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_OK(engine_->Drop(all[i]));
    EXPECT_EQ(Dump(all[i]), "") << i;
    if (i + 1 < all.size()) {
      EXPECT_NE(Dump(all[i + 1]), "") << i;
    }
  }
}

TEST_P(EngineConformanceTest, SeekFindsFirstAtOrAfter) {
  MustPut(kActor, "b", "1");
  MustPut(kActor, "d", "2");
  std::vector<std::optional<KeyValue>> found;
  const auto reader = engine_->NewReader();
  ASSERT_OK(reader->Seek(kActor, {"e", "d", "c", "b", "", "bb"}, &found));
  ASSERT_EQ(found.size(), 6u);
  EXPECT_FALSE(found[0].has_value());
  EXPECT_EQ(found[1]->key, "d");
  EXPECT_EQ(found[2]->key, "d");
  EXPECT_EQ(found[3]->key, "b");
  EXPECT_EQ(found[4]->key, "b");
  EXPECT_EQ(found[5]->key, "d");
  bool one = false;
  std::string_view key;
  std::string_view value;
  ASSERT_OK(reader->SeekOne(kActor, "c", &one, &key, &value));
  EXPECT_TRUE(one);
  EXPECT_EQ(key, "d");
  EXPECT_EQ(value, "2");
  ASSERT_OK(reader->SeekOne(kActor, "e", &one, &key, &value));
  EXPECT_FALSE(one);
}

std::string PageKey(char page, char version) {
  return std::string("\2\0\0\0", 4) + page + std::string(7, '\0') + version;
}

// Page lookups of a branch take a way of their own in RocksDB; it must find
// the next page too, and what is in no page.
TEST_P(EngineConformanceTest, SeekOnPagesOfABranch) {
  MustPut(kBranch, PageKey(1, 5), "page 1 version 5");
  MustPut(kBranch, PageKey(1, 9), "page 1 version 9");
  MustPut(kBranch, PageKey(3, 2), "page 3 version 2");
  MustPut(kBranch, "\3", "short key");
  const auto reader = engine_->NewReader();
  const auto seek = [&](const std::string& target) {
    bool found = false;
    std::string_view key;
    std::string_view value;
    EXPECT_OK(reader->SeekOne(kBranch, target, &found, &key, &value));
    return found ? std::string(value) : "nothing";
  };
  EXPECT_EQ(seek(PageKey(1, 0)), "page 1 version 5");
  EXPECT_EQ(seek(PageKey(1, 5)), "page 1 version 5");
  EXPECT_EQ(seek(PageKey(1, 6)), "page 1 version 9");
  EXPECT_EQ(seek(PageKey(1, 10)), "page 3 version 2");
  EXPECT_EQ(seek(PageKey(2, 0)), "page 3 version 2");
  EXPECT_EQ(seek(PageKey(3, 3)), "short key");
  EXPECT_EQ(seek("\2"), "page 1 version 5");
  EXPECT_EQ(seek("\4"), "nothing");
  EXPECT_EQ(seek(PageKey(1, 0)), "page 1 version 5");
}

TEST_P(EngineConformanceTest, ScanStopsAtItsLimit) {
  for (const char* key : {"a", "b", "c", "d"}) MustPut(kActor, key, key);
  const auto reader = engine_->NewReader();
  std::vector<KeyValue> pairs;
  ASSERT_OK(reader->Scan(kActor, "b", 2, &pairs));
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].key, "b");
  EXPECT_EQ(pairs[1].key, "c");
  ASSERT_OK(reader->Scan(kActor, "bb", 100, &pairs));
  EXPECT_EQ(pairs.size(), 2u);
  ASSERT_OK(reader->Scan(kActor, "", 0, &pairs));
  EXPECT_TRUE(pairs.empty());
  ASSERT_OK(reader->Scan(kActor, "z", 100, &pairs));
  EXPECT_TRUE(pairs.empty());
}

TEST_P(EngineConformanceTest, SeveralPartitionsAreAtomicOrRefused) {
  Batch batch;
  batch.Put(kActor, "a", "1");
  batch.Put(kBranch, "b", "1");
  CommitResult r = engine_->Commit(batch, Durability::kBuffered);
  if (engine_->limits().multi_partition_commit) {
    ASSERT_OK(r.status);
    EXPECT_EQ(Dump(kActor) + " " + Dump(kBranch), "a=1 b=1");
    batch.AddGuard(kCatalog, "c", "not there");
    batch.Put(kActor, "a", "2");
    r = engine_->Commit(batch, Durability::kBuffered);
    EXPECT_EQ(r.outcome, CommitOutcome::kConflict);
    EXPECT_EQ(Read(kActor, "a"), "1");
  } else {
    EXPECT_EQ(r.outcome, CommitOutcome::kFailed);
    EXPECT_TRUE(IsError(r.status, Code::kNotSupported, "multi_partition"));
    EXPECT_EQ(Dump(kActor) + Dump(kBranch), "");
    Batch guard_elsewhere;
    guard_elsewhere.Put(kActor, "a", "1");
    guard_elsewhere.AddGuard(kCatalog, "c", std::nullopt);
    r = engine_->Commit(guard_elsewhere, Durability::kBuffered);
    EXPECT_EQ(r.status.code(), Code::kNotSupported);
  }
}

TEST_P(EngineConformanceTest, LimitsAreNamed) {
  const EngineLimits limits = engine_->limits();
  if (limits.max_batch_bytes > (size_t{1} << 30)) GTEST_SKIP() << "no limits";
  const auto expect = [&](const Batch& batch, const std::string& name) {
    const CommitResult r = engine_->Commit(batch, Durability::kBuffered);
    EXPECT_EQ(r.outcome, CommitOutcome::kFailed);
    EXPECT_TRUE(IsError(r.status, Code::kInvalidArgument, name));
    EXPECT_EQ(Dump(kActor), "");
  };
  Batch key;
  key.Put(kActor, std::string(limits.max_key_bytes + 1, 'k'), "v");
  expect(key, "max_key_bytes is " + std::to_string(limits.max_key_bytes));
  Batch guard;
  guard.AddGuard(kActor, std::string(limits.max_key_bytes + 1, 'k'), "v");
  expect(guard, "max_key_bytes");
  Batch value;
  value.Put(kActor, "k", std::string(limits.max_value_bytes + 1, 'v'));
  expect(value, "max_value_bytes is " + std::to_string(limits.max_value_bytes));
  Batch batch;
  while (batch.size_bytes() <= limits.max_batch_bytes) {
    batch.Put(kActor, "k", std::string(limits.max_value_bytes, 'v'));
  }
  expect(batch, "max_batch_bytes is " + std::to_string(limits.max_batch_bytes));
}

TEST_P(EngineConformanceTest, WhatIsAtTheLimitsFits) {
  const EngineLimits limits = engine_->limits();
  if (limits.max_batch_bytes > (size_t{1} << 30)) GTEST_SKIP() << "no limits";
  const std::string key(limits.max_key_bytes, '\xff');
  MustPut(kActor, key, std::string(limits.max_value_bytes, 'v'));
  EXPECT_EQ(Read(kActor, key)->size(), limits.max_value_bytes);
}

TEST_P(EngineConformanceTest, RefreshSeesWhatWasDone) {
  const auto reader = engine_->NewReader();
  MustPut(kBranch, PageKey(1, 5), "old");
  std::vector<KeyValue> pairs;
  // Done before the first read of the session.
  ASSERT_OK(reader->Scan(kBranch, "", 10, &pairs));
  ASSERT_EQ(pairs.size(), 1u);
  for (int round = 0; round < 10; ++round) {
    MustPut(kBranch, PageKey(1, 5), std::to_string(round));
    MustPut(kActor, "a", std::to_string(round));
    reader->Refresh();
    ASSERT_OK(reader->Scan(kBranch, "", 10, &pairs));
    ASSERT_EQ(pairs.size(), 1u);
    EXPECT_EQ(pairs[0].value, std::to_string(round));
    bool found = false;
    std::string_view key;
    std::string_view value;
    ASSERT_OK(reader->SeekOne(kBranch, PageKey(1, 0), &found, &key, &value));
    EXPECT_EQ(value, std::to_string(round));
    ASSERT_OK(reader->SeekOne(kActor, "a", &found, &key, &value));
    EXPECT_EQ(value, std::to_string(round));
  }
}

TEST_P(EngineConformanceTest, SeekOneViewsOutliveCommits) {
  MustPut(kActor, "a", std::string(100, 'x'));
  const auto reader = engine_->NewReader();
  bool found = false;
  std::string_view key;
  std::string_view value;
  ASSERT_OK(reader->SeekOne(kActor, "a", &found, &key, &value));
  MustPut(kActor, "a", std::string(100, 'y'));
  ASSERT_OK(engine_->Drop(kActor));
  EXPECT_EQ(value, std::string(100, 'x'));
}

TEST_P(EngineConformanceTest, DropRemovesAllAndMayBeRepeated) {
  for (const char* key : {"", "a", "\xff\xff"}) MustPut(kActor, key, "1");
  const auto reader = engine_->NewReader();
  std::vector<KeyValue> pairs;
  ASSERT_OK(reader->Scan(kActor, "", 10, &pairs));
  ASSERT_OK(engine_->Drop(kActor));
  reader->Refresh();
  ASSERT_OK(reader->Scan(kActor, "", 10, &pairs));
  EXPECT_TRUE(pairs.empty());
  ASSERT_OK(engine_->Drop(kActor));
  MustPut(kActor, "again", "1");
  EXPECT_EQ(Dump(kActor), "again=1");
}

TEST_P(EngineConformanceTest, WriterHasNothingToCatchUp) {
  std::atomic<uint64_t> epoch{7};
  ASSERT_OK(engine_->CatchUp(&epoch));
  EXPECT_EQ(epoch.load(), 7U);
  EXPECT_OK(engine_->Sync());
  EXPECT_FALSE(engine_->Describe().empty());
}

TEST_P(EngineConformanceTest, ReopenKeepsWhatWasCommitted) {
  if (!GetParam().durable) GTEST_SKIP() << "keeps nothing";
  MustPut(kActor, "buffered", "1");
  Batch batch;
  batch.Put(kBranch, PageKey(1, 1), "page");
  ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  ASSERT_OK(engine_->Drop(kCatalog));
  for (int i = 0; i < 3; ++i) {
    Reopen();
    EXPECT_EQ(Dump(kActor), "buffered=1");
    EXPECT_EQ(Read(kBranch, PageKey(1, 1)), "page");
  }
}

TEST_P(EngineConformanceTest, CheckpointIsACopy) {
  MustPut(kActor, "a", "1");
  uint64_t bytes = 0;
  const std::string path = directory_.File("copy");
  if (!GetParam().durable) {
    EXPECT_EQ(engine_->Checkpoint(path, &bytes).code(), Code::kNotSupported);
    return;
  }
  ASSERT_OK(engine_->Checkpoint(path, &bytes));
  EXPECT_GT(bytes, 0u);
  MustPut(kActor, "a", "2");
  EXPECT_TRUE(
      IsError(engine_->Checkpoint(path, &bytes), Code::kAlreadyExists, path));
  engine_.reset();
  engine_ = GetParam().open(path);
  EXPECT_EQ(Dump(kActor), "a=1");
}

}  // namespace
}  // namespace actorkv
