// Actor::version(): whoever published a head knows under which one, and so
// whether it is still the newest.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "kv/pages/commit.h"
#include "kv/store/actor.h"
#include "kv/store/writer_queue.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class ActorVersionTest : public testing::Test {
 protected:
  PendingCommit Commit() {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, ++page_version_));
    std::vector<PendingCommit> commits = {transaction.Pending()};
    EXPECT_OK(CommitAll(store_.get(), Durability::kBuffered, &commits));
    return commits[0];
  }

  TestStore store_;
  const std::shared_ptr<Actor> actor_ = store_.Open("a");

 private:
  uint32_t page_version_ = 0;
};

TEST_F(ActorVersionTest, ACommitKnowsTheVersionThatItMade) {
  for (int i = 0; i < 3; ++i) {
    const PendingCommit made = Commit();
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(actor_->Current(&state));
    EXPECT_EQ(state, made.state);
    EXPECT_EQ(actor_->version(), made.version) << "a look is no change";
  }
}

TEST_F(ActorVersionTest, TheVersionOfACommitEndsWithTheNextChange) {
  PendingCommit made;
  const std::vector<std::function<void()>> changes = {
      [&] { Commit(); }, [&] { actor_->Publish(made.state, {}); },
      [&] { actor_->Forget(); },
      [&] {
        actor_->ReplaceLineage(made.state->head.snapshot.branch,
                               made.state->lineage);
      },
      [&] {
        Generation generation;
        EXPECT_OK(TakeOver(store_.get(), actor_.get(), &generation));
      }};
  for (size_t i = 0; i < changes.size(); ++i) {
    made = Commit();
    changes[i]();
    EXPECT_NE(actor_->version(), made.version) << "change " << i;
  }
}

// Other processes see by their word what this one sees by the version.
TEST_F(ActorVersionTest, TheWordOfOthersRisesWithEachHead) {
  Commit();
  std::atomic<uint64_t> word{7};
  actor_->Share(&word, nullptr);
  Commit();
  EXPECT_EQ(word, 8u);
  actor_->Forget();
  EXPECT_EQ(word, 9u);
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(actor_->Current(&state));
  EXPECT_EQ(word, 10u) << "it may be another one than was given out";
  ASSERT_OK(actor_->Current(&state));
  EXPECT_EQ(word, 10u) << "a look is no change";
  actor_->Unshare();
  Commit();
  EXPECT_EQ(word, 10u);
}

// A commit of another process: whoever has the old head does not write on it,
// and a page that it changed is not taken for the same.
TEST_F(ActorVersionTest, ACommitOfAnotherProcessIsTheHead) {
  const PendingCommit made = Commit();
  const uint64_t version = actor_->version();
  auto foreign = std::make_shared<HeadState>(*made.state);
  Snapshot& snapshot = foreign->head.snapshot;
  const TxId before = snapshot.txid;
  snapshot.txid.value += 5;
  const std::vector<PageNo> pages = {1, 3};
  actor_->PublishShared(made.state, {foreign, &pages});
  EXPECT_NE(actor_->version(), version);
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(actor_->Current(&state));
  EXPECT_EQ(state, foreign);
  const ChangeLog& changes = *actor_->changes();
  EXPECT_TRUE(changes.Unchanged(snapshot.branch, 2, before, snapshot.txid));
  EXPECT_FALSE(changes.Unchanged(snapshot.branch, 3, before, snapshot.txid));
  EXPECT_GT(actor_->TakeTxId().value, snapshot.txid.value);
  // Where nobody says what it changed, nothing is known.
  auto next = std::make_shared<HeadState>(*foreign);
  next->head.snapshot.txid.value += 1;
  actor_->PublishShared(foreign, {next});
  EXPECT_FALSE(changes.Unchanged(snapshot.branch, 2, before, snapshot.txid));
}

// Its publication may come late: after that of the commit on top of it.
TEST_F(ActorVersionTest, AHeadDoesNotGoBack) {
  const PendingCommit first = Commit();
  const PendingCommit second = Commit();
  auto late = std::make_shared<HeadState>(*first.state);
  actor_->PublishShared(first.state, {late});
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(actor_->Current(&state));
  EXPECT_EQ(state->head_bytes, second.state->head_bytes);
}

TEST_F(ActorVersionTest, AWriterBeforeACommitOfAnotherProcessIsLate) {
  const PendingCommit made = Commit();
  Writer writer(actor_->writers());
  auto foreign = std::make_shared<HeadState>(*made.state);
  foreign->head.snapshot.txid.value += 1;
  actor_->PublishShared(made.state, {foreign});
  EXPECT_TRUE(IsError(actor_->Reserve(&writer, made.state->head.snapshot,
                                      made.state->head.generation),
                      Code::kConflict, "has changed since"));
}

}  // namespace
}  // namespace actorkv
