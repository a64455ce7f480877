// Pages stored as deltas, from the writer on: when a page is one, and that
// forks, stages, flattening, reclaim and verification treat it as what it is.

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/inspect/verify.h"
#include "kv/reclaim/flatten.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/retention.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = 4096;
constexpr uint32_t kBlock = kSize / kDeltaBlocks;

// A page of which every byte counts.
std::string FullPage(PageNo pgno, uint32_t version) {
  std::string page(kSize, '\0');
  std::mt19937 prng(pgno * 1000 + version);
  for (char& byte : page) byte = static_cast<char>(prng());
  return page;
}

class DeltaWriteTest : public testing::Test {
 protected:
  // Commits `pages_` as it is now.
  void Commit(const std::string& name = "a", bool stage = false) {
    TestTransaction transaction(*store_, name, kSize);
    const auto& pages = pages_[name];
    for (size_t i = 0; i < pages.size(); ++i) {
      transaction.Write(static_cast<PageNo>(i + 1), pages[i]);
    }
    if (stage) {
      ASSERT_OK(transaction->Stage());
    }
    ASSERT_OK(transaction.Commit());
    ExpectPages(*store_, name, pages);
  }

  void Make(PageNo count, const std::string& name = "a") {
    for (PageNo pgno = 1; pgno <= count; ++pgno) {
      pages_[name].push_back(FullPage(pgno, 1));
    }
    Commit(name);
  }

  // Another byte in each of `count` blocks from `first` on.
  void Change(PageNo pgno, uint32_t first, uint32_t count,
              const std::string& name = "a") {
    for (uint32_t block = first; block < first + count; ++block) {
      char& byte = pages_[name][pgno - 1][size_t{block} * kBlock];
      byte = static_cast<char>(byte + 1);
    }
  }

  struct Stored {
    TxId txid;
    DecodedChunk chunk;
    size_t size = 0;
  };

  // The versions of a page in the branch of the head, newest first.
  std::vector<Stored> Versions(PageNo pgno, const std::string& name = "a") {
    const BranchId branch = store_->State(name)->head.snapshot.branch;
    std::vector<Stored> versions;
    scanned_.push_back(store_->Scan(BranchPartition(branch)));
    for (const KeyValue& pair : scanned_.back()) {
      ChunkId id{branch, 0, {}};
      Stored stored;
      EXPECT_OK(ParseChunkKey(pair.key, &id.pgno, &id.txid));
      EXPECT_OK(DecodeChunk(id, pair.value, &stored.chunk));
      stored.txid = id.txid;
      stored.size = pair.value.size();
      if (id.pgno == pgno) versions.push_back(stored);
    }
    return versions;
  }

  // "delta of 1", "whole".
  std::string NewestForm(PageNo pgno, const std::string& name = "a") {
    const std::vector<Stored> versions = Versions(pgno, name);
    if (versions.empty()) return "none";
    const Stored& newest = versions.front();
    switch (newest.chunk.codec) {
      case Codec::kEmpty:
        return "empty";
      case Codec::kRaw:
      case Codec::kGap:
        return "whole";
      case Codec::kDelta:
        return "delta of " + std::to_string(newest.chunk.delta.form.base.value);
    }
    return "";
  }

  std::vector<std::string> Findings() {
    Verifier verifier(store_->get());
    std::vector<Finding> findings;
    for (bool done = false; !done;) verifier.Step(&findings, &done);
    std::vector<std::string> details;
    details.reserve(findings.size());
    for (const Finding& finding : findings) details.push_back(finding.detail);
    return details;
  }

  void Retain(uint64_t retention_ms) {
    const SettingInfo* info = nullptr;
    uint64_t previous = 0;
    ASSERT_OK(FindSetting("retention_ms", &info));
    ASSERT_OK(
        (*store_)->settings()->Set(ActorId{}, *info, retention_ms, &previous));
  }

  Status Reclaim(uint64_t* bytes) {
    return ReclaimAll(
        store_->get(), std::nullopt, [] { return Status::Ok(); }, bytes);
  }

  uint64_t Planned() {
    ReclaimOptions options;
    options.dry_run = true;
    Reclaimer reclaimer(store_->get(), options);
    std::optional<SpaceUse> use;
    for (bool done = false; !done;) EXPECT_OK(reclaimer.Step(&use, &done));
    return reclaimer.freed_bytes();
  }

  std::optional<TestStore> store_{std::in_place};
  std::map<std::string, std::vector<std::string>> pages_;
  std::deque<std::vector<KeyValue>> scanned_;  // what Stored points to
};

TEST_F(DeltaWriteTest, ASmallChangeIsADeltaOfTheLastWholeVersion) {
  Make(3);
  EXPECT_EQ(NewestForm(2), "whole");
  Change(2, 10, 1);
  Commit();
  EXPECT_EQ(NewestForm(2), "delta of 1");
  EXPECT_EQ(Versions(2).front().size,
            kChunkHeaderBytes + kDeltaHeaderBytes + kBlock);
  EXPECT_EQ(Versions(3).size(), 1u);
  // The next one has the blocks of both.
  Change(2, 100, 2);
  Commit();
  EXPECT_EQ(NewestForm(2), "delta of 1");
  EXPECT_EQ(Versions(2).front().chunk.delta.form.changed.count(), 3u);
  EXPECT_TRUE(Findings().empty());
}

TEST_F(DeltaWriteTest, PastALimitThePageIsStoredWholeAgain) {
  Make(2);
  TxId base{1};
  for (uint32_t i = 0; i < 40; ++i) {
    Change(2, i * 5, 5);
    Commit();
    const Stored newest = Versions(2).front();
    if (newest.chunk.codec == Codec::kRaw) {
      EXPECT_EQ((newest.txid.value - base.value) * 5, 65u);
      base = newest.txid;
    } else {
      EXPECT_EQ(newest.chunk.delta.form.base, base);
    }
  }
  EXPECT_EQ(base, TxId{1 + 3 * 13});
}

TEST_F(DeltaWriteTest, ManyChangesAtOnceAreAWholePage) {
  Make(2);
  Change(2, 0, kMaxDeltaBlocks);
  Commit();
  EXPECT_EQ(NewestForm(2), "delta of 1");
  Change(2, 0, kMaxDeltaBlocks + 1);
  Commit();
  EXPECT_EQ(NewestForm(2), "whole");
}

TEST_F(DeltaWriteTest, TheCacheIsNotNeeded) {
  const TempDir dir;
  store_.emplace(RocksDbSource(dir.File("store")));
  Make(2);
  for (uint32_t i = 0; i < 6; ++i) {
    store_->Reopen();
    Change(1, i, 1);
    Change(2, 50 + i, 1);
    Commit();
    EXPECT_EQ(NewestForm(1), "delta of 1");
    EXPECT_EQ(NewestForm(2), "delta of 1");
    EXPECT_EQ(Versions(2).front().chunk.delta.form.changed.count(), i + 1);
  }
  store_.reset();
}

TEST_F(DeltaWriteTest, APageThatCameBackIsWhole) {
  Make(4);
  {
    TestTransaction transaction(*store_, "a", kSize);
    ASSERT_OK(transaction->Truncate(2));
    ASSERT_OK(transaction.Commit());
  }
  Change(4, 0, 1);
  Commit();
  EXPECT_EQ(NewestForm(4), "whole");
  // Cut and written in one transaction.
  {
    TestTransaction transaction(*store_, "a", kSize);
    ASSERT_OK(transaction->Truncate(2));
    Change(3, 0, 1);
    transaction.Write(3, pages_["a"][2]).Write(4, pages_["a"][3]);
    ASSERT_OK(transaction.Commit());
  }
  ExpectPages(*store_, "a", pages_["a"]);
  EXPECT_EQ(NewestForm(3), "whole");
}

TEST_F(DeltaWriteTest, AnotherPageSizeIsWhole) {
  Make(2);
  TestTransaction transaction(*store_, "a", 2048);
  const std::string page(2048, 'a');
  transaction.Write(1, page).Write(2, page);
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(NewestForm(1), "whole");
  EXPECT_EQ(NewestForm(2), "whole");
  ExpectPages(*store_, "a", {page, page});
}

TEST_F(DeltaWriteTest, PageOneHasTheStampOfItsCommit) {
  Make(2);
  for (uint32_t stamp = 1; stamp < 5; ++stamp) {
    TestTransaction transaction(*store_, "a", kSize);
    Change(1, 200, 1);
    transaction.Write(1, pages_["a"][0]);
    ASSERT_OK(transaction.Commit(stamp));
    std::vector<std::string> expected = pages_["a"];
    ApplyStamp(stamp, expected[0].data());
    ExpectPages(*store_, "a", expected);
    EXPECT_EQ(NewestForm(1), "delta of 1");
  }
  EXPECT_TRUE(Findings().empty());
}

TEST_F(DeltaWriteTest, AStageIsWholeAndThenABase) {
  Make(3);
  Change(2, 0, 1);
  Commit();
  Change(2, 9, 1);
  Commit("a", /*stage=*/true);
  EXPECT_EQ(NewestForm(2), "whole");
  Change(2, 20, 1);
  Change(3, 20, 1);
  Commit();
  EXPECT_EQ(NewestForm(2), "delta of 3");
  // The branch has none of this page yet.
  EXPECT_EQ(NewestForm(3), "whole");
  Change(3, 21, 1);
  Commit();
  EXPECT_EQ(NewestForm(3), "delta of 4");
  EXPECT_TRUE(Findings().empty());
}

TEST_F(DeltaWriteTest, FlatteningCopiesWholePages) {
  const auto actor = store_->Open("a");
  Make(40);
  for (uint32_t i = 0; i < kMaxLineageDepth + 4; ++i) {
    // A stage, and a delta on its branch.
    Change(3 + i, 0, 100);
    Commit("a", /*stage=*/true);
    Change(3 + i, 0, 1);
    Change(3 + i, 200, 1);
    Commit();
    EXPECT_EQ(NewestForm(3 + i).substr(0, 8), "delta of");
  }
  ASSERT_GT(store_->State("a")->lineage->size(), kMaxLineageDepth);
  store_->Maintain();
  EXPECT_EQ(store_->State("a")->lineage->size(), 2u);
  ExpectPages(*store_, "a", pages_["a"]);
  EXPECT_EQ(NewestForm(5), "whole");
  EXPECT_TRUE(Findings().empty());
  Change(5, 0, 1);
  Commit();
  ExpectPages(*store_, "a", pages_["a"]);
  EXPECT_TRUE(Findings().empty());
}

TEST_F(DeltaWriteTest, ReclaimKeepsTheBaseOfWhatItKeeps) {
  Make(2);
  for (uint32_t i = 0; i < 30; ++i) {
    Change(2, i * 5, 5);
    Commit();
  }
  Retain(0);
  const uint64_t planned = Planned();
  uint64_t bytes = 0;
  ASSERT_OK(Reclaim(&bytes));
  EXPECT_EQ(bytes, planned);
  EXPECT_EQ(Planned(), 0u);
  const std::vector<Stored> left = Versions(2);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].chunk.delta.form.base, left[1].txid);
  EXPECT_EQ(left[1].txid, TxId{27});
  store_->Reopen();
  ExpectPages(*store_, "a", pages_["a"]);
  EXPECT_TRUE(Findings().empty());
  ReclaimOptions options;
  options.dry_run = true;
  Reclaimer reclaimer(store_->get(), options);
  std::optional<SpaceUse> use;
  for (bool done = false; !done;) {
    std::optional<SpaceUse> one;
    ASSERT_OK(reclaimer.Step(&one, &done));
    if (one.has_value()) use = one;
  }
  ASSERT_TRUE(use.has_value());
  EXPECT_EQ(use->history_bytes, 0u) << "a base of the head is live";
  EXPECT_GT(use->live_bytes, 2u * kSize);
}

TEST_F(DeltaWriteTest, AReclaimThatStopsLeavesNoDeltaWithoutItsBase) {
  for (const CommitFault fault :
       {CommitFault::kFailed, CommitFault::kUnknownLanded,
        CommitFault::kUnknownLost}) {
    for (uint64_t nth = 1;; ++nth) {
      store_.emplace(MemorySource(), SmallBatches(size_t{24} * 1024));
      pages_.clear();
      Make(2);
      for (uint32_t i = 0; i < 20; ++i) {
        Change(2, i * 8, 8);
        Change(1, i * 4, 4);
        Commit();
      }
      Retain(0);
      store_->plan()->Reset();
      store_->plan()->FailCommit(nth, fault);
      uint64_t bytes = 0;
      const Status s = Reclaim(&bytes);
      const bool fired = store_->plan()->fired_count() != 0;
      EXPECT_EQ(s.ok(), !fired) << s.ToString();
      store_->Reopen();
      EXPECT_TRUE(Findings().empty());
      ExpectPages(*store_, "a", pages_["a"]);
      ASSERT_OK(Reclaim(&bytes));
      EXPECT_LE(Versions(2).size(), 2u);
      EXPECT_TRUE(Findings().empty());
      if (!fired) break;
      ASSERT_LT(nth, 100u);
    }
  }
}

// What does not decode may need what came before it.
TEST_F(DeltaWriteTest, ReclaimKeepsWhatADamagedDeltaMayNeed) {
  Make(2);
  Change(2, 0, 1);
  Commit();
  Change(2, 1, 1);
  Commit();
  const auto state = store_->State("a");
  const Partition branch = BranchPartition(state->head.snapshot.branch);
  const std::string key = ChunkKey(2, state->head.snapshot.txid);
  std::optional<std::string> value;
  ASSERT_OK(
      GetValue((*store_)->engine()->NewReader().get(), branch, key, &value));
  Batch batch;
  batch.Put(branch, key, *value + "x");
  ASSERT_TRUE((*store_)->Commit(batch, Durability::kBuffered).done());
  Retain(0);
  uint64_t bytes = 0;
  ASSERT_OK(Reclaim(&bytes));
  batch.Clear();
  batch.Put(branch, key, *value);
  ASSERT_TRUE((*store_)->Commit(batch, Durability::kBuffered).done());
  EXPECT_EQ(Versions(2).size(), 3u);
  ExpectPages(*store_, "a", pages_["a"]);
}

TEST_F(DeltaWriteTest, VerifyFindsAMissingBase) {
  Make(3);
  Change(2, 0, 1);
  Commit();
  Change(2, 1, 1);
  Commit();
  Batch batch;
  const auto state = store_->State("a");
  batch.Delete(BranchPartition(state->head.snapshot.branch),
               ChunkKey(2, TxId{1}));
  ASSERT_TRUE((*store_)->Commit(batch, Durability::kBuffered).done());
  std::vector<std::string> details = Findings();
  // Two versions, the page of the head, and how to save the rest.
  ASSERT_EQ(details.size(), 4u);
  details.pop_back();
  for (const std::string& detail : details) {
    EXPECT_NE(detail.find("its base, txid=1, is missing"), std::string::npos)
        << detail;
    EXPECT_NE(detail.find("pgno=2"), std::string::npos) << detail;
  }
}

}  // namespace
}  // namespace actorkv
