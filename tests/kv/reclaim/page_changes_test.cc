// Which pages differ between two versions: never one too few, whatever lies
// between them; and at a cost that what changed sets, not the database.

#include "kv/history/page_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/history/restore_points.h"
#include "kv/reclaim/flatten.h"
#include "tests/support/forget_history.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;

// An actor and what it was at each of its commits.
class World {
 public:
  explicit World(PageNo page_count) : next_(page_count) {
    TestTransaction transaction(store_, "a");
    for (PageNo pgno = 1; pgno <= page_count; ++pgno) {
      transaction.Write(pgno, TestPage(kSize, pgno, 0));
    }
    EXPECT_OK(transaction.Commit(1));
    Note();
  }

  const TestStore& store() const { return store_; }
  TestStore* mutable_store() { return &store_; }
  size_t size() const { return contents_.size(); }
  TxId txid(size_t i) const { return txids_[i]; }
  PageNo page_count() const {
    return static_cast<PageNo>(contents_.back().size());
  }

  void Commit(const std::vector<PageNo>& pages, bool stage = false) {
    TestTransaction transaction(store_, "a");
    for (const PageNo pgno : pages) {
      transaction.Write(pgno, TestPage(kSize, pgno, ++next_));
    }
    if (stage) {
      EXPECT_OK(transaction->Stage());
    }
    EXPECT_OK(transaction.Commit(static_cast<uint32_t>(size()) + 1));
    Note();
  }

  void Cut(PageNo page_count) {
    TestTransaction transaction(store_, "a");
    EXPECT_OK(transaction->Truncate(page_count));
    EXPECT_OK(transaction.Commit(static_cast<uint32_t>(size()) + 1));
    Note();
  }

  void Restore(size_t i) {
    const auto actor = store_.Open("a");
    const auto base = store_.State("a");
    const VersionSource source = Version(i);
    BranchWriter writer(store_.shared(), actor, base, source.version);
    PendingCommit pending;
    pending.writer = &writer;
    pending.spec.page_count = writer.page_count();
    pending.spec.stamp = static_cast<uint32_t>(size()) + 1;
    std::vector<PendingCommit> commits = {pending};
    EXPECT_OK(CommitAll(store_.get(), Durability::kBuffered, &commits));
    Note();
  }

  // So that reclaim keeps the head.
  void Name() {
    if (!named_.empty() && named_.back() == size() - 1) return;
    TxId txid;
    EXPECT_OK(MakeRestorePoint(store_.get(), "a",
                               "p" + std::to_string(size() - 1), 0, &txid));
    named_.push_back(size() - 1);
  }

  // All that has no name expires, but for the head.
  void Reclaim() {
    uint64_t bytes = 0;
    ASSERT_OK(ForgetHistory(store_.get(), &bytes));
    kept_ = named_;
    if (kept_.empty() || kept_.back() != size() - 1) {
      kept_.push_back(size() - 1);
    }
  }

  // The versions that are there.
  const std::vector<size_t>& kept() const { return kept_; }

  // A record is damaged, or removed by a module that leaves a hole.
  void Forget(size_t i) {
    Batch batch;
    const VersionSource source = Version(i);
    const HeadState& version = *source.version;
    const Snapshot& snapshot = version.head.snapshot;
    batch.Delete(ActorPartition(version.entry.actor),
                 CommitKey(snapshot.branch, snapshot.txid));
    EXPECT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
  }

  VersionSource Version(size_t i) const {
    VersionSource source;
    source.store = store_.shared();
    source.actor = store_.Open("a");
    const auto state = store_.State("a");
    const auto reader = store_->engine()->NewReader();
    History history(reader.get(), state->entry.actor);
    EXPECT_OK(history.Load());
    bool found = false;
    CommitRecord record;
    EXPECT_OK(history.Find(txids_[i], &found, &record));
    EXPECT_TRUE(found) << i;
    const auto pin = std::make_shared<Pin>();
    EXPECT_OK(
        PinCommit(store_.get(), *state, record, pin.get(), &source.version));
    source.pin = pin;
    return source;
  }

  // In order. `reads`: of the engine.
  std::vector<PageNo> Changed(size_t from, size_t to, uint64_t* reads) {
    const VersionSource a = Version(from);
    const VersionSource b = Version(to);
    store_.plan()->Reset();
    PageSet changed;
    EXPECT_OK(FindChangedPages(
        a, b, [] { return Status::Ok(); }, &changed));
    *reads = store_.plan()->read_count();
    std::vector<PageNo> pages;
    for (PageNo pgno = 1; pgno < changed.size(); ++pgno) {
      if (changed[pgno]) pages.push_back(pgno);
    }
    return pages;
  }

  // No page but the first, whose stamp differs anyway, is missing.
  void ExpectComplete(size_t from, size_t to) {
    SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
    uint64_t reads = 0;
    const std::vector<PageNo> changed = Changed(from, to, &reads);
    const auto& a = contents_[from];
    const auto& b = contents_[to];
    for (PageNo pgno = 2; pgno <= std::max(a.size(), b.size()); ++pgno) {
      const bool same =
          pgno <= std::min(a.size(), b.size()) && a[pgno - 1] == b[pgno - 1];
      const bool found =
          std::binary_search(changed.begin(), changed.end(), pgno);
      ASSERT_TRUE(same || found) << "page " << pgno;
    }
  }

 private:
  void Note() {
    contents_.push_back(ReadAll(store_, "a"));
    txids_.push_back(store_.State("a")->head.snapshot.txid);
    kept_.push_back(size() - 1);
  }

  TestStore store_;
  uint32_t next_;
  std::vector<std::vector<std::string>> contents_;
  std::vector<TxId> txids_;
  std::vector<size_t> named_;
  std::vector<size_t> kept_;
};

using Pages = std::vector<PageNo>;

TEST(PageChangesTest, ItCostsWhatChanged) {
  constexpr PageNo kPages = 4000;
  World world(kPages);
  world.Commit({10, 11, 12, 2000});              // 1
  world.Commit({11, 13, 4000});                  // 2
  world.Commit({20, 21, 3000}, /*stage=*/true);  // 3
  world.Commit({21, 22});                        // 4
  world.Restore(1);                              // 5
  world.Commit({30});                            // 6
  world.Restore(4);                              // 7
  world.Commit({40});                            // 8
  const struct {
    size_t from;
    size_t to;
    Pages pages;  // but for the first
  } kCases[] = {
      {0, 1, {10, 11, 12, 2000}},
      {1, 2, {11, 13, 4000}},
      {0, 2, {10, 11, 12, 13, 2000, 4000}},
      {2, 4, {20, 21, 22, 3000}},
      {1, 4, {11, 13, 20, 21, 22, 3000, 4000}},
      {1, 6, {30}},
      {4, 6, {11, 13, 20, 21, 22, 30, 3000, 4000}},
      {4, 8, {40}},
      {6, 8, {11, 13, 20, 21, 22, 30, 40, 3000, 4000}},
      {8, 8, {}},
  };
  for (const bool cold : {false, true}) {
    for (const auto& c : kCases) {
      for (const bool swapped : {false, true}) {
        SCOPED_TRACE(std::to_string(c.from) + " to " + std::to_string(c.to) +
                     (cold ? " cold" : "") + (swapped ? " swapped" : ""));
        if (cold) world.mutable_store()->Reopen();
        uint64_t reads = 0;
        Pages changed = swapped ? world.Changed(c.to, c.from, &reads)
                                : world.Changed(c.from, c.to, &reads);
        if (!changed.empty() && changed[0] == 1) changed.erase(changed.begin());
        EXPECT_EQ(changed, c.pages);
        // Records on the way, and each page on both sides, through a lineage
        // of four at most.
        EXPECT_LE(reads, 20 + 8 * (c.pages.size() + 1));
      }
    }
  }
}

TEST(PageChangesTest, WhatRecordsDoNotSayIsLookedFor) {
  constexpr PageNo kPages = 500;
  World world(kPages);
  world.Commit({10});
  world.Commit({11});
  world.Commit({12});
  world.Commit({13}, /*stage=*/true);
  world.Commit({14});
  world.Commit({15});
  world.Forget(2);
  world.Forget(5);
  world.mutable_store()->Reopen();
  uint64_t reads = 0;
  EXPECT_EQ(world.Changed(0, 3, &reads), (Pages{10, 11, 12}));
  EXPECT_GT(reads, kPages) << "each page is looked at";
  // The branch of the stage has few pages, and these are its keys.
  EXPECT_EQ(world.Changed(4, 6, &reads), (Pages{14, 15}));
  EXPECT_LT(reads, 60u);
  EXPECT_EQ(world.Changed(3, 6, &reads), (Pages{1, 13, 14, 15}));
  EXPECT_LT(reads, 60u);
}

// More commits than one step of reclaim removes at once, on both sides of a
// version that stays.
TEST(PageChangesTest, WhatExpiredIsInTheNextThatStays) {
  constexpr PageNo kPages = 250;
  World world(kPages);
  world.Commit({10});  // 1
  world.Name();
  for (PageNo i = 0; i < 300; ++i) world.Commit({100 + i % 7, 110});
  world.Commit({20});  // 302
  world.Name();
  for (PageNo i = 0; i < 300; ++i) world.Commit({200 + i % 5, 240});
  world.Reclaim();
  ASSERT_EQ(world.kept(), (std::vector<size_t>{1, 302, 602}));
  for (int round = 0; round < 2; ++round) {
    world.mutable_store()->Reopen();
    uint64_t reads = 0;
    EXPECT_EQ(world.Changed(1, 302, &reads),
              (Pages{20, 100, 101, 102, 103, 104, 105, 106, 110}));
    EXPECT_LT(reads, kPages / 2);
    EXPECT_EQ(world.Changed(302, 602, &reads),
              (Pages{200, 201, 202, 203, 204, 240}));
    EXPECT_LT(reads, kPages / 2);
    EXPECT_EQ(world.Changed(1, 602, &reads),
              (Pages{20, 100, 101, 102, 103, 104, 105, 106, 110, 200, 201, 202,
                     203, 204, 240}));
    EXPECT_LT(reads, kPages / 2);
    world.Reclaim();  // there is nothing more to do
  }
  // The head that took over expires in its turn.
  world.Commit({5});
  world.Reclaim();
  uint64_t reads = 0;
  EXPECT_EQ(world.Changed(302, 603, &reads),
            (Pages{5, 200, 201, 202, 203, 204, 240}));
}

// More commits than pages: looking at the pages is cheaper.
TEST(PageChangesTest, ALongWayIsNotGone) {
  constexpr PageNo kPages = 20;
  World world(kPages);
  for (int i = 0; i < 500; ++i) world.Commit({7, 8});
  world.mutable_store()->Reopen();
  uint64_t reads = 0;
  EXPECT_EQ(world.Changed(0, 500, &reads), (Pages{7, 8}));
  EXPECT_LT(reads, 150u);
}

TEST(PageChangesTest, RandomHistory) {
  std::mt19937_64 rng(TestSeed());
  const auto pick = [&rng](uint64_t count) {
    return static_cast<PageNo>(rng() % count);
  };
  for (uint64_t round = 0; round < TestRounds(4); ++round) {
    SCOPED_TRACE("ACTORKV_TEST_SEED=" + std::to_string(TestSeed()) + " round " +
                 std::to_string(round));
    World world(60);
    const auto open = world.store().Open("a");
    for (int step = 0; step < 60; ++step) {
      Pages pages;
      for (PageNo i = 0, n = 1 + pick(4); i < n; ++i) {
        pages.push_back(1 + pick(world.page_count() + 2));
      }
      const PageNo dice = pick(12);
      const auto version = [&] {
        return world.kept()[pick(world.kept().size())];
      };
      if (dice < 4) world.Commit(pages);
      if (dice == 4 || dice == 5) world.Commit(pages, /*stage=*/true);
      if (dice == 6) world.Cut(1 + pick(world.page_count()));
      if (dice == 7 || dice == 8) world.Restore(version());
      if (dice == 9) {
        ASSERT_OK(Flatten(world.store().get(), open.get()));
      }
      if (dice == 10) world.Name();
      if (dice == 11 && pick(3) == 0) world.Reclaim();
      world.ExpectComplete(version(), version());
      if (HasFailure()) return;
    }
    world.mutable_store()->Reopen();
    for (int i = 0; i < 40; ++i) {
      const auto& kept = world.kept();
      world.ExpectComplete(kept[pick(kept.size())], kept[pick(kept.size())]);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace actorkv
