// The lease: one at a time works on a legacy actor, and everyone gives it back.

#include "kv/legacy/legacy_lease.h"

#include <gtest/gtest.h>

#include "kv/store/clock.h"
#include "tests/support/legacy_harness.h"
#include "tests/support/shared_engine.h"

namespace actorkv {
namespace {

const PairMap kPairs = {{std::string("\1"), "state"}};

class LegacyLeaseTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(Import(store_, "a", kPairs)); }

  Status Acquire() {
    std::unique_ptr<LegacyLease> lease;
    return LegacyLease::Acquire(store_.shared(), "a", &lease);
  }

  // A lease that another process has.
  void PutForeignLease(uint64_t heartbeat_us) {
    LegacyActor actor = Loaded(store_, "a");
    LegacyRecord record = actor.record;
    record.lease.owner.fill(0x77);
    record.lease.taken_at_us = heartbeat_us;
    record.lease.heartbeat_us = heartbeat_us;
    ASSERT_OK(UpdateLegacy(store_.get(), record, &actor));
  }

  const std::shared_ptr<OwnerTable> table_ = std::make_shared<OwnerTable>();
  TestStore store_{SharedSource(table_)};
};

TEST_F(LegacyLeaseTest, OneAtATime) {
  auto lease = Lease(store_, "a");
  EXPECT_TRUE(IsError(Acquire(), Code::kBusy,
                      "somebody is at work on the legacy actor: actor=a "
                      "phase=import: begun 0 s ago, last heard of 0 s ago, in "
                      "this process"));
  ASSERT_OK(lease->Update([](LegacyRecord* record) {
    record->state = LegacyState::kImporting;
    record->phase = LegacyPhase::kCopy;
    ++record->attempts;
  }));
  EXPECT_TRUE(IsError(Acquire(), Code::kBusy, "phase=copy"));
  lease.reset();
  const LegacyRecord after = Loaded(store_, "a").record;
  EXPECT_FALSE(after.lease.taken());
  EXPECT_EQ(after.state, LegacyState::kImporting);
  EXPECT_EQ(after.attempts, 1u);
  EXPECT_OK(Acquire());
}

TEST_F(LegacyLeaseTest, WhatTheHolderBeginsWithIsInTheSameWrite) {
  TestStore store;
  ASSERT_OK(Import(store, "a", kPairs));
  const auto acquire = [&](std::unique_ptr<LegacyLease>* lease) {
    return LegacyLease::Acquire(
        store.shared(), "a",
        [](LegacyRecord* record) {
          record->state = LegacyState::kImporting;
          ++record->attempts;
        },
        lease);
  };
  std::unique_ptr<LegacyLease> lease;
  ASSERT_OK(acquire(&lease));
  EXPECT_EQ(lease->record().attempts, 1u);
  const LegacyRecord stored = Loaded(store, "a").record;
  EXPECT_TRUE(stored.lease.taken());
  EXPECT_EQ(stored.state, LegacyState::kImporting);
  EXPECT_EQ(stored.attempts, 1u);
  // Who does not get the lease changes nothing.
  std::unique_ptr<LegacyLease> other;
  EXPECT_EQ(acquire(&other).code(), Code::kBusy);
  EXPECT_EQ(Loaded(store, "a").record.attempts, 1u);
}

TEST_F(LegacyLeaseTest, NoActorNoLease) {
  std::unique_ptr<LegacyLease> lease;
  EXPECT_TRUE(IsError(LegacyLease::Acquire(store_.shared(), "x", &lease),
                      Code::kNotFound, "no such actor: actor=x"));
}

TEST_F(LegacyLeaseTest, ReleasedOnceAndForAll) {
  auto lease = Lease(store_, "a");
  ASSERT_OK(lease->Release());
  EXPECT_FALSE(lease->record().lease.taken());
  auto other = Lease(store_, "a");
  ASSERT_OK(lease->Release());
  lease.reset();
  EXPECT_TRUE(Loaded(store_, "a").record.lease.taken()) << "the other one's";
}

TEST_F(LegacyLeaseTest, AHeartbeatIsStoredWhenItIsDue) {
  auto lease = Lease(store_, "a");
  const std::string before = Loaded(store_, "a").record_bytes;
  ASSERT_OK(lease->Renew());
  EXPECT_EQ(Loaded(store_, "a").record_bytes, before) << "just taken";
  const uint64_t taken_us = lease->record().lease.heartbeat_us;
  ASSERT_OK(lease->Update([](LegacyRecord*) {}));
  EXPECT_GT(Loaded(store_, "a").record.lease.heartbeat_us, taken_us);
  EXPECT_EQ(Loaded(store_, "a").record.lease.taken_at_us, taken_us);
}

TEST_F(LegacyLeaseTest, AForeignLeaseCountsAsLongAsItIsFresh) {
  const uint64_t now_us = WallClockUs();
  PutForeignLease(now_us - kLeaseLimitUs + 10'000'000);
  EXPECT_TRUE(IsError(Acquire(), Code::kBusy,
                      "last heard of 20 s ago, "
                      "elsewhere"));
  PutForeignLease(now_us - kLeaseLimitUs - 1);
  EXPECT_OK(Acquire());
  PutForeignLease(now_us + kLeaseLimitUs + 60'000'000);
  EXPECT_OK(Acquire()) << "of a clock that was set back";
}

TEST_F(LegacyLeaseTest, AFreshLeaseOfADeadOwnerIsFree) {
  PutForeignLease(WallClockUs());
  EXPECT_EQ(Acquire().code(), Code::kBusy);
  table_->error = Status::IOError("nobody answers");
  EXPECT_TRUE(IsError(Acquire(), Code::kIOError, "nobody answers"));
  table_->error = Status::Ok();
  table_->dead.insert(0x7777777777777777);
  EXPECT_OK(Acquire());
}

// On an engine that one owner at a time has open, others are dead.
TEST(LegacyLeaseProcessTest, AnEarlierProcessIsDead) {
  for (const bool one_process : {false, true}) {
    TestStore store(one_process ? MemorySource()
                                : SharedSource(std::make_shared<OwnerTable>()));
    ASSERT_OK(Import(store, "a", kPairs));
    auto lease = Lease(store, "a");
    store.Reopen();  // the old store object lives on in the lease
    std::unique_ptr<LegacyLease> again;
    const Status s = LegacyLease::Acquire(store.shared(), "a", &again);
    EXPECT_EQ(s.code(), one_process ? Code::kOk : Code::kBusy);
  }
}

// However the store answers, no lease outlives its holder in this process.
TEST_F(LegacyLeaseTest, EveryOutcomeReleases) {
  for (const CommitFault fault :
       {CommitFault::kConflict, CommitFault::kFailed,
        CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
    for (uint64_t nth = 1; nth <= 4; ++nth) {
      store_.plan()->Reset();
      store_.plan()->FailCommit(nth, fault);
      {
        std::unique_ptr<LegacyLease> lease;
        Status s = LegacyLease::Acquire(store_.shared(), "a", &lease);
        if (s.ok()) s = lease->Update([](LegacyRecord* r) { ++r->attempts; });
      }
      EXPECT_EQ(store_.plan()->fired_count(), nth <= 3 ? 1u : 0u);
      store_.plan()->Reset();
      EXPECT_OK(Acquire()) << nth;
      EXPECT_FALSE(Loaded(store_, "a").record.lease.taken());
    }
  }
}

TEST_F(LegacyLeaseTest, AnUnknownOutcomeIsLookedUp) {
  auto lease = Lease(store_, "a");
  store_.plan()->Reset();
  store_.plan()->FailCommit(1, CommitFault::kUnknownLanded);
  ASSERT_OK(lease->Update([](LegacyRecord* r) { r->attempts = 3; }));
  EXPECT_EQ(Loaded(store_, "a").record.attempts, 3u);
  store_.plan()->Reset();
  store_.plan()->FailCommit(1, CommitFault::kUnknownLost);
  EXPECT_EQ(lease->Update([](LegacyRecord* r) { r->attempts = 4; }).code(),
            Code::kIOError);
  EXPECT_EQ(lease->record().attempts, 3u);
  ASSERT_OK(lease->Update([](LegacyRecord* r) { r->attempts = 5; }));
  EXPECT_EQ(Loaded(store_, "a").record.attempts, 5u);
}

}  // namespace
}  // namespace actorkv
