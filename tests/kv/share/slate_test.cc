// Which pins of a session are awake (kv/share/slate.h, invariant 1).

#include "kv/share/slate.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
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
  std::atomic<uint32_t> round{0};
  std::atomic<uint32_t> reader_is_ready{0};
  std::atomic<uint32_t> owner_is_ready{0};
  std::atomic<uint32_t> reader_is_done{0};
  std::atomic<bool> reader_resumed{false};
};

// Both sides begin as close together as can be.
void Meet(std::atomic<uint32_t>* mine, const std::atomic<uint32_t>& other,
          uint32_t round) {
  mine->store(round);
  for (int i = 0; other.load() < round; ++i) {
    if (i > 1000) std::this_thread::yield();
  }
}

void RunReader(Race* race, Slate* slate, const ActorSlot& slot,
               uint32_t rounds) {
  for (uint32_t round = 1; round <= rounds; ++round) {
    const uint64_t known = slot.head_seq();
    Meet(&race->reader_is_ready, race->owner_is_ready, round);
    race->reader_resumed = slate->Resume(0, slot, known);
    race->reader_is_done = round;
    while (race->round.load() < round) std::this_thread::yield();
  }
}

// Returns how often the reader went on with a snapshot that the owner, which
// had moved the head, saw no pin of.
uint32_t RunOwner(Race* race, Slate* slate, ActorSlot* slot, uint32_t rounds) {
  uint32_t lost = 0;
  for (uint32_t round = 1; round <= rounds; ++round) {
    Meet(&race->owner_is_ready, race->reader_is_ready, round);
    slot->RaiseHead();
    const bool is_pinned = slate->IsAwake(0);
    while (race->reader_is_done.load() < round) std::this_thread::yield();
    if (race->reader_resumed && !is_pinned) ++lost;
    slate->Rest(0);
    race->round = round;
  }
  return lost;
}

constexpr uint32_t kRaces = 20'000;

TEST_F(SlateTest, NoThreadLosesAPageThatItReads) {
  Race race;
  std::thread reader([&] { RunReader(&race, slate_.get(), *slot_, kRaces); });
  EXPECT_EQ(RunOwner(&race, slate_.get(), slot_, kRaces), 0U);
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
      RunReader(race, slate.get(), *board->slot(5), kRaces);
      return 0;
    });
  });
  EXPECT_EQ(RunOwner(race, slate_.get(), slot_, kRaces), 0U);
  EXPECT_EQ(child.Wait(), 0);
  for (const int fd : passed) close(fd);
  munmap(shared, sizeof(Race));
}

}  // namespace
}  // namespace actorkv
