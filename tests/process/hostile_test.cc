// A process that has a session with the owner works wrongly while the bank is
// open: it writes to the memory that all share, and says what is no request.
// That may cost others an error, and never what they were told is done; the
// owner goes on.

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kv/files/store_marker.h"
#include "kv/share/board.h"
#include "kv/share/channel.h"
#include "kv/share/session_messages.h"
#include "kv/share/slate.h"
#include "kv/share/wire_status.h"
#include "tests/process/bank_fixture.h"
#include "tests/support/share_frames.h"

namespace actorkv {
namespace {

constexpr std::chrono::milliseconds kPatience{20000};
// Where the slots begin on a board, and how far apart they are (board.h).
constexpr size_t kFirstSlot = 128;
constexpr size_t kSlotBytes = 64;
constexpr size_t kWordInSlot = 8;
// The bank's actors have the first ones.
constexpr size_t kSlots = 8;

// A session that does as it likes.
class Stranger {
 public:
  explicit Stranger(const std::string& store) {
    EXPECT_OK(OpenedDirectory::Open(store, &directory_));
    EXPECT_OK(ReadMarker(store, &marker_));
    struct stat file = {};
    EXPECT_EQ(stat((store + "/actorkv.format").c_str(), &file), 0);
    inode_ = file.st_ino;
    EXPECT_OK(Hello());
  }

  // A new session, in the place of the one before.
  Status Hello() {
    HelloRequest hello;
    hello.version.module = "test";
    hello.store_format = kStoreFormat;
    hello.marker_id = marker_.id;
    hello.marker_inode = inode_;
    hello.program = "stranger";
    std::string frame;
    if (Status s = EncodeFrame(hello, 1, &frame); !s.ok()) return s;
    Connect();
    if (Status s = channel_->Send(frame, {}); !s.ok()) return s;
    ReceivedFrame received;
    Arrival arrival = Arrival::kNothing;
    if (Status s = channel_->Receive(kPatience, 2, &received, &arrival);
        !s.ok()) {
      return s;
    }
    if (arrival != Arrival::kFrame || received.descriptor_count() != 2) {
      return Status::IOError("no welcome");
    }
    HelloAnswer answer;
    if (Status s = DecodeBody(received.header(), received.body(), &answer);
        !s.ok()) {
      return s;
    }
    if (Status s = Board::Adopt(received.TakeDescriptor(0), answer.incarnation,
                                &board_);
        !s.ok()) {
      return s;
    }
    return Slate::Adopt(received.TakeDescriptor(1), &slate_);
  }

  // A channel that says nothing yet.
  void Connect() { EXPECT_OK(ShareChannel::Connect(*directory_, &channel_)); }
  ShareChannel* channel() { return channel_.get(); }

  // The memory of the board, and of the session's slate.
  char* board() const {
    return reinterpret_cast<char*>(board_->slot(0)) - kFirstSlot;
  }
  char* slate() const { return reinterpret_cast<char*>(slate_->word(0)); }
  std::atomic<uint32_t>* word(size_t slot) const {
    return reinterpret_cast<std::atomic<uint32_t>*>(
        board() + kFirstSlot + slot * kSlotBytes + kWordInSlot);
  }

 private:
  std::shared_ptr<OpenedDirectory> directory_;
  Marker marker_;
  uint64_t inode_ = 0;
  std::unique_ptr<ShareChannel> channel_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<Slate> slate_;
};

class HostileTest : public BankTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Open(/*is_files=*/false));
    ASSERT_NO_FATAL_FAILURE(ListenUntilEachDid(1));
    owner_ = OwnerOf(place_.directory);
  }

  size_t Below(size_t count) { return static_cast<size_t>(rng_() % count); }

  // They went on, with the owner that they had, and lost nothing.
  void EndAndCheck() {
    EXPECT_EQ(OwnerOf(place_.directory), owner_);
    EndAll();
    CheckBank(place_, tellers_);
    for (const char* actor : {"a0", "a1", "a2", "a3"}) {
      ExpectSound(place_.directory, actor);
    }
  }

  // Until each of them has done a move, whatever it was told before.
  void ExpectEachGetsOn() {
    std::vector<size_t> heard;
    for (const auto& teller : tellers_) heard.push_back(teller->said().size());
    const auto is_done = [&](size_t i) {
      const std::vector<Saying>& said = tellers_[i]->said();
      return std::any_of(
          said.begin() + static_cast<std::ptrdiff_t>(heard[i]), said.end(),
          [](const Saying& one) { return one.kind == Saying::kDone; });
    };
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kMostMs);
    for (const size_t i : working_) {
      while (!is_done(i)) {
        ASSERT_LT(std::chrono::steady_clock::now(), give_up)
            << "teller " << i << " does not get on";
        ASSERT_NO_FATAL_FAILURE(ListenFor(10));
      }
    }
  }

  pid_t owner_ = 0;
};

// Two write at the same time, and one of them finds that at its commit.
TEST_F(HostileTest, TheWordsOfWritersAreCleared) {
  const Stranger stranger(place_.directory);
  size_t cleared = 0;
  for (uint64_t i = 0; i < TestRounds(2000) && !HasFailure(); ++i) {
    cleared += stranger.word(Below(kSlots))->exchange(0) != 0;
    ASSERT_NO_FATAL_FAILURE(ListenFor(i % 4 == 0 ? 1 : 0));
  }
  EXPECT_GT(cleared, 0u);
  ASSERT_NO_FATAL_FAILURE(ExpectEachGetsOn());
  for (const auto& teller : tellers_) {
    for (const Saying& said : teller->said()) {
      if (said.kind == Saying::kBusy) {
        EXPECT_EQ(said.code, SQLITE_BUSY_SNAPSHOT);
      }
      if (said.kind == Saying::kFailed) {
        // A commit over several actors (BEGIN IMMEDIATE takes all): SQLite
        // heeds nothing else there (vfs/sqlite/sqlite_error.h).
        EXPECT_NE(said.shape, Saying::kStatement);
        EXPECT_EQ(said.code, SQLITE_IOERR_FSYNC);
      }
    }
  }
  EndAndCheck();
}

TEST_F(HostileTest, RandomBytesInSharedMemory) {
  const Stranger stranger(place_.directory);
  const size_t board_bytes = kFirstSlot + kSlots * kSlotBytes;
  for (uint64_t i = 0; i < TestRounds(400) && !HasFailure(); ++i) {
    for (size_t n = 1 + Below(16); n > 0; --n) {
      // Small numbers are times, sessions and heads that may be.
      const auto byte = static_cast<char>(Below(4) == 0 ? rng_() : Below(3));
      *(stranger.board() + Below(board_bytes)) = byte;
      *(stranger.slate() + Below(kSlatePins * 4)) = byte;
    }
    ASSERT_NO_FATAL_FAILURE(ListenFor(static_cast<int>(Below(4))));
  }
  // What it left behind ends with the owner at the latest.
  EXPECT_EQ(OwnerOf(place_.directory), owner_);
  for (const size_t i : working_) {
    if (tellers_[i]->pid() != owner_) continue;
    tellers_[i]->Kill();
    working_.erase(i);
    break;
  }
  Hire();
  ASSERT_NO_FATAL_FAILURE(ExpectEachGetsOn());
  owner_ = OwnerOf(place_.directory);
  EndAndCheck();
}

// Not one of the bank's is told anything.
TEST_F(HostileTest, FramesThatAreNone) {
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (uint64_t i = 0; i < TestRounds(200) && !HasFailure(); ++i) {
    auto stranger = std::make_unique<Stranger>(place_.directory);
    if (Below(4) == 0) stranger->Connect();
    const FrozenFrame& frozen = kFrozenFrames[Below(std::size(kFrozenFrames))];
    std::string frame = BytesOfHex(frozen.hex);
    const auto op = static_cast<Op>(frame[2]);
    // Who may connect may do these.
    if (op == Op::kCommit || op == Op::kDrop || op == Op::kCall) continue;
    for (size_t n = Below(4); n > 0; --n) {
      frame[Below(frame.size())] = static_cast<char>(rng_());
    }
    if (static_cast<Op>(frame[2]) == Op::kDrop) continue;
    if (Below(3) == 0) frame.resize(1 + Below(frame.size()));
    static_cast<void>(stranger->channel()->Send(frame, {}));
    strangers.push_back(std::move(stranger));
    if (strangers.size() > 16) strangers.erase(strangers.begin());
    ASSERT_NO_FATAL_FAILURE(ListenFor(static_cast<int>(Below(4))));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectEachGetsOn());
  ExpectNoErrors();
  EndAndCheck();
}

}  // namespace
}  // namespace actorkv
