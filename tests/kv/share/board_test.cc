// The memory that all processes of a store share.

#include "kv/share/board.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/bytes.h"
#include "tests/support/forked_child.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kIncarnation = 0x0102030405060708;
constexpr size_t kBoardBytes = 128 + 64 * size_t{kBoardSlots};

class BoardTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Board::Make(*store_.opened(), kIncarnation, &board_));
  }

  std::string Bytes(size_t offset, size_t size) const {
    std::string bytes(size, '\0');
    EXPECT_EQ(
        pread(board_->fd(), bytes.data(), size, static_cast<off_t>(offset)),
        static_cast<ssize_t>(size));
    return bytes;
  }
  void Write(size_t offset, const std::string& bytes) const {
    EXPECT_EQ(pwrite(board_->fd(), bytes.data(), bytes.size(),
                     static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  uint64_t Next(uint64_t wall_us) const {
    uint64_t time = 0;
    EXPECT_OK(board_->NextTime(wall_us, &time));
    return time;
  }

  const StoreDirectory store_;
  std::unique_ptr<Board> board_;
};

// Processes with other modules use these bytes.
TEST_F(BoardTest, HasItsBytes) {
  EXPECT_EQ(Next(0x1112131415161), 0x1112131415161U);
  board_->RaiseSettings();
  board_->RaiseSettings();
  board_->RaiseCatalog();
  board_->SetClockOffset(3);
  board_->slot(0)->Give(ActorId{0xAA}, 1);
  board_->slot(kBoardSlots - 1)->Give(ActorId{0xBB}, 1);
  EXPECT_EQ(Hex(Bytes(0, 64)),
            "6151413121110100" + std::string(size_t{2} * 56, '0'));
  EXPECT_EQ(Hex(Bytes(64, 64)),
            "616b626f61726401"  // "akboard", 1
            "0807060504030201"  // incarnation
            "0200000000000000"  // settings_seq
            "0100000000000000"  // catalog_seq
            "0300000000000000"  // clock_offset_us
                + std::string(size_t{2} * 24, '0'));
  EXPECT_EQ(Hex(Bytes(128 + 16, 8)), "aa00000000000000");
  EXPECT_EQ(Hex(Bytes(kBoardBytes - 64 + 16, 8)), "bb00000000000000");
  struct stat file = {};
  ASSERT_EQ(fstat(board_->fd(), &file), 0);
  EXPECT_EQ(static_cast<size_t>(file.st_size), kBoardBytes);
}

TEST_F(BoardTest, SlotsThatAreNotUsedTakeNoMemory) {
  board_->slot(0)->Give(ActorId{1}, 1);
  struct stat file = {};
  ASSERT_EQ(fstat(board_->fd(), &file), 0);
  EXPECT_LE(file.st_blocks * 512, 64 << 10);
}

TEST_F(BoardTest, AnotherProcessSeesIt) {
  board_->slot(17)->Give(ActorId{5}, 1);
  const int passed = dup(board_->fd());
  ForkedChild child([&] {
    std::unique_ptr<Board> board;
    if (!Board::Adopt(passed, kIncarnation, &board).ok()) return 1;
    ActorSlot* const slot = board->slot(17);
    if (slot->actor() != ActorId{5} || !slot->TryTake({3, 1})) return 2;
    uint64_t time = 0;
    return board->NextTime(1000, &time).ok() && time == 1000 ? 0 : 3;
  });
  close(passed);
  ASSERT_EQ(child.Wait(), 0);
  EXPECT_EQ(board_->slot(17)->writer(), (WriterToken{3, 1}));
  EXPECT_EQ(Next(500), 1001U) << "later than what the other process got";
}

TEST_F(BoardTest, IsRefusedWhereItIsOfAnotherOwnerOrLayout) {
  std::unique_ptr<Board> board;
  EXPECT_TRUE(IsError(Board::Adopt(dup(board_->fd()), 5, &board),
                      Code::kCorruption,
                      "actorkv.board is of the owner 72623859790382856, not "
                      "of 5"));
  Write(71, "\x02");
  EXPECT_TRUE(IsError(Board::Adopt(dup(board_->fd()), kIncarnation, &board),
                      Code::kCorruption, "actorkv.board has layout "));
  const int other = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  EXPECT_TRUE(IsError(Board::Adopt(other, kIncarnation, &board),
                      Code::kCorruption, "it has 0 bytes, not 4194432"));
  EXPECT_EQ(board, nullptr);
}

TEST_F(BoardTest, HasSoManySlotsAndNoMore) {
  EXPECT_NE(board_->slot(0), nullptr);
  EXPECT_NE(board_->slot(kBoardSlots - 1), nullptr);
  EXPECT_EQ(board_->slot(kBoardSlots), nullptr);
  EXPECT_EQ(board_->slot(0xFFFFFFFF), nullptr);
}

TEST_F(BoardTest, TimeGoesUpWithTheWallAndWithoutIt) {
  EXPECT_EQ(Next(1000), 1000U);
  EXPECT_EQ(Next(1000), 1001U);
  EXPECT_EQ(Next(500), 1002U) << "the wall clock was set back";
  EXPECT_EQ(Next(2000), 2000U);
  board_->RaiseTime(5000);
  EXPECT_EQ(Next(2000), 5001U);
  board_->RaiseTime(10);
  EXPECT_EQ(Next(2000), 5002U) << "it is not lowered";
}

// What anybody wrote there must not make a time come twice.
TEST_F(BoardTest, ATimeThatCannotBeIsAnError) {
  uint64_t time = 7;
  for (const uint64_t last : {kLatestTimeUs, ~uint64_t{0}}) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) {
      bytes.push_back(static_cast<char>(last >> (8 * i)));
    }
    Write(0, bytes);
    EXPECT_TRUE(IsError(
        board_->NextTime(1000, &time), Code::kCorruption,
        "cannot be: last=" + std::to_string(last) + " us, wall=1000 us"));
  }
  Write(0, std::string(8, '\0'));
  EXPECT_FALSE(board_->NextTime(kLatestTimeUs + 1, &time).ok());
  EXPECT_EQ(time, 7U) << "unchanged";
  EXPECT_EQ(Next(1), 1U);
}

// Takes times, and says whether they only went up.
std::vector<uint64_t> TakeTimes(Board* board, size_t count) {
  std::vector<uint64_t> times;
  for (size_t i = 0; i < count; ++i) {
    uint64_t time = 0;
    // Most walls are behind: they race for the next one.
    if (!board->NextTime(i * 3, &time).ok()) return {};
    times.push_back(time);
  }
  return times;
}

TEST_F(BoardTest, NoTimeIsGivenTwiceToThreadsOrProcesses) {
  constexpr size_t kTimes = 20'000;
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  const int passed = dup(board_->fd());
  ForkedChild child([&] {
    std::unique_ptr<Board> board;
    if (!Board::Adopt(passed, kIncarnation, &board).ok()) return 1;
    const std::vector<uint64_t> times = TakeTimes(board.get(), kTimes);
    const char* bytes = reinterpret_cast<const char*>(times.data());
    for (size_t done = 0; done < times.size() * 8;) {
      const ssize_t put =
          write(pipe_fds[1], bytes + done, times.size() * 8 - done);
      if (put <= 0) return 2;
      done += static_cast<size_t>(put);
    }
    return times.size() == kTimes ? 0 : 3;
  });
  close(passed);
  close(pipe_fds[1]);
  std::vector<std::vector<uint64_t>> taken(3);
  std::thread one([&] { taken[0] = TakeTimes(board_.get(), kTimes); });
  std::thread other([&] { taken[1] = TakeTimes(board_.get(), kTimes); });
  uint64_t time = 0;
  while (read(pipe_fds[0], &time, sizeof time) == sizeof time) {
    taken[2].push_back(time);
  }
  one.join();
  other.join();
  close(pipe_fds[0]);
  ASSERT_EQ(child.Wait(), 0);
  std::set<uint64_t> all;
  for (const std::vector<uint64_t>& times : taken) {
    ASSERT_EQ(times.size(), kTimes);
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
    all.insert(times.begin(), times.end());
  }
  EXPECT_EQ(all.size(), 3 * kTimes);
}

// Two processes add to a number that only the word protects.
TEST_F(BoardTest, ProcessesExcludeEachOther) {
  constexpr int kRounds = 3000;
  void* const shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* const count = static_cast<volatile int*>(shared);
  const auto add = [count](ActorSlot* slot, WriterToken token) {
    for (int i = 0; i < kRounds; ++i) {
      while (!slot->TryTake(token)) std::this_thread::yield();
      *count = *count + 1;
      bool waits = false;
      if (!slot->Release(token, &waits)) return false;
    }
    return true;
  };
  const int passed = dup(board_->fd());
  ForkedChild child([&] {
    std::unique_ptr<Board> board;
    if (!Board::Adopt(passed, kIncarnation, &board).ok()) return 1;
    return add(board->slot(3), {2, 1}) ? 0 : 2;
  });
  close(passed);
  EXPECT_TRUE(add(board_->slot(3), {1, 1}));
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(*count, 2 * kRounds);
  munmap(shared, 4096);
}

}  // namespace
}  // namespace actorkv
