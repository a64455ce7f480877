// WorkQueue: what waits, in which order it is taken, and what it does not take.

#include "kv/store/work_queue.h"

#include <gtest/gtest.h>

#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

bool IsNothing(const WorkQueue::Piece& piece) {
  return piece.stage == BranchId{} && piece.import == LegacyId{} &&
         piece.flattens.expired();
}

TEST(WorkQueueTest, NothingWaitsAtFirst) {
  WorkQueue work(/*is_owner=*/true);
  EXPECT_FALSE(work.is_waiting());
  bool more = true;
  EXPECT_TRUE(IsNothing(work.Take(&more)));
  EXPECT_FALSE(more);
}

TEST(WorkQueueTest, StagesThenImportsThenActors) {
  const TestStore store;
  const std::shared_ptr<Actor> actor = store.Open("a");
  WorkQueue work(/*is_owner=*/true);
  work.SuggestFlatten(actor);
  work.AddDeadImport(LegacyId{7});
  work.AddDeadStage(ActorId{1}, BranchId{2});
  work.AddDeadStage(ActorId{3}, BranchId{4});
  EXPECT_TRUE(work.is_waiting());
  bool more = false;
  WorkQueue::Piece piece = work.Take(&more);
  EXPECT_EQ(piece.actor, ActorId{3});
  EXPECT_EQ(piece.stage, BranchId{4});
  EXPECT_TRUE(more);
  piece = work.Take(&more);
  EXPECT_EQ(piece.actor, ActorId{1});
  EXPECT_EQ(piece.stage, BranchId{2});
  piece = work.Take(&more);
  EXPECT_EQ(piece.stage, BranchId{});
  EXPECT_EQ(piece.import, LegacyId{7});
  EXPECT_TRUE(more);
  EXPECT_TRUE(work.is_waiting());
  piece = work.Take(&more);
  EXPECT_EQ(piece.import, LegacyId{});
  EXPECT_EQ(piece.flattens.lock(), actor);
  EXPECT_FALSE(more);
  EXPECT_FALSE(work.is_waiting());
}

TEST(WorkQueueTest, AnActorIsNotKeptOpen) {
  const TestStore store;
  WorkQueue work(/*is_owner=*/true);
  work.SuggestFlatten(store.Open("a"));
  EXPECT_FALSE(store->actors()->IsOpen("a"));
  bool more = false;
  EXPECT_TRUE(IsNothing(work.Take(&more)));
}

TEST(WorkQueueTest, AFollowerFlattensNothing) {
  const TestStore store;
  const std::shared_ptr<Actor> actor = store.Open("a");
  WorkQueue work(/*is_owner=*/false);
  work.SuggestFlatten(actor);
  EXPECT_FALSE(work.is_waiting());
  bool more = false;
  EXPECT_TRUE(IsNothing(work.Take(&more)));
}

TEST(WorkQueueTest, NoMoreActorsThanTheLimit) {
  const TestStore store;
  const std::shared_ptr<Actor> actor = store.Open("a");
  WorkQueue work(/*is_owner=*/true);
  for (int i = 0; i < 5000; ++i) work.SuggestFlatten(actor);
  int taken = 0;
  for (bool more = true; more; ++taken) static_cast<void>(work.Take(&more));
  EXPECT_EQ(taken, 4096);
}

}  // namespace
}  // namespace actorkv
