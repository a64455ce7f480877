// What is read, or open, keeps the pages that it finds and no others, however
// many branches lie below it; and it finds them while flattening and reclaim
// move them about.

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/reclaim/flatten.h"
#include "kv/reclaim/reclaim.h"
#include "tests/support/forget_history.h"
#include "tests/support/read_hook.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr PageNo kPages = 8;
constexpr PageNo kLowPages = 6;  // that each transaction writes

// A transaction too large for memory: it makes a branch.
void CommitStaged(const TestStore& store, uint32_t version, PageNo pages) {
  TestTransaction transaction(store, "a");
  for (PageNo pgno = 1; pgno <= pages; ++pgno) {
    transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
  }
  ASSERT_OK(transaction->Stage());
  ASSERT_OK(transaction.Commit(version));
}

void Reclaim(const TestStore& store) {
  uint64_t bytes = 0;
  ASSERT_OK(ForgetHistory(store.get(), &bytes));
}

// In all branches of the actor.
size_t ChunkCount(const TestStore& store) {
  size_t count = 0;
  const std::string prefix = BranchRecordPrefix();
  for (const KeyValue& pair :
       store.Scan(ActorPartition(store.State("a")->entry.actor))) {
    if (pair.key.substr(0, prefix.size()) != prefix) continue;
    BranchId branch;
    EXPECT_OK(ParseBranchRecordKey(pair.key, &branch));
    count += store.Scan(BranchPartition(branch)).size();
  }
  return count;
}

TEST(ReclaimReaderTest, AnOpenActorKeepsNoBranchWhole) {
  const TestStore store;
  const auto open = store.Open("a");
  CommitStaged(store, 1, kPages);
  for (uint32_t version = 2; version <= 5; ++version) {
    CommitStaged(store, version, kLowPages);
  }
  const auto pages = ReadAll(store, "a");
  ASSERT_EQ(store.State("a")->lineage->size(), 5u);
  Reclaim(store);
  EXPECT_EQ(ChunkCount(store), kPages);
  ExpectPages(store, "a", pages);
}

TEST(ReclaimReaderTest, AReaderKeepsWhatItReads) {
  const TestStore store;
  const auto open = store.Open("a");
  CommitStaged(store, 1, kPages);
  CommitStaged(store, 2, kLowPages);
  CommitStaged(store, 3, kLowPages - 2);
  Pin pin;
  std::shared_ptr<const HeadState> read;
  ASSERT_OK(open->CurrentPinned(store->pins(), &pin, &read));
  const auto before =
      ReadAll(store->engine(), read->head.snapshot, read->lineage);
  for (uint32_t version = 4; version <= 6; ++version) {
    CommitStaged(store, version, kLowPages);
  }
  const auto pages = ReadAll(store, "a");
  Reclaim(store);
  EXPECT_EQ(ChunkCount(store), kPages + kLowPages);
  ExpectPages(store, "a", pages);
  EXPECT_EQ(ReadAll(store->engine(), read->head.snapshot, read->lineage),
            before);
  pin.Release();
  Reclaim(store);
  EXPECT_EQ(ChunkCount(store), kPages);
  ExpectPages(store, "a", pages);
}

// A reader comes to the branch that has its page just as that goes, because
// flattening put a copy into one that it looked into already.
TEST(ReclaimReaderTest, AReaderFindsWhatMovesMeanwhile) {
  bool ran = true;
  for (uint64_t n = 1; ran; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    const auto hook = std::make_shared<ReadHook>();
    const std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
    const TestStore store(
        [&] { return std::make_unique<ReadHookEngine>(kept, hook); });
    const auto open = store.Open("a");
    CommitStaged(store, 1, kPages + kMaxLineageDepth);
    for (uint32_t i = 1; i <= kMaxLineageDepth; ++i) {
      CommitStaged(store, 1 + i, kPages - 1 + kMaxLineageDepth - i);
    }
    Pin pin;
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(open->CurrentPinned(store->pins(), &pin, &state));
    ASSERT_GT(state->lineage->size(), kMaxLineageDepth);
    const auto pages = ReadAll(store, "a");
    ASSERT_OK(KeepNoHistory(store.get()));
    // Reclaim has its plan, in which the lineage is a long one.
    const ReclaimTurns::Turn turn = store->reclaim_turns()->Begin();
    Reclaimer reclaimer(store.get(), ReclaimOptions());
    std::optional<SpaceUse> use;
    bool done = false;
    for (int i = 0; i < 3; ++i) ASSERT_OK(reclaimer.Step(&use, &done));
    ASSERT_FALSE(done || use.has_value());
    const auto finish = [&] {
      ASSERT_OK(Flatten(store.get(), open.get()));
      while (!done) ASSERT_OK(reclaimer.Step(&use, &done));
    };
    hook->Set(n, finish);
    EXPECT_EQ(ReadAll(store->engine(), state->head.snapshot, state->lineage),
              pages);
    ran = hook->ran();
    hook->Set(0, nullptr);
    if (!ran) finish();
    EXPECT_EQ(store.State("a")->lineage->size(), 2u);
    ExpectPages(store, "a", pages);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace actorkv
