// Several owners of one store at the same time, which no engine of a directory
// allows: two stores on one engine in memory.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/legacy/legacy_import.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/branch_writer.h"
#include "kv/pages/commit.h"
#include "kv/process/upkeep.h"
#include "kv/store/commit_ids.h"
#include "kv/store/commit_runs.h"
#include "tests/support/map_pairs.h"
#include "tests/support/shared_engine.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = 4096;
constexpr PageNo kManyPages = 600;

// An owner of the shared store: its view of the engine, store and upkeep.
class Owner {
 public:
  Owner(std::shared_ptr<Engine> shared, uint16_t slot,
        std::shared_ptr<OwnerTable> table)
      : id_{slot, RandomId()}, table_(table) {
    EXPECT_OK(Store::Open("shared",
                          std::make_unique<SharedEngine>(std::move(shared), id_,
                                                         std::move(table)),
                          /*read_only=*/false, &store_));
    if (store_ == nullptr) return;
    upkeep_ = std::make_unique<Upkeep>(store_.get());
    loaded_ = upkeep_->Load();
  }

  const HostId& id() const { return id_; }
  const Status& loaded() const { return loaded_; }
  const std::shared_ptr<Store>& store() const { return store_; }
  void Maintain() {
    for (bool more = true; more;) ASSERT_OK(upkeep_->Maintain(&more));
  }
  // It ends without a word.
  void Die() {
    table_->dead.insert(id_.incarnation);
    upkeep_.reset();
  }

 private:
  const HostId id_;
  const std::shared_ptr<OwnerTable> table_;
  std::shared_ptr<Store> store_;
  std::unique_ptr<Upkeep> upkeep_;
  Status loaded_;
};

class OwnersTest : public testing::Test {
 protected:
  Owner NewOwner(uint16_t slot) { return {shared_, slot, table_}; }

  std::vector<KeyValue> Records(const std::string& prefix) {
    std::vector<KeyValue> found;
    EXPECT_OK(ForEachPair(shared_->NewReader().get(),
                          {CatalogPartition(), prefix, prefix},
                          [&found](const KeyValue& pair) {
                            found.push_back(pair);
                            return Status::Ok();
                          }));
    return found;
  }

  const std::shared_ptr<Engine> shared_ = NewMemoryEngine(UnboundedLimits());
  const std::shared_ptr<OwnerTable> table_ = std::make_shared<OwnerTable>();
};

// A transaction whose pages are in a stage.
class StagedTransaction {
 public:
  explicit StagedTransaction(const std::shared_ptr<Store>& store)
      : store_(store) {
    EXPECT_OK(store->OpenActor("alice", &actor_));
    std::shared_ptr<const HeadState> base;
    EXPECT_OK(actor_->Current(&base));
    writer_ = std::make_unique<BranchWriter>(store, actor_, base, kSize);
    for (PageNo pgno = 1; pgno <= kManyPages; ++pgno) {
      EXPECT_OK(writer_->WritePage(pgno, TestPage(kSize, pgno, 1).data()));
    }
    EXPECT_OK(writer_->Stage());
  }

  Status Commit() {
    std::vector<PendingCommit> commits(1);
    commits[0].writer = writer_.get();
    commits[0].spec.page_count = kManyPages;
    return CommitAll(store_.get(), Durability::kSynced, &commits);
  }

 private:
  const std::shared_ptr<Store> store_;
  std::shared_ptr<Actor> actor_;
  std::unique_ptr<BranchWriter> writer_;
};

void ExpectWhole(Store* store) {
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(store->OpenActor("alice", &actor));
  ASSERT_OK(actor->Current(&state));
  ASSERT_TRUE(state->exists);
  BranchReader reader(store->engine());
  reader.SetSnapshot(state->head.snapshot, state->lineage);
  std::string page(kSize, '\0');
  for (PageNo pgno = 2; pgno <= kManyPages; ++pgno) {
    ASSERT_OK(reader.ReadPage(pgno, page.data())) << pgno;
    ASSERT_EQ(page, TestPage(kSize, pgno, 1)) << pgno;
  }
}

TEST_F(OwnersTest, AStageOfALivingOwnerOutlivesTheOpenOfAnother) {
  Owner a = NewOwner(1);
  StagedTransaction transaction(a.store());
  Owner b = NewOwner(2);
  ASSERT_OK(b.loaded());
  b.Maintain();
  ASSERT_EQ(Records(StagePrefix()).size(), 1u);
  ASSERT_OK(transaction.Commit());
  ExpectWhole(b.store().get());
}

TEST_F(OwnersTest, AStageSaysWhoseItIs) {
  Owner a = NewOwner(7);
  const StagedTransaction transaction(a.store());
  const std::vector<KeyValue> stages = Records(StagePrefix());
  ASSERT_EQ(stages.size(), 1u);
  StageRecord record;
  ASSERT_OK(DecodeRecord(stages[0].key, stages[0].value, &record));
  EXPECT_EQ(record.owner, a.id());
}

TEST_F(OwnersTest, AStageOfADeadOwnerGoes) {
  Owner a = NewOwner(1);
  auto transaction = std::make_unique<StagedTransaction>(a.store());
  a.Die();
  Owner b = NewOwner(2);
  ASSERT_OK(b.loaded());
  b.Maintain();
  EXPECT_EQ(Records(StagePrefix()).size(), 0u);
}

TEST_F(OwnersTest, WithoutProofOfDeathNothingIsDropped) {
  Owner a = NewOwner(1);
  StagedTransaction transaction(a.store());
  table_->error = Status::IOError("nobody answers");
  Owner b = NewOwner(2);
  EXPECT_TRUE(IsError(b.loaded(), Code::kIOError, "nobody answers"));
  table_->error = Status::Ok();
  b.Maintain();
  EXPECT_EQ(Records(StagePrefix()).size(), 1u);
  ASSERT_OK(transaction.Commit());
  ExpectWhole(a.store().get());
}

TEST_F(OwnersTest, AnImportOfALivingOwnerOutlivesTheOpenOfAnother) {
  Owner a = NewOwner(1);
  LegacyImport import(a.store());
  VectorSource pairs(std::vector<KeyValue>{{std::string("\x02", 1), "value"}});
  ImportSpec spec;
  spec.name = "alice";
  ASSERT_OK(import.ReadAll(spec, &pairs));
  Owner b = NewOwner(2);
  ASSERT_OK(b.loaded());
  b.Maintain();
  EXPECT_EQ(Records(ImportPrefix()).size(), 1u);
  a.Die();
  Owner c = NewOwner(3);
  c.Maintain();
  EXPECT_EQ(Records(ImportPrefix()).size(), 0u);
}

TEST_F(OwnersTest, IdsOfTwoOwnersNeverMeet) {
  Owner a = NewOwner(1);
  Owner b = NewOwner(1023);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    Batch batch;
    const uint64_t one = a.store()->NewId(&batch);
    const uint64_t other = b.store()->NewId(&batch);
    EXPECT_EQ(one % kHostSlots, 1u);
    EXPECT_EQ(other % kHostSlots, 1023u);
    EXPECT_TRUE(seen.insert(one).second);
    EXPECT_TRUE(seen.insert(other).second);
  }
}

TEST_F(OwnersTest, AnIdIsAboveWhatItComesFrom) {
  Owner a = NewOwner(5);
  Batch batch;
  const uint64_t far = a.store()->NewId(&batch) + 100'000'000;
  const uint64_t id = a.store()->NewId(&batch, far);
  EXPECT_GT(id, far);
  EXPECT_EQ(id % kHostSlots, 5u);
}

TEST_F(OwnersTest, AnOwnerLeavesTheClockLimitsOfOthers) {
  Owner a = NewOwner(1);
  const auto limits_of = [this](uint16_t slot) {
    size_t count = 0;
    for (const KeyValue& pair : Records(ClockLimitPrefix())) {
      uint64_t limit_us = 0;
      EXPECT_OK(ParseClockLimitKey(pair.key, &limit_us));
      if (limit_us % kHostSlots == slot) ++count;
    }
    return count;
  };
  ASSERT_EQ(limits_of(1), 1u);
  Owner b = NewOwner(2);
  for (int i = 0; i < 5; ++i) {
    Batch batch;
    b.store()->NewId(&batch, b.store()->clock()->newest_us() + 10'000'000);
    ASSERT_TRUE(b.store()->Commit(batch, Durability::kSynced).done());
  }
  EXPECT_EQ(limits_of(1), 1u);
  EXPECT_LE(limits_of(2), 2u) << "its own old ones go with the next";
}

TEST_F(OwnersTest, TwoWhoMakeAStoreMakeOne) {
  Owner a = NewOwner(1);
  Owner b = NewOwner(2);
  EXPECT_EQ(a.store()->record().store_id, b.store()->record().store_id);
}

TEST_F(OwnersTest, ACommitIdSaysWhose) {
  Owner a = NewOwner(1);
  Owner b = NewOwner(2);
  const CommitId id = a.store()->commit_ids()->Next();
  EXPECT_EQ(HostOf(id), a.id());
  EXPECT_TRUE(a.store()->commit_ids()->IsOwn(id));
  EXPECT_FALSE(b.store()->commit_ids()->IsOwn(id));
}

// An engine that makes a key appear just before the first commit that guards
// it.
class RacingEngine : public ForwardingEngine {
 public:
  RacingEngine(std::shared_ptr<Engine> base, std::string value)
      : ForwardingEngine(std::move(base)), value_(std::move(value)) {}

  CommitResult Commit(const Batch& batch, Durability durability) override {
    if (!value_.empty()) {
      Batch first;
      first.Put(CatalogPartition(), StoreRecordKey(), value_);
      value_.clear();
      EXPECT_TRUE(ForwardingEngine::Commit(first, durability).done());
    }
    return ForwardingEngine::Commit(batch, durability);
  }

 private:
  std::string value_;
};

TEST_F(OwnersTest, TheStoreRecordOfWhoWasFirstCounts) {
  StoreRecord record;
  record.store_id = 0x0102030405060708;
  record.created_at_us = 1;
  std::shared_ptr<Store> store;
  ASSERT_OK(Store::Open("shared",
                        std::make_unique<RacingEngine>(
                            shared_, EncodeRecord(StoreRecordKey(), record)),
                        /*read_only=*/false, &store));
  EXPECT_EQ(store->record().store_id, record.store_id);
}

// --- Guards ------------------------------------------------------------------

class GuardRunsTest : public testing::Test {
 protected:
  static Partition Actor(uint64_t id) { return ActorPartition(ActorId{id}); }

  void Store(Partition partition, const std::string& key,
             const std::string& value) {
    Batch batch;
    batch.Put(partition, key, value);
    ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  }

  CommitResult Commit(const Batch& batch) {
    return CommitInRuns(engine_.get(), batch, Durability::kSynced);
  }

  bool Has(Partition partition, const std::string& key) {
    bool has = false;
    EXPECT_OK(HasKey(engine_->NewReader().get(), partition, key, &has));
    return has;
  }

  const std::unique_ptr<Engine> engine_ = NewMemoryEngine(SinglePartition());
};

TEST_F(GuardRunsTest, AGuardWhoseKeyNoOperationTouchesIsChecked) {
  Store(Actor(1), "guarded", "moved");
  Batch batch;
  batch.Put(Actor(1), "other", "x");
  batch.AddGuard(Actor(1), "guarded", "as it was");
  EXPECT_EQ(Commit(batch).outcome, CommitOutcome::kConflict);
  EXPECT_FALSE(Has(Actor(1), "other"));
}

TEST_F(GuardRunsTest, AGuardOfAPartitionThatIsNotTouchedIsRefused) {
  Store(Actor(2), "guarded", "as it was");
  Batch batch;
  batch.Put(Actor(1), "other", "x");
  batch.AddGuard(Actor(2), "guarded", "as it was");
  const CommitResult result = Commit(batch);
  EXPECT_EQ(result.outcome, CommitOutcome::kFailed);
  EXPECT_TRUE(IsError(result.status, Code::kNotSupported, "cannot guard"));
  EXPECT_FALSE(Has(Actor(1), "other"));
}

TEST_F(GuardRunsTest, AGuardGoesWithTheRunOfItsKey) {
  Store(Actor(1), "b", "moved");
  Batch batch;
  batch.Put(Actor(1), "a", "x");
  batch.Put(Actor(2), "c", "x");
  batch.Put(Actor(1), "b", "y");
  batch.AddGuard(Actor(1), "b", "as it was");
  EXPECT_EQ(Commit(batch).outcome, CommitOutcome::kConflict);
  EXPECT_TRUE(Has(Actor(1), "a")) << "of an earlier run";
  EXPECT_TRUE(Has(Actor(2), "c"));
}

// --- Commits in doubt --------------------------------------------------------

// Answers the first commit that writes a head with kUnknown, once it has landed
// and another owner has committed on top of it.
class OvertakenEngine : public SharedEngine {
 public:
  using SharedEngine::SharedEngine;

  void Arm(std::function<void()> overtake, CommitOutcome answer) {
    overtake_ = std::move(overtake);
    answer_ = answer;
  }

  CommitResult Commit(const Batch& batch, Durability durability) override {
    CommitResult result = SharedEngine::Commit(batch, durability);
    if (overtake_ == nullptr || !result.done()) return result;
    const std::function<void()> overtake = std::exchange(overtake_, nullptr);
    overtake();
    return {answer_, Status::IOError("no answer came")};
  }

 private:
  std::function<void()> overtake_;
  CommitOutcome answer_ = CommitOutcome::kUnknown;
};

class OvertakenOwners : public OwnersTest {
 protected:
  // *made: the Actor::version() of the commit; null: never mind.
  static Status Write(const std::shared_ptr<Store>& store, uint32_t version,
                      uint64_t* made = nullptr) {
    std::shared_ptr<Actor> actor;
    std::shared_ptr<const HeadState> base;
    if (Status s = store->OpenActor("alice", &actor); !s.ok()) return s;
    if (Status s = actor->Current(&base); !s.ok()) return s;
    BranchWriter writer(store, actor, base, kSize);
    for (PageNo pgno = 1; pgno <= 3; ++pgno) {
      Status s = writer.WritePage(pgno, TestPage(kSize, pgno, version).data());
      if (!s.ok()) return s;
    }
    std::vector<PendingCommit> commits(1);
    commits[0].writer = &writer;
    commits[0].spec.page_count = 3;
    Status s = CommitAll(store.get(), Durability::kSynced, &commits);
    if (made != nullptr) *made = commits[0].version;
    return s;
  }
};

class OvertakenTest : public OvertakenOwners,
                      public testing::WithParamInterface<CommitOutcome> {};

TEST_P(OvertakenTest, ACommitThatLandedBelowOthersIsDone) {
  auto made = std::make_unique<OvertakenEngine>(shared_, HostId{1, 1}, table_);
  OvertakenEngine* const engine = made.get();
  std::shared_ptr<Store> store;
  ASSERT_OK(Store::Open("shared", std::move(made), false, &store));
  ASSERT_OK(Write(store, 1));
  engine->Arm(
      [this] {
        Owner other = NewOwner(2);
        ASSERT_OK(Write(other.store(), 3));
      },
      GetParam());
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(store->OpenActor("alice", &actor));
  uint64_t version = 0;
  EXPECT_OK(Write(store, 2, &version));
  EXPECT_NE(version, 0U);
  EXPECT_NE(actor->version(), version) << "nobody may take it for the newest";
  ASSERT_OK(actor->Current(&state));
  BranchReader reader(store->engine());
  reader.SetSnapshot(state->head.snapshot, state->lineage);
  std::string page(kSize, '\0');
  ASSERT_OK(reader.ReadPage(2, page.data()));
  EXPECT_EQ(page, TestPage(kSize, 2, 3)) << "the newest is another's";
  ASSERT_OK(Write(store, 4));
}

INSTANTIATE_TEST_SUITE_P(Answers, OvertakenTest,
                         testing::Values(CommitOutcome::kUnknown,
                                         CommitOutcome::kConflict));

// An engine that commits partition by partition, and whose batch was so large
// that the head went in a run of its own: of the first commit that is armed
// the record lands, then another owner commits, and so the head's guard fails.
class SplitEngine : public SharedEngine {
 public:
  SplitEngine(std::shared_ptr<Engine> base, const HostId& owner,
              std::shared_ptr<const OwnerTable> table)
      : SharedEngine(std::move(base), owner, std::move(table)),
        limits_(SinglePartition()) {}

  const EngineLimits& limits() const override { return limits_; }
  void Arm(std::function<void()> overtake) { overtake_ = std::move(overtake); }

  CommitResult Commit(const Batch& batch, Durability durability) override {
    Batch others;
    for (size_t i = 0; i < batch.op_count(); ++i) {
      const Batch::Op op = batch.op(i);
      if (op.key != HeadKey() && op.value.has_value()) {
        others.Put(op.partition, op.key, *op.value);
      }
    }
    const bool has_head = others.op_count() < batch.op_count();
    if (overtake_ == nullptr || !has_head) {
      return SharedEngine::Commit(batch, durability);
    }
    const std::function<void()> overtake = std::exchange(overtake_, nullptr);
    EXPECT_TRUE(SharedEngine::Commit(others, durability).done());
    overtake();
    return SharedEngine::Commit(batch, durability);
  }

 private:
  const EngineLimits limits_;
  std::function<void()> overtake_;
};

TEST_F(OvertakenOwners, ARecordWhoseHeadDidNotFollowIsNoCommit) {
  const auto open = [this](uint16_t slot, std::shared_ptr<Store>* store) {
    auto made = std::make_unique<SplitEngine>(shared_, HostId{slot, RandomId()},
                                              table_);
    SplitEngine* const engine = made.get();
    EXPECT_OK(Store::Open("shared", std::move(made), false, store));
    return engine;
  };
  std::shared_ptr<Store> store;
  std::shared_ptr<Store> other;
  SplitEngine* const engine = open(1, &store);
  open(2, &other);
  ASSERT_OK(Write(store, 1));
  engine->Arm([&other] { ASSERT_OK(Write(other, 3)); });
  EXPECT_EQ(Write(store, 2).code(), Code::kConflict);
}

}  // namespace
}  // namespace actorkv
