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
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class SlateTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Slate::Make(*store_.opened(), &slate_));
    ASSERT_OK(Board::Make(*store_.opened(), 1, &board_));
    slot_ = board_->slot(5);
    slot_->Give(ActorId{9});
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
    slate_->Wake(pin);
    EXPECT_TRUE(owners->IsAwake(pin));
    slate_->Rest(pin);
    EXPECT_FALSE(owners->IsAwake(pin));
  }
}

TEST_F(SlateTest, APinThatNoWordIsForIsAwake) {
  EXPECT_TRUE(slate_->IsAwake(kSlatePins));
  EXPECT_TRUE(slate_->IsAwake(0xFFFFFFFF));
}

// Processes with other modules use these bytes.
TEST_F(SlateTest, HasItsBytes) {
  slate_->Wake(1);
  char bytes[12];
  ASSERT_EQ(pread(slate_->fd(), bytes, sizeof bytes, 0), 12);
  EXPECT_EQ(Hex({bytes, sizeof bytes}),
            "00000000"
            "01000000"
            "00000000");
  struct stat file = {};
  ASSERT_EQ(fstat(slate_->fd(), &file), 0);
  EXPECT_EQ(file.st_size, 65536);
}

TEST_F(SlateTest, AnythingButZeroIsAwake) {
  ASSERT_EQ(pwrite(slate_->fd(), "\0\0\0\x80", 4, 8), 4);
  EXPECT_TRUE(slate_->IsAwake(2));
}

TEST_F(SlateTest, APinResumesOnTheHeadThatItKnowsOnly) {
  const uint64_t known = slot_->head_seq();
  EXPECT_TRUE(slate_->Resume(3, *slot_, known));
  EXPECT_TRUE(slate_->IsAwake(3));
  slate_->Rest(3);
  slot_->RaiseHead();
  EXPECT_FALSE(slate_->Resume(3, *slot_, known));
  EXPECT_FALSE(slate_->IsAwake(3)) << "it rests again";
}

TEST_F(SlateTest, OneOfAnotherSizeIsRefused) {
  std::unique_ptr<Slate> slate;
  EXPECT_TRUE(IsError(Slate::Adopt(dup(board_->fd()), &slate),
                      Code::kCorruption,
                      "actorkv.slate came from the owner of the store, and is "
                      "not used: it has 4194432 bytes, not 65536"));
}

// What the two sides of a race saw, in memory of both.
struct Race {
  std::atomic<uint32_t> reader_is_ready{0};
  std::atomic<uint32_t> owner_is_ready{0};
  std::atomic<uint32_t> reader_is_done{0};
  std::atomic<uint32_t> round_is_over{0};
  std::atomic<bool> reader_resumed{false};
};

// In the place of a round: there is none any more.
constexpr uint32_t kEnd = 0xFFFFFFFF;

// Waits until the other side comes to the round. It spins for as long as both
// have a processor, so that they begin close together.
uint32_t Await(const std::atomic<uint32_t>& other, uint32_t round) {
  for (int i = 0;; ++i) {
    const uint32_t found = other.load();
    if (found >= round) return found;
    if (i > 2000) std::this_thread::yield();
  }
}

void RunReader(Race* race, Slate* slate, const ActorSlot& slot) {
  for (uint32_t round = 1;; ++round) {
    const uint64_t known = slot.head_seq();
    race->reader_is_ready = round;
    if (Await(race->owner_is_ready, round) == kEnd) return;
    race->reader_resumed = slate->Resume(0, slot, known);
    race->reader_is_done = round;
    Await(race->round_is_over, round);
  }
}

// Returns how often the reader went on with a snapshot that the owner, which
// had moved the head, saw no pin of.
uint32_t RunOwner(Race* race, Slate* slate, ActorSlot* slot) {
  constexpr std::chrono::seconds kTime(1);
  constexpr uint32_t kLeast = 100;
  const auto end = std::chrono::steady_clock::now() + kTime;
  uint32_t lost = 0;
  for (uint32_t round = 1;; ++round) {
    if (round > kLeast && std::chrono::steady_clock::now() > end) break;
    Await(race->reader_is_ready, round);
    race->owner_is_ready = round;
    slot->RaiseHead();
    const bool is_pinned = slate->IsAwake(0);
    Await(race->reader_is_done, round);
    if (race->reader_resumed && !is_pinned) ++lost;
    slate->Rest(0);
    race->round_is_over = round;
  }
  race->owner_is_ready = kEnd;
  return lost;
}

TEST_F(SlateTest, NoThreadLosesAPageThatItReads) {
  Race race;
  std::thread reader([&] { RunReader(&race, slate_.get(), *slot_); });
  EXPECT_EQ(RunOwner(&race, slate_.get(), slot_), 0U);
  reader.join();
}

TEST_F(SlateTest, NoProcessLosesAPageThatItReads) {
  void* const shared = mmap(nullptr, sizeof(Race), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* const race = new (shared) Race;
  const int passed[] = {dup(slate_->fd()), dup(board_->fd())};
  ForkedChild child([&] {
    return Within(300, [&] {
      std::unique_ptr<Slate> slate;
      std::unique_ptr<Board> board;
      if (!Slate::Adopt(passed[0], &slate).ok()) return 1;
      if (!Board::Adopt(passed[1], 1, &board).ok()) return 2;
      RunReader(race, slate.get(), *board->slot(5));
      return 0;
    });
  });
  EXPECT_EQ(RunOwner(race, slate_.get(), slot_), 0U);
  EXPECT_EQ(child.Wait(), 0);
  for (const int fd : passed) close(fd);
  munmap(shared, sizeof(Race));
}

}  // namespace
}  // namespace actorkv
