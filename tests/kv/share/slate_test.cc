// Which pins of a session are awake (kv/share/slate.h, invariant 1).

#include "kv/share/slate.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "kv/share/board.h"
#include "tests/support/bytes.h"
#include "tests/support/forked_child.h"
#include "tests/support/share_harness.h"
#include "tests/support/slate_pins.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class SlateTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Slate::Make(*store_.opened(), &slate_));
    ASSERT_OK(Board::Make(*store_.opened(), 1, &board_));
    slot_ = board_->slot(5);
    slot_->Give(ActorId{9}, 1);
  }

  const StoreDirectory store_;
  std::unique_ptr<Slate> slate_;
  std::unique_ptr<Board> board_;
  ActorSlot* slot_ = nullptr;
};

TEST_F(SlateTest, PinsRestUntilTheyAreWoken) {
  std::unique_ptr<Slate> owners;
  ASSERT_OK(Slate::Adopt(dup(slate_->fd()), &owners));
  for (const uint32_t pin : {uint32_t{0}, uint32_t{7}, kSlatePins - 1}) {
    EXPECT_FALSE(owners->IsAwake(pin));
    WakePin(slate_.get(), pin);
    EXPECT_TRUE(owners->IsAwake(pin));
    RestPin(slate_.get(), pin);
    EXPECT_FALSE(owners->IsAwake(pin));
  }
}

TEST_F(SlateTest, APinThatNoWordIsForIsAwake) {
  EXPECT_TRUE(slate_->IsAwake(kSlatePins));
  EXPECT_TRUE(slate_->IsAwake(0xFFFFFFFF));
}

// Processes with other modules use these bytes.
TEST_F(SlateTest, HasItsBytes) {
  WakePin(slate_.get(), 1);
  char bytes[12];
  ASSERT_EQ(pread(slate_->fd(), bytes, sizeof bytes, 0), 12);
  EXPECT_EQ(Hex({bytes, sizeof bytes}),
            "00000000"
            "01000000"
            "00000000");
  struct stat file = {};
  ASSERT_EQ(fstat(slate_->fd(), &file), 0);
  EXPECT_EQ(file.st_size, 65600);
}

TEST_F(SlateTest, AnythingButZeroIsAwake) {
  ASSERT_EQ(pwrite(slate_->fd(), "\0\0\0\x80", 4, 8), 4);
  EXPECT_TRUE(slate_->IsAwake(2));
}

TEST_F(SlateTest, APinResumesOnTheHeadThatItKnowsOnly) {
  const uint64_t known = slot_->head_seq();
  EXPECT_TRUE(ResumePin(slate_.get(), 3, *slot_, known));
  EXPECT_TRUE(slate_->IsAwake(3));
  RestPin(slate_.get(), 3);
  slot_->RaiseHead();
  EXPECT_FALSE(ResumePin(slate_.get(), 3, *slot_, known));
  EXPECT_FALSE(slate_->IsAwake(3)) << "it rests again";
}

TEST_F(SlateTest, OneOfAnotherSizeIsRefused) {
  std::unique_ptr<Slate> slate;
  EXPECT_TRUE(IsError(Slate::Adopt(dup(board_->fd()), &slate),
                      Code::kCorruption,
                      "actorkv.slate came from the owner of the store, and is "
                      "not used: it has 4194432 bytes, not 65600"));
}

// Races of one round, each with a pin and a slot of its own. The reader goes
// through them upwards and the owner downwards: so they meet at one of them at
// the same moment, however fast each of them is.
constexpr uint32_t kRaces = 64;

// What the two sides of the races saw, in memory of both.
struct Races {
  std::atomic<uint32_t> reader_is_ready{0};
  std::atomic<uint32_t> owner_is_ready{0};
  std::atomic<uint32_t> reader_is_done{0};
  std::atomic<uint32_t> round_is_over{0};
  std::atomic<bool> resumed[kRaces] = {};
};

// In the place of a round: there is none any more.
constexpr uint32_t kEnd = 0xFFFFFFFF;

// Waits until the other side comes to the round. It spins for as long as both
// have a processor, so that they begin close together.
uint32_t Await(const std::atomic<uint32_t>& other, uint32_t round) {
  for (int i = 0;; ++i) {
    const uint32_t found = other.load();
    if (found >= round) return found;
    if (i > 1'000'000) std::this_thread::yield();
  }
}

void RunReader(Races* races, Slate* slate, Board* board) {
  for (uint32_t round = 1;; ++round) {
    uint64_t known[kRaces];
    for (uint32_t i = 0; i < kRaces; ++i) known[i] = board->slot(i)->head_seq();
    races->reader_is_ready = round;
    if (Await(races->owner_is_ready, round) == kEnd) return;
    for (uint32_t i = 0; i < kRaces; ++i) {
      races->resumed[i].store(ResumePin(slate, i, *board->slot(i), known[i]),
                              std::memory_order_relaxed);
    }
    races->reader_is_done = round;
    Await(races->round_is_over, round);
  }
}

// Returns how often the reader went on with a snapshot that the owner, which
// had moved the head, saw no pin of.
uint32_t RunOwner(Races* races, Slate* slate, Board* board) {
  constexpr std::chrono::seconds kTime(1);
  constexpr uint32_t kLeast = 100;
  const auto end = std::chrono::steady_clock::now() + kTime;
  uint32_t lost = 0;
  for (uint32_t round = 1;; ++round) {
    if (round > kLeast && std::chrono::steady_clock::now() > end) break;
    Await(races->reader_is_ready, round);
    races->owner_is_ready = round;
    bool is_pinned[kRaces];
    for (uint32_t i = kRaces; i-- > 0;) {
      board->slot(i)->RaiseHead();
      is_pinned[i] = slate->IsAwake(i);
    }
    Await(races->reader_is_done, round);
    for (uint32_t i = 0; i < kRaces; ++i) {
      if (races->resumed[i] && !is_pinned[i]) ++lost;
      RestPin(slate, i);
    }
    races->round_is_over = round;
  }
  races->owner_is_ready = kEnd;
  return lost;
}

TEST_F(SlateTest, APinIsTakenAwayThatIsAwake) {
  EXPECT_FALSE(slate_->TakeAway(3)) << "it rests";
  *slate_->word(3) = kPinIsAwake;
  EXPECT_TRUE(slate_->TakeAway(3));
  EXPECT_FALSE(slate_->TakeAway(3));
  EXPECT_FALSE(slate_->IsAwake(3));
  EXPECT_EQ(*slate_->word(3), kPinWasTaken);
  EXPECT_EQ(slate_->taken_count(), 1U);
  *slate_->word(kSlatePins - 1) = kPinIsAwake;
  EXPECT_TRUE(slate_->TakeAway(kSlatePins - 1));
  EXPECT_EQ(slate_->taken_count(), 2U);
}

TEST_F(SlateTest, NoThreadLosesAPageThatItReads) {
  Races races;
  std::thread reader([&] { RunReader(&races, slate_.get(), board_.get()); });
  EXPECT_EQ(RunOwner(&races, slate_.get(), board_.get()), 0U);
  reader.join();
}

TEST_F(SlateTest, NoProcessLosesAPageThatItReads) {
  void* const shared = mmap(nullptr, sizeof(Races), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* const races = new (shared) Races;
  const int passed[] = {dup(slate_->fd()), dup(board_->fd())};
  ForkedChild child([&] {
    return Within(300, [&] {
      std::unique_ptr<Slate> slate;
      std::unique_ptr<Board> board;
      if (!Slate::Adopt(passed[0], &slate).ok()) return 1;
      if (!Board::Adopt(passed[1], 1, &board).ok()) return 2;
      RunReader(races, slate.get(), board.get());
      return 0;
    });
  });
  EXPECT_EQ(RunOwner(races, slate_.get(), board_.get()), 0U);
  EXPECT_EQ(child.Wait(), 0);
  for (const int fd : passed) close(fd);
  munmap(shared, sizeof(Races));
}

}  // namespace
}  // namespace actorkv
