// HintsTest: the fixture of tests of preload hints: a store with an actor `a`,
// and visits to it, which read pages and are heard of.

#ifndef ACTORKV_TESTS_SUPPORT_HINTS_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_HINTS_HARNESS_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/cache/actor_hints.h"
#include "kv/format/keys.h"
#include "kv/pages/preload.h"
#include "kv/store/hints.h"
#include "tests/support/store_harness.h"

namespace actorkv {

using Pages = std::vector<PageNo>;

inline constexpr PageNo kPages = 40;
inline const Pages kUsed = {1, 30, 7, 8, 9, 21};  // by whoever opens the actor

// A connection to the head of an actor: reads pages, and is heard of.
class Visit {
 public:
  Visit(const TestStore& store, const std::string& name)
      : Visit(store.shared(), name) {}
  Visit(std::shared_ptr<Store> store, const std::string& name)
      : store_(std::move(store)) {
    EXPECT_OK(store_->OpenActor(name, &actor_));
    EXPECT_OK(actor_->Current(&state_));
    reader_.UseCache(store_->cache_id(), actor_->changes());
    reader_.SetSnapshot(state_->head.snapshot, state_->lineage);
  }

  // The page; its status where it cannot be read.
  std::string Read(PageNo pgno) {
    if (!reader_.IsCached(pgno) && actor_->hints()->is_asleep()) {
      woken_ = WakeActor({store_.get(),
                          actor_,
                          {state_->entry.actor, state_->head.generation}},
                         &reader_);
    }
    std::string page(state_->head.snapshot.page_size, 'x');
    Found found = Found::kHere;
    const Status s = reader_.ReadPage(pgno, page.data(), &found);
    if (!s.ok()) return s.ToString();
    if (found == Found::kMissing) ++missed_;
    if (found == Found::kHinted) preloaded_.push_back(pgno);
    if (found != Found::kHere) {
      actor_->hints()->Note(pgno, found == Found::kHinted);
    }
    return page;
  }

  Visit& Read(const Pages& pages) {
    for (const PageNo pgno : pages) Read(pgno);
    return *this;
  }

  Status Close() {
    reader_.Release();
    return store_->CloseActor(std::move(actor_));
  }

  int missed() const { return missed_; }
  const Pages& preloaded() const { return preloaded_; }  // and then read
  const Status& woken() const { return woken_; }

 private:
  const std::shared_ptr<Store> store_;
  std::shared_ptr<Actor> actor_;
  std::shared_ptr<const HeadState> state_;
  BranchReader reader_{store_->engine()};
  Status woken_;
  int missed_ = 0;
  Pages preloaded_;
};

class HintsTest : public testing::Test {
 protected:
  HintsTest() = default;
  explicit HintsTest(EngineSource source) : store_(std::move(source)) {}

  static void Commit(const TestStore& store, PageNo page_count,
                     uint32_t version) {
    Transaction transaction(store, "a");
    for (PageNo pgno = 1; pgno <= page_count; ++pgno) {
      transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
    }
    if (transaction->page_count() > page_count) {
      ASSERT_OK(transaction->Truncate(page_count));
    }
    ASSERT_OK(transaction.Commit());
  }

  void SetUp() override { Commit(store_, kPages, 1); }

  // The pages are in no cache after it.
  void Restart() {
    store_.Close();
    store_.Reopen();
  }

  void Learn() {
    for (int i = 0; i < 2; ++i) {
      Restart();
      ASSERT_OK(Visit(store_, "a").Read(kUsed).Close());
    }
    Restart();
  }

  static HintsOwner Owner(const TestStore& store) {
    const auto state = store.State("a");
    return {state->entry.actor, state->head.generation};
  }
  HintsOwner Owner() const { return Owner(store_); }

  static HintsRecord Stored(const TestStore& store) {
    HintsRecord record;
    EXPECT_OK(
        ReadHints(store->engine()->NewReader().get(), Owner(store), &record));
    return record;
  }
  HintsRecord Stored() const { return Stored(store_); }

  void Put(const std::string& bytes) {
    Batch batch;
    batch.Put(ActorPartition(Owner().actor), HintsKey(), bytes);
    ASSERT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
  }

  TestStore store_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_HINTS_HARNESS_H_
