// WriterQueues of several processes that have the word in turns
// (kv/store/writer_word.h).

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kv/store/writer_queue.h"
#include "kv/store/writer_word.h"

namespace actorkv {
namespace {

// The word of an actor and those who are in line for it, as an owner has them.
struct Line {
  std::mutex mutex;
  std::condition_variable changed;
  int holder = 0;  // a process; 0: none
  std::deque<int> waiting;
  int yields = 0;
};

class FakeWord : public WriterWord {
 public:
  FakeWord(Line* line, int process) : line_(line), process_(process) {}

  bool MayTake() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    return MayTakeLocked();
  }
  bool TryTake() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    if (!MayTakeLocked()) return false;
    line_->holder = process_;
    return true;
  }
  bool Wait(int64_t limit_us) noexcept override {
    std::unique_lock<std::mutex> lock(line_->mutex);
    line_->waiting.push_back(process_);
    line_->changed.wait_for(lock, std::chrono::microseconds(limit_us), [this] {
      return line_->holder == 0 && line_->waiting.front() == process_;
    });
    const bool taken = line_->holder == 0 && line_->waiting.front() == process_;
    if (taken) line_->holder = process_;
    const auto at =
        std::find(line_->waiting.begin(), line_->waiting.end(), process_);
    line_->waiting.erase(at);
    line_->changed.notify_all();
    return taken;
  }
  bool Confirm() noexcept override {
    ++confirmed;
    std::lock_guard<std::mutex> lock(line_->mutex);
    return line_->holder == process_;
  }
  bool Release() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    EXPECT_EQ(line_->holder, process_);
    line_->holder = 0;
    return !line_->waiting.empty();
  }
  void Yield() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    ++line_->yields;
    line_->changed.notify_all();
  }
  bool IsTurnOver() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    return !line_->waiting.empty();
  }
  bool IsOwn() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    return line_->holder == process_;
  }
  bool TakeAway() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    const bool held = line_->holder != 0;
    line_->holder = 0;
    return held;
  }
  WordHolder Holder() noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    WordHolder holder;
    holder.is_other = line_->holder != 0 && line_->holder != process_;
    return holder;
  }
  bool held() const noexcept override {
    std::lock_guard<std::mutex> lock(line_->mutex);
    return line_->holder != 0;
  }

  std::atomic<int> confirmed{0};

 private:
  bool MayTakeLocked() const {
    return line_->holder == process_ ||
           (line_->holder == 0 && line_->waiting.empty());
  }

  Line* const line_;
  const int process_;
};

constexpr int64_t kLongUs = 60'000'000;  // a wait that something else ends

// Nothing of these ends by itself in a test, however busy the machine is.
constexpr WriterTimes kLongTimes = {kLongUs, kLongUs, kLongUs};

struct Process {
  Process(Line* line, int number, WriterTimes times = kLongTimes)
      : word(std::make_shared<FakeWord>(line, number)),
        queue(std::make_shared<WriterQueue>(times)) {
    queue->Share(word);
  }
  std::shared_ptr<FakeWord> word;
  std::shared_ptr<WriterQueue> queue;
};

TEST(SharedWritersTest, OneProcessAtATime) {
  Line line;
  Process here(&line, 1);
  Process there(&line, 2);
  Writer one(here.queue);
  Writer two(there.queue);
  ASSERT_TRUE(here.queue->Take(&one));
  EXPECT_TRUE(there.queue->held()) << "another process writes";
  EXPECT_FALSE(there.queue->MayTake(&two));
  EXPECT_FALSE(there.queue->Take(&two));
  here.queue->Release(&one);
  EXPECT_EQ(line.holder, 0) << "nobody else of the process wants it";
  EXPECT_FALSE(there.queue->held());
  EXPECT_TRUE(there.queue->Take(&two));
  EXPECT_FALSE(here.queue->Take(&one));
}

TEST(SharedWritersTest, WhoWaitsGetsItWhenTheOtherProcessIsDone) {
  Line line;
  Process here(&line, 1);
  Process there(&line, 2);
  Writer one(here.queue);
  Writer two(there.queue);
  ASSERT_TRUE(here.queue->Take(&one));
  ASSERT_FALSE(there.queue->Take(&two));
  std::atomic<bool> offered{false};
  std::thread waits([&] { offered = two.Wait(kLongUs); });
  while (!here.word->IsTurnOver()) std::this_thread::yield();
  here.queue->Release(&one);
  waits.join();
  EXPECT_TRUE(offered);
  EXPECT_EQ(line.yields, 1);
  EXPECT_FALSE(here.queue->Take(&one));
  EXPECT_EQ(there.word->confirmed, 0);
  EXPECT_TRUE(there.queue->Take(&two));
  EXPECT_EQ(there.word->confirmed, 1);
}

TEST(SharedWritersTest, AWaitEndsAtItsLimit) {
  Line line;
  Process here(&line, 1);
  Process there(&line, 2);
  Writer one(here.queue);
  Writer two(there.queue);
  ASSERT_TRUE(here.queue->Take(&one));
  EXPECT_FALSE(two.Wait(20'000));
  EXPECT_EQ(there.queue->waiting_count(), 0u);
  EXPECT_TRUE(line.waiting.empty());
}

// Whoever was slow to use it has to wait once more, and does not write.
TEST(SharedWritersTest, AWordThatWasTakenAwayIsNone) {
  Line line;
  Process here(&line, 1);
  Writer one(here.queue);
  Writer other(here.queue);
  line.holder = 2;
  ASSERT_FALSE(here.queue->Take(&one));
  line.holder = 0;
  ASSERT_TRUE(one.Wait(kLongUs));
  line.holder = 2;  // the owner gave it to somebody else
  EXPECT_FALSE(here.queue->Take(&one));
  EXPECT_FALSE(here.queue->Take(&other));
  line.holder = 0;
  EXPECT_TRUE(here.queue->Take(&one));
}

// The others of the process have their turn, and then the other process.
TEST(SharedWritersTest, AProcessKeepsItForATurnAtMost) {
  Line line;
  Process here(&line, 1);
  Process there(&line, 2);
  Writer one(here.queue);
  Writer other(here.queue);
  Writer two(there.queue);
  ASSERT_TRUE(here.queue->Take(&one));
  std::vector<int> order;
  std::mutex mutex;
  const auto wait = [&](Process* process, Writer* writer, int number) {
    // Each try is refused, or the word is there.
    while (!process->queue->Take(writer)) {
      static_cast<void>(writer->Wait(kLongUs));
    }
    {
      std::lock_guard<std::mutex> lock(mutex);
      order.push_back(number);
    }
    process->queue->Release(writer);
  };
  std::thread same([&] { wait(&here, &other, 1); });
  while (here.queue->waiting_count() != 1) std::this_thread::yield();
  std::thread foreign([&] { wait(&there, &two, 2); });
  while (!here.word->IsTurnOver()) std::this_thread::yield();
  here.queue->Release(&one);
  same.join();
  foreign.join();
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
  EXPECT_EQ(line.holder, 0);
}

TEST(SharedWritersTest, AWriterThatLeavesLeavesNothing) {
  Line line;
  Process here(&line, 1);
  Process there(&line, 2);
  Writer two(there.queue);
  {
    Writer one(here.queue);
    ASSERT_TRUE(here.queue->Take(&one));
  }
  EXPECT_EQ(line.holder, 0);
  EXPECT_TRUE(there.queue->Take(&two));
  there.queue->Share(nullptr);
  EXPECT_EQ(line.holder, 0) << "no other process writes any more";
  EXPECT_TRUE(there.queue->held());
}

TEST(SharedWritersTest, WhoWritesWhenItIsSharedGoesOn) {
  Line line;
  const auto queue = std::make_shared<WriterQueue>();
  Writer one(queue);
  ASSERT_TRUE(queue->Take(&one));
  queue->Share(std::make_shared<FakeWord>(&line, 1));
  EXPECT_EQ(line.holder, 1);
  queue->Release(&one);
  EXPECT_EQ(line.holder, 0);
}

TEST(SharedWritersTest, AWriterThatIsTakenAwayIsInNobodysWay) {
  Line line;
  Process here(&line, 1);
  Writer one(here.queue);
  Writer other(here.queue);
  EXPECT_FALSE(here.queue->TakeAway()) << "nobody writes";
  ASSERT_TRUE(here.queue->Take(&one));
  EXPECT_TRUE(here.queue->TakeAway());
  EXPECT_EQ(line.holder, 0);
  EXPECT_TRUE(here.queue->Take(&other));
  here.queue->Release(&one);  // has nothing to give back
  EXPECT_EQ(line.holder, 1);
  here.queue->Release(&other);
  EXPECT_EQ(line.holder, 0);
}

TEST(SharedWritersTest, AWriterIsTakenAwayFromAnotherProcess) {
  Line line;
  Process here(&line, 1);
  Process there(&line, 2);
  Writer one(here.queue);
  Writer two(there.queue);
  Writer third(there.queue);
  ASSERT_TRUE(there.queue->Take(&two));
  EXPECT_TRUE(here.queue->OtherHolder().is_other);
  EXPECT_FALSE(there.queue->OtherHolder().is_other);
  EXPECT_TRUE(here.queue->TakeAway());
  EXPECT_TRUE(here.queue->Take(&one));
  // It is not kept waiting for a writer of its own that has nothing.
  EXPECT_FALSE(there.queue->Take(&third)) << "another process writes";
  here.queue->Release(&one);
  EXPECT_TRUE(there.queue->Take(&third));
  there.queue->Release(&two);
  EXPECT_EQ(line.holder, 2);
  there.queue->Release(&third);
  EXPECT_EQ(line.holder, 0);
}

TEST(SharedWritersTest, AWriterIsTakenAwayWhereNobodyShares) {
  const auto queue = std::make_shared<WriterQueue>();
  Writer one(queue);
  Writer other(queue);
  ASSERT_TRUE(queue->Take(&one));
  EXPECT_FALSE(queue->OtherHolder().is_other);
  EXPECT_TRUE(queue->TakeAway());
  EXPECT_FALSE(queue->TakeAway());
  EXPECT_TRUE(queue->Take(&other));
  queue->Release(&one);
  EXPECT_TRUE(queue->held());
}

// Many writers of three processes: each gets on, and one writes at a time.
TEST(SharedWritersTest, AllGetOn) {
  constexpr int kProcesses = 3;
  constexpr int kWriters = 3;
  constexpr int kRounds = 200;
  Line line;
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.push_back(std::make_unique<Process>(&line, i + 1, WriterTimes{}));
  }
  std::atomic<int> writing{0};
  std::atomic<int> gave_up{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kProcesses * kWriters; ++i) {
    threads.emplace_back([&, i] {
      WriterQueue* const queue = processes[i % kProcesses]->queue.get();
      Writer writer(processes[i % kProcesses]->queue);
      for (int round = 0; round < kRounds; ++round) {
        while (!queue->Take(&writer)) {
          if (!writer.Wait(kLongUs)) ++gave_up;
        }
        EXPECT_EQ(++writing, 1);
        --writing;
        queue->Release(&writer);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gave_up, 0) << "a wait was forgotten";
  EXPECT_EQ(line.holder, 0);
}

}  // namespace
}  // namespace actorkv
