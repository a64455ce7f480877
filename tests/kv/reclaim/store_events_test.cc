// Which events a store, its commits and its reclaim note.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kv/base/events.h"
#include "kv/pages/commit.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/retention.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class StoreEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<Event> events = ReadEvents();
    if (!events.empty()) begin_ = events.back().seq;
  }

  // Those of this kind since the test began.
  std::vector<Event> Events(EventKind kind) const {
    std::vector<Event> found;
    for (Event& event : ReadEvents()) {
      if (event.seq <= begin_ || event.kind != kind) continue;
      EXPECT_EQ(event.store, "test");
      found.push_back(std::move(event));
    }
    return found;
  }

  Status Commit(uint32_t version, bool stage = false) const {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, version));
    if (stage) {
      // Page 1 is not what is staged, and a branch of all pages needs no other.
      const PageNo end = version == 1 ? 20 : 6;
      for (PageNo pgno = 2; pgno < end; ++pgno) {
        transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
      }
      EXPECT_OK(transaction->Stage());
    }
    return transaction.Commit(version);
  }

  TestStore store_;
  uint64_t begin_ = 0;
};

TEST_F(StoreEventsTest, OrdinaryCommitsAndReadsAreNone) {
  for (uint32_t version = 1; version < 5; ++version) {
    ASSERT_OK(Commit(version));
  }
  EXPECT_EQ(ReadAll(store_, "a").size(), 1U);
  store_.Maintain();
  const std::vector<Event> events = ReadEvents();
  EXPECT_TRUE(events.empty() || events.back().seq == begin_);
}

TEST_F(StoreEventsTest, Flatten) {
  const auto actor = store_.Open("a");  // one that nobody has open can wait
  for (uint32_t version = 1; version <= kMaxLineageDepth + 1; ++version) {
    ASSERT_OK(Commit(version, /*stage=*/true));
  }
  EXPECT_TRUE(Events(EventKind::kFlatten).empty());
  store_.Maintain();
  const std::vector<Event> events = Events(EventKind::kFlatten);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].actor, "a");
  EXPECT_EQ(events[0].detail, "the branch had 8 ancestors");
  EXPECT_TRUE(events[0].duration_us.has_value());
}

TEST_F(StoreEventsTest, UnknownOutcomes) {
  ASSERT_OK(Commit(1));
  const Status error = Status::IOError("injected");
  store_.plan()->FailCommit(1, CommitFault::kUnknownLanded, error);
  EXPECT_OK(Commit(2));
  store_.plan()->FailCommit(1, CommitFault::kUnknownLost, error);
  EXPECT_FALSE(Commit(3).ok());
  const std::vector<Event> events = Events(EventKind::kUnknownOutcome);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].actor, "a");
  EXPECT_EQ(events[0].detail, "injected");
}

TEST_F(StoreEventsTest, FencesOfWhoTakesOverAndWhoIsShutOut) {
  ASSERT_OK(Commit(1));
  TestTransaction late(store_, "a");
  late.Write(1, TestPage(kMinPageSize, 1, 2));
  Generation raised;
  ASSERT_OK(TakeOver(store_.get(), store_.Open("a").get(), &raised));
  std::vector<Event> events = Events(EventKind::kFence);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].actor, "a");
  EXPECT_NE(events[0].detail.find("taken over"), std::string::npos);
  EXPECT_EQ(late.Commit(2).code(), Code::kFenced);
  events = Events(EventKind::kFence);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NE(events[1].detail.find("expected generation 1, actual 2"),
            std::string::npos)
      << events[1].detail;
}

TEST_F(StoreEventsTest, PassesOfReclaim) {
  const SettingInfo* info = nullptr;
  uint64_t previous = 0;
  ASSERT_OK(FindSetting("retention_ms", &info));
  ASSERT_OK(store_->settings()->Set(ActorId{}, *info, 0, &previous));
  for (uint32_t version = 1; version < 4; ++version) {
    ASSERT_OK(Commit(version));
  }
  uint64_t bytes = 0;
  ASSERT_OK(ReclaimAll(
      store_.get(), std::nullopt, [] { return Status::Ok(); }, &bytes));
  std::vector<Event> events = Events(EventKind::kReclaimPass);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_GT(bytes, 0U);
  EXPECT_EQ(events[0].detail,
            "asked for: freed " + std::to_string(bytes) + " bytes");
  EXPECT_TRUE(events[0].duration_us.has_value());
  // One in the background that finds nothing is none.
  store_.upkeep()->ReclaimSoonForTesting();
  store_.Maintain();
  EXPECT_EQ(Events(EventKind::kReclaimPass).size(), 1U);
  for (uint32_t version = 4; version < 7; ++version) {
    ASSERT_OK(Commit(version));
  }
  store_.upkeep()->ReclaimSoonForTesting();
  for (int i = 0; i < 10; ++i) store_.Maintain();
  events = Events(EventKind::kReclaimPass);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].detail.substr(0, 18), "in the background:");
  EXPECT_TRUE(events[1].duration_us.has_value());
}

}  // namespace
}  // namespace actorkv
