// Actor::version(): whoever published a head knows under which one, and so
// whether it is still the newest.

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "kv/pages/commit.h"
#include "kv/store/actor.h"
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

}  // namespace
}  // namespace actorkv
