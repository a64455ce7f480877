// RocksDB in a child of fork(): threads of its own, and what is found out about
// its static objects.

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/rocksdb_sorted_pairs.h"
#include "kv/rocksdb/rocksdb_threads.h"
#include "kv/rocksdb/rocksdb_trial.h"
#include "kv/rocksdb/rocksdb_use.h"
#include "kv/rocksdb/rocksdb_work_env.h"
#include "tests/support/child_process.h"
#include "tests/support/forked_child.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What a trial may take that is to hang.
constexpr milliseconds kShort{1500};
constexpr int kMostTries = 1000;

// --- Threads ----------------------------------------------------------------

class Door {
 public:
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  bool WaitFor(milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    return opened_.wait_for(lock, time, [this] { return is_open_; });
  }
  void Wait() { static_cast<void>(WaitFor(seconds(60))); }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

struct Piece {
  Door begun;
  Door may_end;
  Door ended;
  std::atomic<int> runs{0};
  std::atomic<int> forgotten{0};
};

void RunPiece(void* given) {
  auto* const piece = static_cast<Piece*>(given);
  ++piece->runs;
  piece->begun.Open();
  piece->may_end.Wait();
  piece->ended.Open();
}

void ForgetPiece(void* given) { ++static_cast<Piece*>(given)->forgotten; }

RocksDbQueue::Work WorkOf(Piece* piece, const void* tag) {
  return {RunPiece, piece, tag, ForgetPiece};
}

// Never destroyed: its threads do not end.
RocksDbQueue* NewQueue() { return new RocksDbQueue("test"); }

TEST(RocksDbQueueTest, TakesBackWhatHasNotBegun) {
  RocksDbQueue* const queue = NewQueue();
  ASSERT_TRUE(queue->Raise(1));
  EXPECT_EQ(queue->thread_count(), 1);
  Piece first;
  Piece mine;
  Piece others;
  const int tag = 0;
  const int other_tag = 0;
  queue->Add(WorkOf(&first, &tag));
  ASSERT_TRUE(first.begun.WaitFor(seconds(60)));
  queue->Add(WorkOf(&mine, &tag));
  queue->Add(WorkOf(&others, &other_tag));
  EXPECT_EQ(queue->waiting_count(), 2U);
  EXPECT_EQ(queue->TakeBack(&tag), 1) << "the first has begun";
  EXPECT_EQ(mine.forgotten, 1);
  others.may_end.Open();
  first.may_end.Open();
  ASSERT_TRUE(others.ended.WaitFor(seconds(60)));
  EXPECT_EQ(mine.runs, 0);
  EXPECT_EQ(first.runs, 1);
  EXPECT_EQ(others.runs, 1);
  EXPECT_EQ(others.forgotten, 0);
}

TEST(RocksDbQueueTest, MoreThreadsDoMoreAtATime) {
  RocksDbQueue* const queue = NewQueue();
  ASSERT_TRUE(queue->Raise(2));
  ASSERT_TRUE(queue->Raise(1)) << "there are more";
  EXPECT_EQ(queue->thread_count(), 2);
  Piece pieces[2];
  for (Piece& piece : pieces) queue->Add(WorkOf(&piece, nullptr));
  for (Piece& piece : pieces) EXPECT_TRUE(piece.begun.WaitFor(seconds(60)));
  for (Piece& piece : pieces) piece.may_end.Open();
  for (Piece& piece : pieces) EXPECT_TRUE(piece.ended.WaitFor(seconds(60)));
}

// --- The trial --------------------------------------------------------------

// A log that keeps RocksDB in its static timer, which flushes logs every few
// seconds. Who closes the database then waits for the timer, and holds a lock
// that every open takes.
class StuckLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {
    if (is_armed) closes.Open();
  }
  void Flush() override {
    if (!is_armed) return;
    entered.Open();
    may_leave.Wait();
  }

  std::atomic<bool> is_armed{false};
  Door entered;
  Door closes;
  Door may_leave;
};

// What came of a trial in a child: 0 it ended, 1 it did not.
int TryInChild(milliseconds time) {
  ForkedChild child([time] {
    return Within(60, [time] {
      if (!RocksDbThreads::Instance()->compactions.Raise(1) ||
          !RocksDbThreads::Instance()->flushes.Raise(1)) {
        return 2;
      }
      const auto trial = RocksDbTrial::Begin(UseRocksDbOnce);
      if (trial == nullptr) return 3;
      return trial->EndsWithin(time) ? 0 : 1;
    });
  });
  return child.Wait();
}

TEST(RocksDbForkChild, DISABLED_Trial) {
  const std::unique_ptr<rocksdb::Env> env = NewWorkEnv(rocksdb::Env::Default());
  const auto logger = std::make_shared<StuckLogger>();
  rocksdb::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  options.info_log = logger;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(
      rocksdb::DB::Open(options, ChildArgument() + "/db", &opened).ok());
  std::unique_ptr<rocksdb::DB> db(opened);
  EXPECT_EQ(TryInChild(seconds(50)), 0);
  logger->is_armed = true;
  ASSERT_TRUE(logger->entered.WaitFor(seconds(60))) << "the timer is at work";
  EXPECT_EQ(TryInChild(seconds(50)), 0) << "it holds nothing meanwhile";
  std::thread closer([&] { db.reset(); });
  ASSERT_TRUE(logger->closes.WaitFor(seconds(60)));
  // It is about to take the lock.
  int result = 0;
  for (int i = 0; i < kMostTries && result == 0; ++i) {
    result = TryInChild(kShort);
  }
  EXPECT_EQ(result, 1);
  logger->is_armed = false;
  logger->may_leave.Open();
  closer.join();
  EXPECT_EQ(TryInChild(seconds(50)), 0);
}

TEST(RocksDbForkTest, TheTrialSeesWhatForkBroke) {
  if (!kChildrenAreWhole) GTEST_SKIP() << "not under a sanitizer";
  const TempDir temp;
  ChildProcess child("RocksDbForkChild.DISABLED_Trial", temp.path());
  EXPECT_TRUE(child.WaitForSuccess());
}

// --- Engines ----------------------------------------------------------------

constexpr char kText[] = "RocksDB does not work in this process";

int OpenInChild(const std::string& directory, Code expected) {
  return Within(60, [&] {
    std::unique_ptr<Engine> engine;
    const Status s = OpenRocksDbEngine(directory, OpenMode::kCreate, &engine);
    if (s.code() != expected) return 1;
    if (expected == Code::kNotSupported) {
      return s.message().find(kText) != std::string_view::npos &&
                     s.message().find(directory) != std::string_view::npos
                 ? 0
                 : 2;
    }
    return RocksDbMayNotEnd() ? 0 : 3;
  });
}

// The second attempt waits for nothing.
int FailInChild(const std::string& directory) {
  const int first = OpenInChild(directory, Code::kNotSupported);
  if (first != 0) return first;
  const auto begin = std::chrono::steady_clock::now();
  const int second = OpenInChild(directory, Code::kNotSupported);
  if (second != 0) return second;
  return std::chrono::steady_clock::now() - begin < seconds(4) ? 0 : 4;
}

void Hang() {
  for (;;) pause();
}

// A store that others have open is theirs, whatever became of RocksDB here.
TEST(RocksDbForkChild, DISABLED_Engines) {
  const std::string directory = ChildArgument();
  const std::string mine = directory + "/mine";
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(mine, OpenMode::kCreate, &engine));
  EXPECT_FALSE(RocksDbMayNotEnd());
  ForkedChild works([&] { return OpenInChild(directory + "/a", Code::kOk); });
  EXPECT_EQ(works.Wait(), 0);
  ForkedChild waits([&] { return OpenInChild(mine, Code::kBusy); });
  EXPECT_EQ(waits.Wait(), 0);
  SetRocksDbTrialForTesting(Hang);
  ForkedChild hangs([&] { return FailInChild(directory + "/b"); });
  EXPECT_EQ(hangs.Wait(), 0);
  ForkedChild shares([&] { return OpenInChild(mine, Code::kBusy); });
  EXPECT_EQ(shares.Wait(), 0);
  SetRocksDbTrialForTesting(nullptr);
}

TEST(RocksDbForkTest, AChildOpensEnginesOfItsOwn) {
  if (!kChildrenAreWhole) GTEST_SKIP() << "not under a sanitizer";
  const TempDir temp;
  ChildProcess child("RocksDbForkChild.DISABLED_Engines", temp.path());
  EXPECT_TRUE(child.WaitForSuccess());
}

int LeavePairsInChild(std::unique_ptr<SortedPairSpace>* space,
                      std::unique_ptr<SortedPairs>* pairs) {
  return Within(60, [&] {
    bool valid = false;
    const Status s = (*pairs)->Next(&valid);
    if (s.code() != Code::kNotSupported) return 1;
    pairs->reset();
    space->reset();
    return 0;
  });
}

TEST(RocksDbForkTest, PairsOfTheParentAreLeftAsTheyAre) {
  const TempDir temp;
  {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, temp.path() + "/db", &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "a", "1").ok());
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "b", "2").ok());
  }
  std::unique_ptr<SortedPairSpace> space;
  ASSERT_OK(OpenRocksDbPairs(temp.path() + "/db", &space));
  std::unique_ptr<SortedPairs> pairs = space->NewPosition();
  bool valid = false;
  ASSERT_OK(pairs->Seek("", &valid));
  ASSERT_TRUE(valid);
  ForkedChild child([&] { return LeavePairsInChild(&space, &pairs); });
  EXPECT_EQ(child.Wait(), 0);
  ASSERT_OK(pairs->Next(&valid));
  EXPECT_TRUE(valid);
  EXPECT_EQ(pairs->key(), "b");
}

}  // namespace
}  // namespace actorkv
