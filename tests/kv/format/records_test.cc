// Records: frozen bytes of each kind, round trips, and that no damaged record
// is ever returned as data.

#include "kv/format/records.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "kv/base/hash.h"
#include "kv/base/hex.h"
#include "kv/base/types.h"
#include "kv/format/keys.h"
#include "kv/format/record_frame.h"
#include "tests/support/bytes.h"
#include "tests/support/record_checks.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

CommitId TestCommitId() {
  CommitId id;
  for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<uint8_t>(0xa0 + i);
  return id;
}

Snapshot TestSnapshot() {
  Snapshot snapshot;
  snapshot.branch = {0x0102030405060708};
  snapshot.txid = {0x1112131415161718};
  snapshot.page_count = 0x21222324;
  snapshot.page_size = 4096;
  snapshot.stamp = 0x31323334;
  return snapshot;
}

StoreRecord TestStoreRecord() { return {1, 0x4142434445464748, 0x51}; }

ActorEntry TestActorEntry() {
  ActorEntry entry;
  entry.actor = {0x0102030405060708};
  entry.state = ActorState::kDeleted;
  entry.created_at_us = 0x11;
  entry.deleted_at_us = 0x12;
  entry.stamp_floor = 0x13;
  entry.cookie_floor = 0x14;
  return entry;
}

Head TestHead() {
  Head head;
  head.generation = {0x61};
  head.snapshot = TestSnapshot();
  head.digest = 0x7172737475767778;
  head.committed_at_us = 0x81;
  head.commit_id = TestCommitId();
  head.stored_bytes = 0x91;
  return head;
}

CommitRecord TestCommitRecord() {
  CommitRecord record;
  record.generation = {0x61};
  record.snapshot = TestSnapshot();
  record.digest = 0x7172737475767778;
  record.committed_at_us = 0x81;
  record.commit_id = TestCommitId();
  record.changed_page_count = 0x92;
  record.written_bytes = 0x93;
  record.origin = Origin::kImport;
  record.base_txid = {0x94};
  record.page_list = "\x01\x02";
  record.replaced_txid = TxId{0x95};
  return record;
}

// Without the field that version 3 added.
CommitRecord CommitRecordOfVersion2() {
  CommitRecord record = TestCommitRecord();
  record.replaced_txid.reset();
  return record;
}

BranchRecord TestBranchRecord() {
  BranchRecord record;
  record.parent = BranchPoint{{1}, {2}, {3}};
  record.first_txid = {4};
  record.chunk_count = 6;
  record.created_at_us = 5;
  return record;
}

StageRecord TestStageRecord() {
  return {{0x0102030405060708}, 0x11, {0x3a5, 0x2122232425262728}};
}

// A record decodes under the key of its place alone.
std::string KeyOf(const StoreRecord& /*record*/) { return StoreRecordKey(); }
std::string KeyOf(const ActorEntry& entry) {
  return DeletedEntryKey(entry.actor);
}
std::string KeyOf(const Head& /*head*/) { return HeadKey(); }
std::string KeyOf(const CommitRecord& record) {
  return CommitKey(record.snapshot.branch, record.snapshot.txid);
}
std::string KeyOf(const BranchRecord& /*record*/) {
  return BranchRecordKey({9});
}
std::string KeyOf(const StageRecord& /*record*/) { return StageKey({9}); }

template <typename Record>
void ExpectRoundTrip(const Record& record) {
  ExpectRoundTripUnder(KeyOf(record), record);
}

// The bytes of an old version as they stood under "key", for another one.
std::string Rekeyed(const std::string& hex, const std::string& key) {
  std::string value;
  EXPECT_TRUE(FromHex(hex, &value));
  return FinishRecord(key, value.substr(0, value.size() - 8));
}

template <typename Record>
std::string GoldenOf(const Record& record) {
  return Hex(EncodeRecord("key", record));
}

// DO NOT CHANGE THESE STRINGS: stores hold records with these bytes. A new
// version of a record gets a line of its own.
TEST(RecordsTest, GoldenBytes) {
  EXPECT_EQ(GoldenOf(TestStoreRecord()),
            "0101000000484746454443424151000000000000001c4bf54a80a9ef59");
  EXPECT_EQ(GoldenOf(TestActorEntry()),
            "0108070605040302010211000000000000001200000000000000130000001400"
            "00002166004feca6badc");
  EXPECT_EQ(GoldenOf(TestHead()),
            "0101080706050403020118171615141312112423222100100000343332316100"
            "00000000000078777675747372718100000000000000a0a1a2a3a4a5a6a7a8a9"
            "aaabacadaeaf9100000000000000d56260c2a2a5d379");
  EXPECT_EQ(GoldenOf(TestCommitRecord()),
            "0301080706050403020118171615141312112423222100100000343332316100"
            "00000000000078777675747372718100000000000000a0a1a2a3a4a5a6a7a8a9"
            "aaabacadaeaf9200000093000000000000000294000000000000009500000000"
            "000000010102e3d684fff7dca237");
  EXPECT_EQ(GoldenOf(CommitRecordOfVersion2()),
            "0201080706050403020118171615141312112423222100100000343332316100"
            "00000000000078777675747372718100000000000000a0a1a2a3a4a5a6a7a8a9"
            "aaabacadaeaf9200000093000000000000000294000000000000000101024aa9b5"
            "5ca957854b");
  EXPECT_EQ(GoldenOf(TestBranchRecord()),
            "0101010000000000000002000000000000000300000000000000040000000000"
            "0000060000000500000000000000bfa1ace4fe29873f");
  EXPECT_EQ(GoldenOf(TestStageRecord()),
            "0208070605040302011100000000000000a50300002827262524232221161c1a29"
            "3d780029");
}

// A stage of version 1 had no owner: whoever it was is gone.
TEST(RecordsTest, AStageOfVersion1HasNoOwner) {
  const std::string key = KeyOf(TestStageRecord());
  const std::string value =
      Rekeyed("0108070605040302011100000000000000b8b6c4fa243d9286", key);
  StageRecord record;
  ASSERT_OK(DecodeRecord(key, value, &record));
  EXPECT_EQ(record.actor, ActorId{0x0102030405060708});
  EXPECT_EQ(record.created_at_us, 0x11u);
  EXPECT_EQ(record.owner, HostId{});
}

// Commit records had no list of pages in version 1, and did not say what they
// replaced in version 2.
TEST(RecordsTest, OldVersionsAreRead) {
  const std::string key = KeyOf(TestCommitRecord());
  CommitRecord record;
  record.page_list = "x";
  record.replaced_txid = TxId{1};
  ASSERT_OK(DecodeRecord(
      key,
      Rekeyed("0101080706050403020118171615141312112423222100100000343332316100"
              "00000000000078777675747372718100000000000000a0a1a2a3a4a5a6a7a8a9"
              "aaabacadaeaf920000009300000000000000028a6e11f1728eea96",
              key),
      &record));
  EXPECT_EQ(record.base_txid.value, 0u);
  EXPECT_FALSE(record.page_list.has_value());
  EXPECT_FALSE(record.replaced_txid.has_value());
  record.base_txid = TestCommitRecord().base_txid;
  record.page_list = TestCommitRecord().page_list;
  EXPECT_EQ(GoldenOf(record), GoldenOf(CommitRecordOfVersion2()));
  ASSERT_OK(DecodeRecord(
      key,
      Rekeyed(
          "0201080706050403020118171615141312112423222100100000343332316100"
          "00000000000078777675747372718100000000000000a0a1a2a3a4a5a6a7a8a9"
          "aaabacadaeaf9200000093000000000000000294000000000000000101024aa9b5"
          "5ca957854b",
          key),
      &record));
  EXPECT_FALSE(record.replaced_txid.has_value());
  EXPECT_EQ(GoldenOf(record), GoldenOf(CommitRecordOfVersion2()))
      << "who writes it again knows no more";
}

TEST(RecordsTest, WhatReplacedACommit) {
  CommitRecord next = TestCommitRecord();
  next.snapshot.txid = {9};
  next.replaced_txid = TxId{5};
  EXPECT_TRUE(Replaces(next, {5}));
  EXPECT_FALSE(Replaces(next, {8}));
  next.replaced_txid = TxId{0};
  EXPECT_FALSE(Replaces(next, {8})) << "it was the first";
  next.replaced_txid.reset();
  EXPECT_TRUE(Replaces(next, {8}));
  EXPECT_FALSE(Replaces(next, {5}));
}

TEST(RecordsTest, NumbersInBytesAreFrozen) {
  EXPECT_EQ(static_cast<int>(ActorState::kLive), 1);
  EXPECT_EQ(static_cast<int>(ActorState::kDeleted), 2);
  EXPECT_EQ(static_cast<int>(ActorState::kLegacy), 3);
  EXPECT_EQ(static_cast<int>(Origin::kSql), 1);
  EXPECT_EQ(static_cast<int>(Origin::kImport), 2);
  EXPECT_EQ(static_cast<int>(Origin::kMigrate), 3);
  EXPECT_EQ(kStoreFormat, 3u);
}

TEST(RecordsTest, RoundTrip) {
  ExpectRoundTrip(TestStoreRecord());
  ExpectRoundTrip(TestActorEntry());
  ExpectRoundTrip(TestHead());
  ExpectRoundTrip(TestCommitRecord());
  ExpectRoundTrip(CommitRecordOfVersion2());
  ExpectRoundTrip(TestBranchRecord());
  ExpectRoundTrip(TestStageRecord());
}

TEST(RecordsTest, OptionalFieldsStayAway) {
  Head head = TestHead();
  head.snapshot.stamp.reset();
  ExpectRoundTrip(head);
  Head decoded_head;
  ASSERT_OK(DecodeRecord("h", EncodeRecord("h", head), &decoded_head));
  EXPECT_FALSE(decoded_head.snapshot.stamp.has_value());
  head.snapshot.stamp = 0;
  ASSERT_OK(DecodeRecord("h", EncodeRecord("h", head), &decoded_head));
  EXPECT_EQ(decoded_head.snapshot.stamp, std::optional<uint32_t>(0));

  BranchRecord branch = TestBranchRecord();
  branch.parent.reset();
  ExpectRoundTrip(branch);
  BranchRecord decoded_branch;
  const std::string branch_key = KeyOf(branch);
  ASSERT_OK(DecodeRecord(branch_key, EncodeRecord(branch_key, branch),
                         &decoded_branch));
  EXPECT_FALSE(decoded_branch.parent.has_value());

  for (const auto& list :
       {std::optional<std::string>(), std::optional<std::string>("")}) {
    CommitRecord commit = TestCommitRecord();
    commit.page_list = list;
    ExpectRoundTrip(commit);
    CommitRecord decoded;
    const std::string key = KeyOf(commit);
    ASSERT_OK(DecodeRecord(key, EncodeRecord(key, commit), &decoded));
    EXPECT_EQ(decoded.page_list, list);
  }
}

TEST(RecordsTest, FieldsComeBackAsTheyWere) {
  Head head;
  ASSERT_OK(DecodeRecord("h", EncodeRecord("h", TestHead()), &head));
  EXPECT_EQ(head.generation.value, 0x61u);
  EXPECT_EQ(head.snapshot.branch.value, 0x0102030405060708u);
  EXPECT_EQ(head.snapshot.txid.value, 0x1112131415161718u);
  EXPECT_EQ(head.snapshot.page_count, 0x21222324u);
  EXPECT_EQ(head.snapshot.page_size, 4096u);
  EXPECT_EQ(head.snapshot.stamp, std::optional<uint32_t>(0x31323334));
  EXPECT_EQ(head.digest, 0x7172737475767778u);
  EXPECT_EQ(head.commit_id, TestCommitId());
  EXPECT_EQ(head.stored_bytes, 0x91u);
  BranchRecord branch;
  const std::string key = KeyOf(branch);
  ASSERT_OK(DecodeRecord(key, EncodeRecord(key, TestBranchRecord()), &branch));
  ASSERT_TRUE(branch.parent.has_value());
  EXPECT_EQ(branch.parent->actor.value, 1u);
  EXPECT_EQ(branch.parent->branch.value, 2u);
  EXPECT_EQ(branch.parent->txid.value, 3u);
  EXPECT_EQ(branch.first_txid.value, 4u);
}

// Cut, long, under another key, flipped, of another version: always an error
// that names the record, and the output stays.
template <typename Record>
void ExpectEachDamageIsReported(const std::string& key, const Record& record,
                                const std::string& name) {
  const std::string value = EncodeRecord(key, record);
  Record out = {};
  const std::string before = EncodeRecord(key, out);
  const auto refused = [&](std::string_view k, const std::string& v) {
    const Status s = DecodeRecord(k, v, &out);
    EXPECT_EQ(s.code(), Code::kCorruption) << s.ToString() << Hex(v);
    EXPECT_NE(s.message().find(name + " record damaged"), std::string::npos);
  };
  for (size_t size = 0; size < value.size(); ++size) {
    refused(key, value.substr(0, size));
  }
  refused(key, value + std::string(1, '\0'));
  refused(key + "x", value);
  refused("", value);
  ForEachBitFlip(value, [&](const std::string& damaged) {
    const auto version = static_cast<unsigned char>(damaged[0]);
    // Versions that are known have another check.
    if (version != 0 && version <= static_cast<unsigned char>(value[0])) {
      refused(key, damaged);
      return;
    }
    EXPECT_TRUE(IsError(
        DecodeRecord(key, damaged, &out), Code::kNotSupported,
        name + " record version " + std::to_string(version) + " is not known"));
  });
  EXPECT_EQ(EncodeRecord(key, out), before);
}

TEST(RecordsTest, EachDamageIsReported) {
  ExpectEachDamageIsReported(StoreRecordKey(), TestStoreRecord(), "store");
  ExpectEachDamageIsReported(ActorEntryKey("a"), TestActorEntry(), "actor");
  ExpectEachDamageIsReported(HeadKey(), TestHead(), "head");
  ExpectEachDamageIsReported(KeyOf(TestCommitRecord()), TestCommitRecord(),
                             "commit");
  ExpectEachDamageIsReported(KeyOf(TestBranchRecord()), TestBranchRecord(),
                             "branch");
  ExpectEachDamageIsReported(StageKey({1}), TestStageRecord(), "stage");
}

// A record of one kind that turns up where another is expected.
TEST(RecordsTest, OtherKindsAreRefused) {
  const std::string keys[] = {
      KeyOf(TestStoreRecord()),  KeyOf(TestActorEntry()),
      KeyOf(TestHead()),         KeyOf(TestCommitRecord()),
      KeyOf(TestBranchRecord()), KeyOf(TestStageRecord())};
  const std::string values[] = {EncodeRecord(keys[0], TestStoreRecord()),
                                EncodeRecord(keys[1], TestActorEntry()),
                                EncodeRecord(keys[2], TestHead()),
                                EncodeRecord(keys[3], TestCommitRecord()),
                                EncodeRecord(keys[4], TestBranchRecord()),
                                EncodeRecord(keys[5], TestStageRecord())};
  StoreRecord store;
  ActorEntry entry;
  Head head;
  CommitRecord commit;
  BranchRecord branch;
  StageRecord stage;
  const int newest[] = {1, 1, 1, 3, 1, 2};
  const auto value_version = [](const std::string& value) {
    return static_cast<int>(value[0]);
  };
  for (size_t i = 0; i < std::size(values); ++i) {
    const std::string& key = keys[i];
    const Status results[] = {DecodeRecord(key, values[i], &store),
                              DecodeRecord(key, values[i], &entry),
                              DecodeRecord(key, values[i], &head),
                              DecodeRecord(key, values[i], &commit),
                              DecodeRecord(key, values[i], &branch),
                              DecodeRecord(key, values[i], &stage)};
    for (size_t j = 0; j < std::size(results); ++j) {
      // A version that the other kind has is looked into, and its check is
      // another's.
      const bool is_known = value_version(values[i]) <= newest[j];
      EXPECT_EQ(results[j].code(), i == j     ? Code::kOk
                                   : is_known ? Code::kCorruption
                                              : Code::kNotSupported)
          << i << " as " << j << ": " << results[j].ToString();
    }
  }
}

// Each is whole, and its check is right; but it does not belong under its key,
// or says what cannot be.
template <typename Record>
void ExpectForgedIsRefused(const std::string& key, const Record& record,
                           const std::string& text) {
  Record out;
  EXPECT_TRUE(IsError(DecodeRecord(key, EncodeRecord(key, record), &out),
                      Code::kCorruption, text));
}

TEST(RecordsTest, ACommitIsThatOfItsKey) {
  const CommitRecord record = TestCommitRecord();
  const Snapshot& snapshot = record.snapshot;
  const std::string other =
      "commit record damaged: its key names branch=7 txid=" +
      std::to_string(snapshot.txid.value) +
      ", the record branch=" + std::to_string(snapshot.branch.value);
  ExpectForgedIsRefused(CommitKey({7}, snapshot.txid), record, other);
  ExpectForgedIsRefused(CommitKey(snapshot.branch, {7}), record,
                        "txid=7, the record branch=");
  ExpectForgedIsRefused("key", record, "not a commit");
  for (const uint64_t more : {0, 1}) {
    const TxId late = {snapshot.txid.value + more};
    CommitRecord forged = record;
    forged.base_txid = late;
    ExpectForgedIsRefused(KeyOf(forged), forged, "one that came before it");
    forged = record;
    forged.replaced_txid = late;
    ExpectForgedIsRefused(KeyOf(forged), forged, "one that came before it");
  }
}

TEST(RecordsTest, PagesHaveASize) {
  for (const uint32_t page_size : {0u, 1u, 511u, 513u, 131072u}) {
    CommitRecord commit = TestCommitRecord();
    commit.snapshot.page_size = page_size;
    const std::string text = "a page size of " + std::to_string(page_size);
    ExpectForgedIsRefused(KeyOf(commit), commit, text);
    Head head = TestHead();
    head.snapshot.page_size = page_size;
    ExpectForgedIsRefused(KeyOf(head), head, text);
    head.snapshot.page_count = 0;
    ExpectRoundTrip(head);
  }
}

TEST(RecordsTest, ADeletedActorIsThatOfItsKey) {
  ExpectForgedIsRefused(DeletedEntryKey({7}), TestActorEntry(),
                        "actor record damaged: its key names actor_id=7, the "
                        "record actor_id=");
}

TEST(RecordsTest, UnknownActorStateIsNamed) {
  ActorEntry entry = TestActorEntry();
  entry.state = static_cast<ActorState>(9);
  ActorEntry out;
  EXPECT_TRUE(IsError(DecodeRecord("n", EncodeRecord("n", entry), &out),
                      Code::kNotSupported, "actor state 9"));
}

}  // namespace
}  // namespace actorkv
