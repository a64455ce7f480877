// The head of an actor, as a message and back.

#include "kv/share/head_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr char kActor[] = "alice";

ActorEntry SomeEntry(ActorState state) {
  ActorEntry entry;
  entry.actor = ActorId{3};
  entry.state = state;
  entry.created_at_us = 1000;
  return entry;
}

HeadState SomeState() {
  HeadState state;
  state.exists = true;
  state.entry = SomeEntry(ActorState::kLive);
  state.entry_bytes = EncodeRecord(ActorEntryKey(kActor), state.entry);
  state.head.generation = Generation{2};
  state.head.snapshot = {BranchId{9}, TxId{8}, 4, 4096, 17};
  state.head_bytes = EncodeRecord(HeadKey(), state.head);
  state.lineage = std::make_shared<const Lineage>(
      Lineage{{ActorId{3}, BranchId{9}, kLastTxId},
              {ActorId{2}, BranchId{4}, TxId{7}}});
  state.first_page_of = state.head.snapshot;
  state.first_page_hash = 77;
  return state;
}

std::shared_ptr<const HeadState> ThereAndBack(const HeadState& state) {
  std::shared_ptr<const HeadState> again;
  EXPECT_OK(StateOf(FieldsOf(state), kActor, &again));
  return again;
}

Status Refuse(const HeadFields& fields) {
  std::shared_ptr<const HeadState> state;
  Status status = StateOf(fields, kActor, &state);
  EXPECT_EQ(state, nullptr);
  return status;
}

TEST(HeadFieldsTest, AHeadComesBack) {
  const HeadState state = SomeState();
  const auto again = ThereAndBack(state);
  EXPECT_TRUE(again->exists);
  EXPECT_FALSE(again->is_legacy);
  EXPECT_EQ(again->entry.actor, ActorId{3});
  EXPECT_EQ(again->entry_bytes, state.entry_bytes);
  EXPECT_EQ(again->head_bytes, state.head_bytes);
  EXPECT_EQ(again->head.snapshot, state.head.snapshot);
  EXPECT_EQ(again->head.snapshot.page_count, 4U);
  EXPECT_EQ(again->head.generation, Generation{2});
  ASSERT_EQ(again->lineage->size(), 2U);
  EXPECT_EQ(again->lineage->at(0).txid, kLastTxId);
  EXPECT_EQ(again->lineage->at(1).actor, ActorId{2});
  EXPECT_EQ(again->lineage->at(1).branch, BranchId{4});
  EXPECT_EQ(again->lineage->at(1).txid, TxId{7});
  EXPECT_EQ(again->first_page_of, state.head.snapshot);
  EXPECT_EQ(again->first_page_hash, 77U);
}

// A hash of another snapshot would make a wrong digest.
TEST(HeadFieldsTest, TheHashOfAnOlderFirstPageStays) {
  HeadState state = SomeState();
  state.first_page_of.txid = TxId{7};
  EXPECT_EQ(FieldsOf(state).first_page_hash, std::nullopt);
  EXPECT_NE(ThereAndBack(state)->first_page_of, state.head.snapshot);
}

TEST(HeadFieldsTest, AnActorThatDoesNotExistComesBack) {
  const auto none = ThereAndBack(HeadState());
  EXPECT_FALSE(none->exists);
  EXPECT_EQ(none->lineage, nullptr);
  HeadState deleted;
  deleted.entry = SomeEntry(ActorState::kDeleted);
  deleted.entry.stamp_floor = 5;
  deleted.entry_bytes = EncodeRecord(ActorEntryKey(kActor), deleted.entry);
  const auto again = ThereAndBack(deleted);
  EXPECT_EQ(again->entry.state, ActorState::kDeleted);
  EXPECT_EQ(again->entry.stamp_floor, 5U);
}

TEST(HeadFieldsTest, ALegacyActorComesBack) {
  HeadState state;
  state.is_legacy = true;
  state.entry = SomeEntry(ActorState::kLegacy);
  state.entry_bytes = EncodeRecord(ActorEntryKey(kActor), state.entry);
  state.txid_floor = TxId{6};
  state.generation_floor = Generation{4};
  const auto again = ThereAndBack(state);
  EXPECT_TRUE(again->is_legacy);
  EXPECT_EQ(again->txid_floor, TxId{6});
  EXPECT_EQ(again->generation_floor, Generation{4});
}

// Its entry says legacy as long as nobody wrote it anew: the head decides.
TEST(HeadFieldsTest, AMigratedActorIsLive) {
  HeadState state = SomeState();
  state.entry_bytes =
      EncodeRecord(ActorEntryKey(kActor), SomeEntry(ActorState::kLegacy));
  EXPECT_EQ(ThereAndBack(state)->entry.state, ActorState::kLive);
}

TEST(HeadFieldsTest, RecordsVerifyUnderTheirKeys) {
  const HeadState state = SomeState();
  HeadFields fields = FieldsOf(state);
  std::shared_ptr<const HeadState> made;
  EXPECT_TRUE(
      IsError(StateOf(fields, "bob", &made), Code::kCorruption, "actor=bob"))
      << "the entry of another actor";
  std::string damaged = state.head_bytes;
  damaged[5] ^= 1;
  fields.head_bytes = damaged;
  EXPECT_TRUE(IsError(Refuse(fields), Code::kCorruption, "actor=alice"));
}

TEST(HeadFieldsTest, WhatDoesNotGoTogetherIsRefused) {
  const HeadState state = SomeState();
  const HeadFields good = FieldsOf(state);
  HeadFields bad = good;
  bad.exists = false;
  EXPECT_TRUE(IsError(Refuse(bad), Code::kCorruption,
                      "the head of another process is damaged: it exists, or "
                      "has a head, but not both: actor=alice"));
  bad = good;
  bad.head_bytes = "";
  EXPECT_TRUE(IsError(Refuse(bad), Code::kCorruption, "but not both"));
  bad = good;
  bad.lineage.clear();
  EXPECT_TRUE(IsError(Refuse(bad), Code::kCorruption, "actor=alice"));
  bad = good;
  bad.lineage.front().branch = BranchId{10};
  EXPECT_TRUE(
      IsError(Refuse(bad), Code::kCorruption, "lineage is of another branch"));
  bad = good;
  bad.lineage.back().branch = BranchId{9};
  EXPECT_TRUE(
      IsError(Refuse(bad), Code::kCorruption, "lineage is not in order"));
  bad = good;
  bad.entry_bytes = "";
  EXPECT_TRUE(IsError(Refuse(bad), Code::kCorruption, "it has no entry"));
}

}  // namespace
}  // namespace actorkv
