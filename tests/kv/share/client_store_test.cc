// Two stores on one engine, that of the owner and one that shares it: what each
// sees of the other, and what becomes of the second where the owner ends.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kv/cache/actor_hints.h"
#include "kv/cache/page_cache.h"
#include "kv/format/keys.h"
#include "kv/share/client_session.h"
#include "kv/share/share_server.h"
#include "kv/store/hints.h"
#include "kv/store/store_side.h"
#include "tests/support/client_harness.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;

// A transaction on one actor of a store, whoever owns that.
class Change {
 public:
  Change(const std::shared_ptr<Store>& store, const std::string& name)
      : store_(store) {
    EXPECT_OK(store->OpenActor(name, &actor_));
    writer_.emplace(actor_->writers());
  }
  ~Change() {
    branch_.reset();
    actor_->Release(&*writer_);
  }

  Status Begin() {
    std::shared_ptr<const HeadState> base;
    if (Status s = actor_->CurrentPinned(store_->pins(), &pin_, &base);
        !s.ok()) {
      return s;
    }
    if (Status s = actor_->Reserve(&*writer_, base->head.snapshot,
                                   base->head.generation);
        !s.ok()) {
      return s;
    }
    branch_ = std::make_unique<BranchWriter>(store_, actor_, base, kSize);
    return Status::Ok();
  }
  // Two pages of this version.
  Status Commit(uint32_t version) {
    for (PageNo pgno = 1; pgno <= 2; ++pgno) {
      Status s =
          branch_->WritePage(pgno, TestPage(kSize, pgno, version).data());
      if (!s.ok()) return s;
    }
    std::vector<PendingCommit> commits(1);
    commits[0].writer = branch_.get();
    commits[0].spec.page_count = branch_->page_count();
    commits[0].pin = &pin_;
    return CommitAll(store_.get(), Durability::kSynced, &commits);
  }
  bool Wait(int64_t limit_us) { return writer_->Wait(limit_us); }
  Actor* actor() { return actor_.get(); }

 private:
  const std::shared_ptr<Store> store_;
  std::shared_ptr<Actor> actor_;
  Pin pin_;
  std::optional<Writer> writer_;
  std::unique_ptr<BranchWriter> branch_;
};

class ClientStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    Serve();
    Share(&shared_, &client_);
  }
  void TearDown() override {
    if (client_ != nullptr) client_->SetStore(nullptr);
    shared_.reset();
    client_.reset();
    EndOwner();
  }

  void Serve() { Serve(source_()); }
  void Serve(std::unique_ptr<Engine> engine) {
    ASSERT_OK(
        Store::Open(directory_.path(), std::move(engine), false, &owner_));
    const ShareClient::Parts known = ClientParts(directory_);
    ShareServer::Parts parts;
    parts.store = owner_;
    parts.directory = directory_.opened();
    parts.marker_id = known.marker_id;
    parts.marker_inode = known.marker_inode;
    ASSERT_OK(ShareServer::Start(std::move(parts), &server_));
  }
  void EndOwner() {
    if (server_ != nullptr) server_->Stop(std::chrono::steady_clock::now());
    server_.reset();
    owner_.reset();
  }
  void Share(std::shared_ptr<Store>* store,
             std::shared_ptr<ShareClient>* client) {
    *client = ConnectTo(ClientParts(directory_));
    ASSERT_NE(*client, nullptr);
    ASSERT_OK(Store::OpenShared(directory_.path(), (*client)->NewEngine(),
                                (*client)->NewSide(), store));
    (*client)->SetStore(store->get());
  }

  static Status Put(const std::shared_ptr<Store>& store,
                    const std::string& name, uint32_t version) {
    Change change(store, name);
    if (Status s = change.Begin(); !s.ok()) return s;
    return change.Commit(version);
  }
  static std::shared_ptr<const HeadState> State(
      const std::shared_ptr<Store>& store, const std::string& name) {
    std::shared_ptr<Actor> actor;
    std::shared_ptr<const HeadState> state;
    EXPECT_OK(store->OpenActor(name, &actor));
    EXPECT_OK(actor->Current(&state));
    return state;
  }
  static void ExpectVersion(const std::shared_ptr<Store>& store,
                            const std::string& name, uint32_t version) {
    const auto state = State(store, name);
    ASSERT_TRUE(state->exists);
    EXPECT_EQ(ReadAll(store->engine(), state->head.snapshot, state->lineage),
              TestPages(kSize, 2, version));
  }
  // The owner keeps this snapshot.
  bool IsKept(const Snapshot& snapshot) {
    for (const PinnedSnapshot& pinned : owner_->pins()->Snapshots()) {
      if (pinned.snapshot == snapshot) return true;
    }
    return false;
  }

  StoreDirectory directory_;
  const EngineSource source_ = MemorySource();
  std::shared_ptr<Store> owner_;
  std::unique_ptr<ShareServer> server_;
  std::shared_ptr<ShareClient> client_;
  std::shared_ptr<Store> shared_;
};

TEST_F(ClientStoreTest, EachSeesWhatTheOtherCommits) {
  uint32_t version = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(Put(shared_, "a", ++version));
    ExpectVersion(owner_, "a", version);
    ExpectVersion(shared_, "a", version);
    ASSERT_OK(Put(owner_, "a", ++version));
    ExpectVersion(shared_, "a", version);
    ExpectVersion(owner_, "a", version);
  }
}

// Who has the head of another's commit has what it changed, without asking.
TEST_F(ClientStoreTest, WhatChangedIsThereWithTheHead) {
  std::shared_ptr<Actor> actor;
  ASSERT_OK(shared_->OpenActor("a", &actor));
  for (uint32_t version = 1; version <= 3; ++version) {
    ASSERT_OK(Put(owner_, "a", version));
    Pin pin;
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(actor->CurrentPinned(shared_->pins(), &pin, &state));
    const Snapshot& head = state->head.snapshot;
    for (PageNo pgno = 1; pgno <= 2; ++pgno) {
      const PagePin page =
          PageCache::Instance()->Find({shared_->cache_id(), head.branch, pgno},
                                      head.txid, actor->changes().get());
      ASSERT_EQ(page != nullptr, version > 1) << pgno;
      if (page == nullptr) continue;
      EXPECT_EQ(page->page(), TestPage(kSize, pgno, version)) << pgno;
    }
  }
  ASSERT_OK(shared_->CloseActor(std::move(actor)));
}

TEST_F(ClientStoreTest, AHeadThatIsTheNewestIsNotAskedForAgain) {
  ASSERT_OK(Put(owner_, "a", 1));
  std::shared_ptr<Actor> actor;
  ASSERT_OK(shared_->OpenActor("a", &actor));
  std::shared_ptr<const HeadState> first;
  std::shared_ptr<const HeadState> second;
  ASSERT_OK(actor->Current(&first));
  const uint64_t version = actor->version();
  ASSERT_OK(actor->Current(&second));
  EXPECT_EQ(first, second);
  EXPECT_EQ(actor->version(), version);
  ASSERT_OK(Put(owner_, "a", 2));
  EXPECT_NE(actor->version(), version);
}

TEST_F(ClientStoreTest, WhatChangedIsKnown) {
  ASSERT_OK(Put(owner_, "a", 1));
  std::shared_ptr<Actor> actor;
  ASSERT_OK(shared_->OpenActor("a", &actor));
  std::shared_ptr<const HeadState> first;
  std::shared_ptr<const HeadState> second;
  ASSERT_OK(actor->Current(&first));
  ASSERT_OK(Put(owner_, "a", 2));
  ASSERT_OK(actor->Current(&second));
  std::vector<PageNo> pages;
  EXPECT_TRUE(actor->changes()->AddChanged(second->head.snapshot.branch,
                                           first->head.snapshot.txid,
                                           second->head.snapshot.txid, &pages));
  EXPECT_EQ(pages.size(), 2U);
}

TEST_F(ClientStoreTest, TheOwnerKeepsWhatIsReadHere) {
  ASSERT_OK(Put(owner_, "a", 1));
  std::shared_ptr<Actor> actor;
  ASSERT_OK(shared_->OpenActor("a", &actor));
  std::shared_ptr<const HeadState> state;
  Pin pin;
  ASSERT_OK(actor->CurrentPinned(shared_->pins(), &pin, &state));
  EXPECT_TRUE(IsKept(state->head.snapshot));
  pin.Rest();
  EXPECT_FALSE(IsKept(state->head.snapshot));
  pin.Wake();
  EXPECT_TRUE(IsKept(state->head.snapshot));
  ASSERT_OK(Put(owner_, "a", 2));
  EXPECT_TRUE(IsKept(state->head.snapshot));
  // A pin on an older commit is told as well.
  Pin older;
  shared_->pins()->Add(state->head.snapshot, state->lineage, &older);
  pin.Release();
  EXPECT_TRUE(IsKept(state->head.snapshot));
  older.Release();
  EXPECT_FALSE(IsKept(state->head.snapshot));
}

TEST_F(ClientStoreTest, OneWritesAtATime) {
  ASSERT_OK(Put(owner_, "a", 1));
  {
    Change here(shared_, "a");
    ASSERT_OK(here.Begin());
    Change there(owner_, "a");
    EXPECT_EQ(there.Begin().code(), Code::kBusy);
    ASSERT_OK(here.Commit(2));
  }
  {
    Change there(owner_, "a");
    ASSERT_OK(there.Begin());
    Change here(shared_, "a");
    EXPECT_EQ(here.Begin().code(), Code::kBusy);
    ASSERT_OK(there.Commit(3));
  }
  ExpectVersion(shared_, "a", 3);
}

TEST_F(ClientStoreTest, WritersWaitForEachOther) {
  std::shared_ptr<ShareClient> client;
  std::shared_ptr<Store> other;
  Share(&other, &client);
  ASSERT_OK(Put(owner_, "a", 1));
  constexpr int kRounds = 30;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (const auto& store : {owner_, shared_, other}) {
    threads.emplace_back([&done, store] {
      for (int i = 0; i < kRounds;) {
        Change change(store, "a");
        Status s = change.Begin();
        if (s.code() == Code::kBusy && change.Wait(10'000'000)) {
          s = change.Begin();
        }
        if (s.ok()) s = change.Commit(static_cast<uint32_t>(i));
        if (s.ok()) {
          ++i;
          ++done;
        } else {
          ASSERT_TRUE(s.code() == Code::kBusy || s.code() == Code::kConflict)
              << s.ToString();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 3 * kRounds);
  client->SetStore(nullptr);
}

TEST_F(ClientStoreTest, NoTimeIsGivenTwice) {
  std::mutex mutex;
  std::set<uint64_t> times;
  std::vector<std::thread> threads;
  constexpr size_t kTimes = 2000;
  for (const auto& store : {owner_, shared_}) {
    threads.emplace_back([&, store] {
      std::vector<uint64_t> taken;
      for (size_t i = 0; i < kTimes; ++i) {
        Batch batch;
        taken.push_back(store->clock()->Next(&batch));
      }
      const std::lock_guard<std::mutex> lock(mutex);
      times.insert(taken.begin(), taken.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(times.size(), 2 * kTimes);
}

// --- The next owner
// -----------------------------------------------------------

TEST_F(ClientStoreTest, AllGoesOnAtTheNextOwner) {
  ASSERT_OK(Put(shared_, "a", 1));
  for (uint32_t version = 2; version < 5; ++version) {
    EndOwner();
    Serve();
    ExpectVersion(shared_, "a", version - 1);
    ASSERT_OK(Put(shared_, "a", version));
    ExpectVersion(owner_, "a", version);
  }
  EXPECT_EQ(client_->failover_count(), 3U);
}

TEST_F(ClientStoreTest, TheNextOwnerKnowsTheAwakePins) {
  ASSERT_OK(Put(owner_, "a", 1));
  ASSERT_OK(Put(owner_, "b", 1));
  std::shared_ptr<Actor> a;
  std::shared_ptr<Actor> b;
  ASSERT_OK(shared_->OpenActor("a", &a));
  ASSERT_OK(shared_->OpenActor("b", &b));
  std::shared_ptr<const HeadState> awake;
  std::shared_ptr<const HeadState> resting;
  Pin awake_pin;
  Pin resting_pin;
  ASSERT_OK(a->CurrentPinned(shared_->pins(), &awake_pin, &awake));
  ASSERT_OK(b->CurrentPinned(shared_->pins(), &resting_pin, &resting));
  resting_pin.Rest();
  const uint64_t version = b->version();
  EndOwner();
  Serve();
  ExpectVersion(shared_, "a", 1);
  EXPECT_TRUE(IsKept(awake->head.snapshot));
  EXPECT_FALSE(IsKept(resting->head.snapshot));
  // Whoever comes back to it finds that he has to ask.
  resting_pin.Wake();
  EXPECT_NE(b->version(), version);
  ASSERT_OK(b->CurrentPinned(shared_->pins(), &resting_pin, &resting));
  EXPECT_TRUE(IsKept(resting->head.snapshot));
  awake_pin.Rest();
  EXPECT_FALSE(IsKept(awake->head.snapshot));
}

// Whoever reads by it looks whether the commit is still there.
TEST_F(ClientStoreTest, APinThatTheNextOwnerCannotKeepIsCounted) {
  ASSERT_OK(Put(owner_, "a", 1));
  std::shared_ptr<Actor> actor;
  ASSERT_OK(shared_->OpenActor("a", &actor));
  std::shared_ptr<const HeadState> state;
  Pin pin;
  const uint64_t epoch = shared_->epoch();
  ASSERT_OK(actor->CurrentPinned(shared_->pins(), &pin, &state));
  const Snapshot& head = state->head.snapshot;
  Batch batch;
  batch.Delete(ActorPartition(state->entry.actor),
               CommitKey(head.branch, head.txid));
  ASSERT_TRUE(owner_->engine()->Commit(batch, Durability::kSynced).done());
  EXPECT_EQ(shared_->epoch(), epoch) << "it is kept";
  EndOwner();
  Serve();
  ExpectVersion(shared_, "a", 1);
  EXPECT_NE(shared_->epoch(), epoch);
}

TEST_F(ClientStoreTest, WhatTheOwnersEngineLostIsKnown) {
  class DamagedEngine : public ForwardingEngine {
   public:
    using ForwardingEngine::ForwardingEngine;
    Status ListDamage(std::vector<EngineDamage>* damage) override {
      *damage = {{EngineDamage::Kind::kStranded, "a log", "keep it"},
                 {EngineDamage::Kind::kLost, "another", "restore"}};
      return Status::Ok();
    }
  };
  std::vector<EngineDamage> damage;
  ASSERT_OK(shared_->engine()->ListDamage(&damage));
  EXPECT_TRUE(damage.empty());
  EndOwner();
  // The store is the same, and what is found as it is opened is another.
  Serve(std::make_unique<DamagedEngine>(source_()));
  ASSERT_OK(shared_->engine()->Sync());
  ASSERT_OK(shared_->engine()->ListDamage(&damage));
  ASSERT_EQ(damage.size(), 2U);
  EXPECT_EQ(damage[0].kind, EngineDamage::Kind::kStranded);
  EXPECT_EQ(damage[0].detail, "a log");
  EXPECT_EQ(damage[0].mend, "keep it");
  EXPECT_EQ(damage[1].kind, EngineDamage::Kind::kLost);
}

TEST_F(ClientStoreTest, TheOwnerKeepsWhatIsLearnedHere) {
  ASSERT_OK(Put(shared_, "a", 1));
  const auto state = State(shared_, "a");
  LearnedHints learned;
  learned.name = "a";
  learned.actor = state->entry.actor;
  learned.record.generation = state->head.generation;
  HintRange range;
  range.first = 1;
  range.page_count = 2;
  learned.record.ranges = {range};
  shared_->hints()->Add(learned);
  ASSERT_OK(shared_->hints()->WriteOne());
  const HintsOwner of = {state->entry.actor, state->head.generation};
  HintsRecord kept;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (kept.ranges.empty() && std::chrono::steady_clock::now() < end) {
    ASSERT_OK(owner_->hints()->Load(of, &kept));
  }
  EXPECT_EQ(kept.ranges.size(), 1U);
  ASSERT_OK(owner_->hints()->WriteOne());
  ASSERT_OK(ReadHints(shared_->engine()->NewReader().get(), of, &kept));
  EXPECT_EQ(kept.ranges.size(), 1U);
  EndOwner();
  shared_->hints()->Add(learned);
  EXPECT_FALSE(shared_->hints()->WriteOne().ok()) << "nobody is looked for";
}

TEST_F(ClientStoreTest, ATransactionGoesOnAtTheNextOwner) {
  ASSERT_OK(Put(shared_, "a", 1));
  Change change(shared_, "a");
  ASSERT_OK(change.Begin());
  EndOwner();
  Serve();
  ExpectVersion(shared_, "a", 1);
  // The word is taken there as well.
  EXPECT_EQ(Put(owner_, "a", 3).code(), Code::kBusy);
  ASSERT_OK(change.Commit(2));
  ExpectVersion(owner_, "a", 2);
}

TEST_F(ClientStoreTest, WritersGoOnWhileOwnersEnd) {
  std::atomic<bool> is_over{false};
  std::atomic<uint32_t> done{0};
  std::thread writer([&] {
    while (!is_over) {
      const uint32_t next = done + 1;
      const Status s = Put(shared_, "a", next);
      ASSERT_OK(s);
      done = next;
    }
  });
  for (int i = 0; i < 5; ++i) {
    const uint32_t before = done;
    while (done < before + 5) std::this_thread::yield();
    EndOwner();
    Serve();
  }
  is_over = true;
  writer.join();
  ExpectVersion(owner_, "a", done);
}

// What cannot be on the board is not believed.
TEST_F(ClientStoreTest, NonsenseOnTheBoard) {
  ASSERT_OK(Put(shared_, "a", 1));
  auto* const session = static_cast<ClientSession*>(client_.get());
  Board* const board = session->last_owner()->board();
  for (uint32_t i = 0; i < 4; ++i) board->slot(i)->RaiseHead();
  ExpectVersion(shared_, "a", 1);
  board->RaiseTime(kLatestTimeUs - 1);
  for (int i = 0; i < 5; ++i) {
    Batch batch;
    EXPECT_LT(shared_->clock()->Next(&batch), kLatestTimeUs / 2);
  }
  ASSERT_OK(Put(shared_, "a", 2));
  // Nor is what may be said, and is not so.
  constexpr uint64_t kYearUs = uint64_t{365} * 24 * 3600 * 1'000'000;
  board->SetClockOffset(2000 * kYearUs);
  ASSERT_OK(Put(shared_, "a", 3));
  ASSERT_OK(Put(owner_, "a", 4));
  board->RaiseTime(board->last_time_us() + kYearUs);
  ASSERT_OK(Put(shared_, "a", 5));
  ExpectVersion(shared_, "a", 5);
}

}  // namespace
}  // namespace actorkv
