// Random transactions against the model: writes, truncation, growth, other
// page sizes, stages, aborts, several actors, deletion, restarts, background
// work, faults of the engine. A failure prints the seed that repeats it.

#include "tests/support/page_model.h"

#include <gtest/gtest.h>

#include <random>

#include "kv/store/catalog.h"
#include "tests/support/shifted_clock.h"

namespace actorkv {
namespace {

constexpr PageNo kMaxPages = 60;
const std::string kNames[] = {"a", "b", "c"};

class Walk {
 public:
  Walk(EngineSource source, std::optional<EngineLimits> limits, bool faults)
      : store_(std::move(source), limits), faults_(faults) {}

  void Run(uint64_t seed, uint64_t steps) {
    random_.seed(seed);
    for (uint64_t step = 0; step < steps; ++step) {
      SCOPED_TRACE("ACTORKV_SEED=" + std::to_string(seed) +
                   " step=" + std::to_string(step));
      Step();
      store_.plan()->Reset();
      model_.KeepVersions(12);
      if (step % 8 == 0) model_.ExpectSame(store_);
      if (testing::Test::HasFailure()) return;
    }
    model_.ExpectSame(store_);
  }

 private:
  // What a transaction did, beside its writer.
  struct Pending {
    std::string name;
    std::unique_ptr<TestTransaction> transaction;
    ModelDatabase database;
    Status status;
  };

  uint32_t Pick(uint32_t below) {
    return std::uniform_int_distribution<uint32_t>(0, below - 1)(random_);
  }
  const std::string& PickName() { return kNames[Pick(std::size(kNames))]; }

  void Step() {
    const uint32_t dice = Pick(100);
    if (dice < 4) {
      // Somebody has set the clock of the machine meanwhile, or has not.
      clock_.Set((int64_t{Pick(5)} - 2) * ShiftedClock::kDayUs);
      store_.Reopen();
    } else if (dice < 7) {
      Delete(PickName());
    } else if (dice < 15) {
      PlanFault();
      bool more = true;
      while (more && store_.upkeep()->Maintain(&more).ok()) {
      }
    } else if (dice < 25) {
      CommitSeveral();
    } else {
      CommitOne(/*abort=*/dice < 30);
    }
  }

  void PlanFault() {
    if (!faults_ || Pick(3) != 0) return;
    const CommitFault kFaults[] = {CommitFault::kConflict, CommitFault::kFailed,
                                   CommitFault::kUnknownLanded,
                                   CommitFault::kUnknownLost};
    if (Pick(4) == 0) {
      store_.plan()->FailRead(1 + Pick(60), Status::IOError("injected"));
    } else {
      store_.plan()->FailCommit(1 + Pick(4), kFaults[Pick(4)]);
    }
  }

  Pending Begin(const std::string& name) {
    Pending pending;
    pending.name = name;
    pending.database = model_[name].Newest();
    if (pending.database.page_count == 0 || Pick(12) == 0) {
      const uint32_t old_size = pending.database.page_size;
      pending.database.page_size = kMinPageSize << Pick(3);
      if (pending.database.page_size != old_size) {
        pending.database.Truncate(0);
      }
    }
    pending.transaction = std::make_unique<TestTransaction>(
        store_, name, pending.database.page_size);
    return pending;
  }

  // A few random changes, to the writer and to the model alike.
  void Change(Pending* pending) {
    BranchWriter* writer = pending->transaction->writer();
    ModelDatabase* database = &pending->database;
    for (uint32_t i = 0, n = Pick(25); i < n && pending->status.ok(); ++i) {
      const uint32_t dice = Pick(20);
      if (dice == 0) {
        const uint32_t count = Pick(database->page_count + 1);
        pending->status = writer->Truncate(count);
        database->Truncate(count);
      } else if (dice == 1) {
        pending->status = writer->Stage();
      } else if (dice < 4 && database->page_count > 0) {
        ExpectRead(pending, 1 + Pick(database->page_count));
      } else {
        const PageNo pgno = 1 + Pick(Pick(4) == 0 ? kMaxPages : 12);
        const std::string page = PickPage(*pending, pgno);
        pending->status = writer->WritePage(pgno, page.data());
        database->Write(pgno, page);
      }
    }
  }

  // A new page, the present one but for a few places, one of zeros, or one that
  // the actor had before.
  std::string PickPage(const Pending& pending, PageNo pgno) {
    const uint32_t page_size = pending.database.page_size;
    const auto& versions = model_[pending.name].versions;
    if (Pick(4) == 0 && !versions.empty()) {
      const ModelDatabase& old =
          versions[Pick(static_cast<uint32_t>(versions.size()))].database;
      if (old.page_size == page_size) return old.Page(pgno);
    }
    if (Pick(10) == 0) return std::string(page_size, '\0');
    if (Pick(2) == 0) {
      std::string page = pending.database.Page(pgno);
      for (uint32_t i = 0, n = Pick(Pick(4) == 0 ? 100 : 4); i <= n; ++i) {
        page[Pick(page_size)] = static_cast<char>(Pick(256));
      }
      return page;
    }
    return TestPage(page_size, pgno, Pick(1u << 30));
  }

  static void ExpectRead(Pending* pending, PageNo pgno) {
    std::string page(pending->database.page_size, 'x');
    pending->status =
        pending->transaction->writer()->ReadPage(pgno, page.data());
    if (!pending->status.ok()) return;
    std::string expected = pending->database.Page(pgno);
    if (pgno == 1) {
      // The stamp is of the last commit, or as this transaction wrote it.
      ApplyStamp(0, page.data());
      ApplyStamp(0, expected.data());
    }
    ASSERT_TRUE(page == expected) << "page " << pgno;
  }

  PendingCommit Spec(Pending* pending) {
    ModelDatabase* database = &pending->database;
    if (Pick(5) == 0) {
      FreezeStamp(pending);
    } else {
      database->stamp = Pick(1000);
    }
    PendingCommit commit;
    commit.writer = pending->transaction->writer();
    commit.spec.page_count = database->page_count;
    commit.spec.stamp = database->stamp;
    return commit;
  }

  // Without a stamp in the head page 1 is as written: with the last stamp.
  static void FreezeStamp(Pending* pending) {
    ModelDatabase* database = &pending->database;
    if (database->page_count > 0) {
      const std::string page = database->Page(1);
      const Status s =
          pending->transaction->writer()->WritePage(1, page.data());
      if (pending->status.ok()) pending->status = s;
      database->Write(1, page);
    }
    database->stamp.reset();
  }

  void CommitOne(bool abort) {
    std::vector<Pending> all;
    all.push_back(Begin(PickName()));
    PlanFault();
    Change(&all.front());
    if (!abort) Finish(&all);
  }

  void CommitSeveral() {
    std::vector<Pending> all;
    for (const std::string& name : kNames) {
      if (Pick(3) != 0) all.push_back(Begin(name));
    }
    if (all.empty() || (all.size() > 1 &&
                        !store_->engine()->limits().multi_partition_commit)) {
      return;
    }
    PlanFault();
    for (Pending& pending : all) Change(&pending);
    Finish(&all);
  }

  // Commits; the store then has all of it, or nothing of it and a reason.
  void Finish(std::vector<Pending>* all) {
    std::vector<PendingCommit> commits;
    Status status;
    for (Pending& pending : *all) {
      commits.push_back(Spec(&pending));
      if (status.ok()) status = pending.status;
    }
    if (!status.ok()) return;
    status = CommitAll(store_.get(), Durability::kBuffered, &commits);
    store_.plan()->Reset();
    if (!status.ok() && !faults_) FAIL() << status.ToString();
    const bool landed = Landed(*all);
    ASSERT_TRUE(landed || !status.ok());
    if (!landed) return;
    if (!status.ok()) {
      ASSERT_NE(status.message().find("outcome"), std::string_view::npos)
          << status.ToString();
    }
    for (Pending& pending : *all) {
      model_.Committed(store_, pending.name, pending.database);
    }
  }

  // True when every actor has a newer head than its transaction began with;
  // some with and some without would be a torn commit.
  bool Landed(const std::vector<Pending>& all) {
    size_t landed = 0;
    for (const Pending& pending : all) {
      const HeadState& base = *pending.transaction->writer()->base();
      const auto now = store_.State(pending.name);
      if (now->head_bytes != base.head_bytes) ++landed;
    }
    EXPECT_TRUE(landed == 0 || landed == all.size()) << "torn commit";
    return landed != 0;
  }

  void Delete(const std::string& name) {
    TxId txid;
    const Status s = DeleteActor(store_.get(), name, SchemaCookie(0), &txid);
    if (!model_[name].exists) {
      EXPECT_TRUE(IsError(s, Code::kNotFound, name));
      return;
    }
    ASSERT_OK(s);
    model_[name].exists = false;
  }

  ShiftedClock clock_;
  TestStore store_;
  const bool faults_;
  PageModel model_;
  std::mt19937_64 random_;
};

EngineLimits Small(bool multi_partition_commit) {
  EngineLimits limits = SmallBatches(size_t{24} * 1024);
  limits.multi_partition_commit = multi_partition_commit;
  return limits;
}

constexpr uint64_t kSteps = 400;
constexpr uint64_t kFewerSteps = 150;  // where a step costs more

TEST(PageModelTest, Memory) {
  for (uint64_t i = 0; i < TestRounds(6); ++i) {
    Walk(MemorySource(), std::nullopt, false).Run(TestSeed() + i, kSteps);
    if (HasFailure()) return;
  }
}

TEST(PageModelTest, MemoryWithFaults) {
  for (uint64_t i = 0; i < TestRounds(6); ++i) {
    Walk(MemorySource(), std::nullopt, true).Run(TestSeed() + i, kSteps);
    if (HasFailure()) return;
  }
}

TEST(PageModelTest, SmallBatchesWithFaults) {
  for (uint64_t i = 0; i < TestRounds(6); ++i) {
    Walk(MemorySource(), Small(true), true).Run(TestSeed() + i, kSteps);
    if (HasFailure()) return;
  }
}

TEST(PageModelTest, SinglePartitionWithFaults) {
  for (uint64_t i = 0; i < TestRounds(6); ++i) {
    Walk(MemorySource(), Small(false), true).Run(TestSeed() + i, kSteps);
    if (HasFailure()) return;
  }
}

TEST(PageModelTest, RocksDb) {
  for (uint64_t i = 0; i < TestRounds(2); ++i) {
    const TempDir dir;
    Walk(RocksDbSource(dir.File("store")), std::nullopt, false)
        .Run(TestSeed() + i, kFewerSteps);
    if (HasFailure()) return;
  }
}

TEST(PageModelTest, RocksDbWithFaults) {
  for (uint64_t i = 0; i < TestRounds(2); ++i) {
    const TempDir dir;
    Walk(RocksDbSource(dir.File("store")), Small(true), true)
        .Run(TestSeed() + i, kFewerSteps);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace actorkv
