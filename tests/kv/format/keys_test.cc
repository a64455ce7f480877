// Keys: frozen bytes of each kind, round trips, order, and what is refused.

#include "kv/format/keys.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/bytes.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kMax = ~uint64_t{0};
const uint64_t kIds[] = {0, 1, 255, 256, 0x0102030405060708, kMax - 1, kMax};

TEST(KeysTest, GoldenBytes) {
  const BranchId branch{0x0102030405060708};
  const ActorId actor{0x1112131415161718};
  const struct {
    std::string key;
    std::string hex;
  } kCases[] = {
      {StoreRecordKey(), "4d"},
      {ActorEntryKey("alice"), "4e616c696365"},
      {DeletedEntryKey(actor), "441112131415161718"},
      {StageKey(branch), "530102030405060708"},
      {ImportKey(LegacyId{0x0102030405060708}), "490102030405060708"},
      {ClockLimitKey(0x2122232425262728), "542122232425262728"},
      {HeadKey(), "48"},
      {BranchRecordKey(branch), "420102030405060708"},
      {CommitKey(branch, TxId{1}), "430102030405060708fffffffffffffffe"},
      {LegacyRecordKey(), "4c"},
      {PairKey(""), "50"},
      {PairKey(std::string("\4\0", 2)), "500400"},
      {ChunkKey(0x31323334, TxId{1}), "0231323334fffffffffffffffe"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Hex(c.key), c.hex);
}

TEST(KeysTest, PartitionsOfDifferentThingsDiffer) {
  EXPECT_EQ(CatalogPartition().id, 0u);
  EXPECT_EQ(ActorPartition(ActorId{7}).id, 7u);
  EXPECT_EQ(BranchPartition(BranchId{7}).id, 7u);
  EXPECT_NE(ActorPartition(ActorId{7}), BranchPartition(BranchId{7}));
  EXPECT_NE(ActorPartition(ActorId{7}), LegacyPartition(LegacyId{7}));
  EXPECT_NE(BranchPartition(BranchId{7}), LegacyPartition(LegacyId{7}));
  EXPECT_NE(ActorPartition(ActorId{7}), ActorPartition(ActorId{8}));
}

TEST(KeysTest, RoundTrip) {
  for (uint64_t id : kIds) {
    BranchId branch;
    TxId txid;
    PageNo pgno = 0;
    uint64_t limit_us = 0;
    EXPECT_OK(ParseStageKey(StageKey({id}), &branch));
    EXPECT_EQ(branch.value, id);
    EXPECT_OK(ParseClockLimitKey(ClockLimitKey(id), &limit_us));
    EXPECT_EQ(limit_us, id);
    EXPECT_OK(ParseCommitKey(CommitKey({id}, {~id}), &branch, &txid));
    EXPECT_EQ(branch.value, id);
    EXPECT_EQ(txid.value, ~id);
    const auto page = static_cast<PageNo>(id);
    EXPECT_OK(ParseChunkKey(ChunkKey(page, {id}), &pgno, &txid));
    EXPECT_EQ(pgno, page);
    EXPECT_EQ(txid.value, id);
  }
  const std::string names[] = {"a", "alice", std::string(255, 'x'), "\xc3\xbc"};
  for (const std::string& name : names) {
    std::string parsed;
    EXPECT_OK(ParseActorEntryKey(ActorEntryKey(name), &parsed));
    EXPECT_EQ(parsed, name);
  }
}

using Parser = std::function<Status(std::string_view)>;

// Feeds what is not a key of this kind: cut, too long, of all other kinds.
void ExpectRefused(const std::string& good, const Parser& parse,
                   const std::string& message) {
  std::vector<std::string> bad = {"", good.substr(0, good.size() - 1),
                                  good + "x", "X" + good.substr(1)};
  for (const std::string& other :
       {StoreRecordKey(), ActorEntryKey("12345678"), DeletedEntryKey({1}),
        StageKey({1}), ImportKey({1}), ClockLimitKey(1), HeadKey(),
        BranchRecordKey({1}), CommitKey({1}, {1}), ChunkKey(1, {1})}) {
    if (other[0] != good[0]) bad.push_back(other);
  }
  for (const std::string& key : bad) {
    EXPECT_TRUE(IsError(parse(key), Code::kCorruption, message)) << Hex(key);
  }
}

TEST(KeysTest, WrongKeysAreRefusedAndLeaveTheOutputs) {
  BranchId branch{77};
  TxId txid{77};
  uint64_t limit_us = 77;
  ExpectRefused(
      StageKey({1}),
      [&](std::string_view key) { return ParseStageKey(key, &branch); },
      "not a stage");
  ExpectRefused(
      ClockLimitKey(1),
      [&](std::string_view key) { return ParseClockLimitKey(key, &limit_us); },
      "not a clock limit");
  ExpectRefused(
      CommitKey({1}, {1}),
      [&](std::string_view key) { return ParseCommitKey(key, &branch, &txid); },
      "not a commit");
  EXPECT_EQ(branch.value, 77u);
  EXPECT_EQ(txid.value, 77u);
  EXPECT_EQ(limit_us, 77u);
}

TEST(KeysTest, ImportsAndPairs) {
  LegacyId legacy{77};
  ExpectRefused(
      ImportKey({1}),
      [&](std::string_view key) { return ParseImportKey(key, &legacy); },
      "not a import");
  EXPECT_EQ(legacy.value, 77u);
  EXPECT_OK(ParseImportKey(ImportKey({kMax}), &legacy));
  EXPECT_EQ(legacy.value, kMax);
  std::string_view pair_key = "kept";
  for (const std::string& key : {std::string(), std::string("X"), HeadKey()}) {
    EXPECT_TRUE(IsError(ParsePairKey(key, &pair_key), Code::kCorruption,
                        "not a legacy pair"));
  }
  EXPECT_EQ(pair_key, "kept");
  for (const std::string& key : {std::string(), std::string("\0\xff", 2)}) {
    const std::string stored = PairKey(key);
    EXPECT_OK(ParsePairKey(stored, &pair_key));
    EXPECT_EQ(pair_key, key);
  }
}

TEST(KeysTest, ActorEntryNeedsAName) {
  std::string name = "kept";
  for (const std::string& key : {std::string(), ActorEntryPrefix(),
                                 StageKey({1}), std::string("alice")}) {
    EXPECT_TRUE(IsError(ParseActorEntryKey(key, &name), Code::kCorruption,
                        "not a actor entry"))
        << Hex(key);
  }
  EXPECT_EQ(name, "kept");
}

TEST(KeysTest, ChunkKeyOfAnotherLengthOrLayoutIsRefused) {
  PageNo pgno = 7;
  TxId txid{7};
  const std::string good = ChunkKey(1, {1});
  for (const std::string& key :
       {std::string(), good.substr(0, 12), good + "x", StageKey({1})}) {
    EXPECT_TRUE(IsError(ParseChunkKey(key, &pgno, &txid), Code::kCorruption,
                        "not a page chunk: bytes=" + Hex(key)));
  }
  std::string next = good;
  next[0] = 3;
  EXPECT_TRUE(IsError(ParseChunkKey(next, &pgno, &txid), Code::kNotSupported,
                      "chunk layout 3 is not known"));
  EXPECT_EQ(pgno, 7u);
  EXPECT_EQ(txid.value, 7u);
}

TEST(KeysTest, OrderIsThatOfTheNumbers) {
  for (size_t i = 1; i < std::size(kIds); ++i) {
    const uint64_t low = kIds[i - 1];
    const uint64_t high = kIds[i];
    EXPECT_LT(StageKey({low}), StageKey({high}));
    EXPECT_LT(ClockLimitKey(low), ClockLimitKey(high));
    EXPECT_LT(BranchRecordKey({low}), BranchRecordKey({high}));
    EXPECT_LT(DeletedEntryKey({low}), DeletedEntryKey({high}));
    // Newest first, whatever the branch or page before it.
    EXPECT_LT(CommitKey({5}, {high}), CommitKey({5}, {low}));
    EXPECT_LT(CommitKey({5}, {low}), CommitKey({6}, {high}));
    EXPECT_LT(ChunkKey(5, {high}), ChunkKey(5, {low}));
    EXPECT_LT(ChunkKey(5, {low}), ChunkKey(6, {high}));
  }
  EXPECT_LT(ChunkKey(255, {1}), ChunkKey(256, {1}));
  EXPECT_LT(CommitPrefix(), CommitPrefix(BranchId{0}));
  EXPECT_LT(CommitPrefix(BranchId{5}), CommitKey({5}, {kMax}));
  EXPECT_LT(ActorEntryKey("a"), ActorEntryKey("aa"));
  EXPECT_LT(ActorEntryKey("a~"), ActorEntryKey("b"));
}

// What a snapshot at txid s sees is the first key at or after (page, ~s).
TEST(KeysTest, SeekFindsTheVersionOfASnapshot) {
  EXPECT_LT(ChunkKey(5, {9}), ChunkKey(5, {8}));  // 9 is too new for 8
  EXPECT_LE(ChunkKey(5, {8}), ChunkKey(5, {8}));
  EXPECT_LT(ChunkKey(5, {8}), ChunkKey(5, {3}));
  EXPECT_LT(ChunkKey(5, {0}), ChunkKey(6, {kMax}));
}

}  // namespace
}  // namespace actorkv
