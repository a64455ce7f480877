// The writer's word of an actor: who has it, who waits, who takes it away.

#include "kv/share/actor_slot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kv/share/board.h"
#include "tests/support/bytes.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr WriterToken kNobody = {};
constexpr WriterToken kAlice = {5, 3};
constexpr WriterToken kBob = {6, 3};

class ActorSlotTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Board::Make(*store_.opened(), 1, &board_));
    slot_ = board_->slot(0);
  }

  // Releases, and says whether somebody waited; "lost" where it was not its.
  std::string Release(WriterToken token) {
    bool waits = false;
    if (!slot_->Release(token, &waits)) return "lost";
    return waits ? "somebody waits" : "nobody waits";
  }

  const StoreDirectory store_;
  std::unique_ptr<Board> board_;
  ActorSlot* slot_ = nullptr;
};

TEST_F(ActorSlotTest, OneWritesAtATime) {
  EXPECT_EQ(slot_->writer(), kNobody);
  EXPECT_TRUE(slot_->TryTake(kAlice));
  EXPECT_EQ(slot_->writer(), kAlice);
  EXPECT_FALSE(slot_->TryTake(kBob));
  EXPECT_FALSE(slot_->TryTake({5, 4})) << "another file of the same session";
  EXPECT_TRUE(slot_->TryTake(kAlice)) << "it is the writer already";
  EXPECT_EQ(Release(kAlice), "nobody waits");
  EXPECT_EQ(slot_->writer(), kNobody);
  EXPECT_TRUE(slot_->TryTake(kBob));
}

TEST_F(ActorSlotTest, WhoWaitsIsTold) {
  EXPECT_FALSE(slot_->SetWaiting()) << "for nobody";
  ASSERT_TRUE(slot_->TryTake(kAlice));
  EXPECT_TRUE(slot_->SetWaiting());
  EXPECT_TRUE(slot_->SetWaiting()) << "a second one";
  EXPECT_EQ(slot_->writer(), kAlice);
  EXPECT_TRUE(slot_->TryTake(kAlice)) << "it writes on";
  EXPECT_FALSE(slot_->TryTake(kBob));
  EXPECT_EQ(Release(kAlice), "somebody waits");
  EXPECT_EQ(slot_->writer(), kNobody);
  EXPECT_TRUE(slot_->somebody_waits()) << "after the release as well";
  EXPECT_FALSE(slot_->TryTake(kBob)) << "it is the first's in line";
  EXPECT_TRUE(slot_->SetWaiting());
}

TEST_F(ActorSlotTest, WhoseTurnItIsTakesItAgain) {
  EXPECT_FALSE(slot_->TryRetake(kAlice)) << "nobody waits";
  ASSERT_TRUE(slot_->TryTake(kAlice));
  ASSERT_TRUE(slot_->SetWaiting());
  ASSERT_EQ(Release(kAlice), "somebody waits");
  EXPECT_TRUE(slot_->TryRetake(kAlice));
  EXPECT_TRUE(slot_->TryRetake(kAlice)) << "it is the writer already";
  EXPECT_FALSE(slot_->TryRetake(kBob));
  EXPECT_EQ(slot_->writer(), kAlice);
  EXPECT_EQ(Release(kAlice), "somebody waits");
}

TEST_F(ActorSlotTest, WhoWasGivenTheWordSaysSo) {
  ASSERT_TRUE(slot_->TryTake(kAlice));
  EXPECT_FALSE(slot_->is_unused()) << "it took it itself";
  EXPECT_FALSE(slot_->GiveTo(kAlice, kBob, false, /*only_unused=*/true));
  ASSERT_TRUE(slot_->GiveTo(kAlice, kBob, /*somebody_waits=*/true));
  EXPECT_EQ(slot_->writer(), kBob);
  EXPECT_TRUE(slot_->is_unused());
  EXPECT_FALSE(slot_->Confirm(kAlice));
  EXPECT_TRUE(slot_->Confirm(kBob));
  EXPECT_TRUE(slot_->Confirm(kBob));
  EXPECT_FALSE(slot_->is_unused());
  EXPECT_TRUE(slot_->somebody_waits());
  EXPECT_FALSE(slot_->GiveTo(kBob, kAlice, false, /*only_unused=*/true))
      << "it writes";
  EXPECT_EQ(Release(kBob), "somebody waits");
  // One that is late is told.
  ASSERT_TRUE(slot_->GiveTo(kNobody, kAlice, false));
  ASSERT_TRUE(slot_->GiveTo(kAlice, kBob, false, /*only_unused=*/true));
  EXPECT_FALSE(slot_->Confirm(kAlice));
  EXPECT_EQ(slot_->writer(), kBob);
  // It may give back what it never used.
  EXPECT_EQ(Release(kBob), "nobody waits");
  EXPECT_FALSE(slot_->is_unused());
}

TEST_F(ActorSlotTest, NobodyFreesWhatIsAnothers) {
  ASSERT_TRUE(slot_->TryTake(kAlice));
  EXPECT_EQ(Release(kBob), "lost");
  EXPECT_EQ(slot_->writer(), kAlice);
  EXPECT_EQ(Release(kAlice), "nobody waits");
  EXPECT_EQ(Release(kAlice), "lost") << "twice";
}

TEST_F(ActorSlotTest, TheOwnerHandsItOn) {
  ASSERT_TRUE(slot_->TryTake(kAlice));
  ASSERT_TRUE(slot_->SetWaiting());
  EXPECT_FALSE(slot_->Replace(kNobody, kBob, false));
  EXPECT_TRUE(slot_->Replace(kAlice, kBob, /*somebody_waits=*/true));
  EXPECT_EQ(slot_->writer(), kBob);
  EXPECT_EQ(Release(kAlice), "lost");
  EXPECT_EQ(Release(kBob), "somebody waits");
  EXPECT_TRUE(slot_->Replace(kNobody, kBob, /*somebody_waits=*/false));
  EXPECT_FALSE(slot_->somebody_waits());
  EXPECT_EQ(Release(kBob), "nobody waits");
  ASSERT_TRUE(slot_->TryTake(kAlice));
  EXPECT_TRUE(slot_->Replace(kAlice, kNobody, /*somebody_waits=*/true));
  EXPECT_EQ(slot_->writer(), kNobody);
  EXPECT_FALSE(slot_->TryTake(kBob)) << "somebody waits";
  EXPECT_TRUE(slot_->Replace(kNobody, kNobody, /*somebody_waits=*/false));
  EXPECT_TRUE(slot_->TryTake(kBob));
}

TEST_F(ActorSlotTest, TokensHaveAllTheirBits) {
  const WriterToken tokens[] = {{0, 1},
                                {0, kMaxWriterNumber},
                                {kMaxSession, 1},
                                {kMaxSession, kMaxWriterNumber}};
  for (const WriterToken& token : tokens) {
    ASSERT_TRUE(slot_->TryTake(token));
    ASSERT_TRUE(slot_->SetWaiting());
    EXPECT_EQ(slot_->writer().session, token.session);
    EXPECT_EQ(slot_->writer().number, token.number);
    EXPECT_EQ(Release(token), "somebody waits");
    ASSERT_TRUE(slot_->Replace(kNobody, kNobody, /*somebody_waits=*/false));
  }
}

// Processes with other modules use these bytes.
TEST_F(ActorSlotTest, HasItsBytes) {
  slot_->Give(ActorId{0x0102030405060708}, 0x1100);
  EXPECT_EQ(slot_->RaiseHead(), 0x1102U);
  ASSERT_TRUE(slot_->TryTake({5, 3}));
  ASSERT_TRUE(slot_->SetWaiting());
  ASSERT_TRUE(slot_->GiveTo({5, 3}, {5, 3}, /*somebody_waits=*/true));
  char bytes[24];
  // What a peer sees of it.
  std::memcpy(bytes, static_cast<const void*>(slot_), sizeof bytes);
  EXPECT_EQ(Hex({bytes, sizeof bytes}),
            "0211000000000000"  // head_seq
            "0b600080"          // 1 | 5 << 1 | 3 << 13 | 1 << 31
            "00000000"          // not used
            "0807060504030201"  // actor
  );
}

TEST_F(ActorSlotTest, ASlotThatIsGivenAgainIsNew) {
  slot_->Give(ActorId{8}, 5);
  const uint64_t known = slot_->RaiseHead();
  ASSERT_TRUE(slot_->TryTake(kAlice));
  slot_->Give(ActorId{9}, 5);
  EXPECT_EQ(slot_->actor(), ActorId{9});
  EXPECT_EQ(slot_->writer(), kNobody);
  EXPECT_GT(slot_->head_seq(), known) << "nobody finds what it remembers";
}

// Who remembers a number of a board that is gone does not find it on the next.
TEST_F(ActorSlotTest, NumbersOfTwoBoardsDiffer) {
  slot_->Give(ActorId{8}, 1'000'000);
  board_->slot(1)->Give(ActorId{8}, 2'000'000);
  EXPECT_EQ(slot_->head_seq(), 1'000'001U);
  EXPECT_EQ(board_->slot(1)->head_seq(), 2'000'001U);
}

// Threads add to a number that only the word protects.
TEST_F(ActorSlotTest, ThreadsExcludeEachOther) {
  constexpr uint32_t kThreads = 4;
  constexpr int kRounds = 2000;
  int count = 0;
  std::vector<std::thread> threads;
  for (uint32_t n = 1; n <= kThreads; ++n) {
    threads.emplace_back([&, n] {
      const WriterToken token = {7, n};
      for (int i = 0; i < kRounds; ++i) {
        while (!slot_->TryTake(token) && !slot_->TryRetake(token)) {
          static_cast<void>(slot_->SetWaiting());
          std::this_thread::yield();
        }
        ++count;
        bool waits = false;
        EXPECT_TRUE(slot_->Release(token, &waits));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, int{kThreads} * kRounds);
}

}  // namespace
}  // namespace actorkv
