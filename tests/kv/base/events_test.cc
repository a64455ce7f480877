// Events: the ring's order, its bounds, threads, and fork().

#include "kv/base/events.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kv/base/utf8.h"
#include "kv/base/wall_clock.h"

namespace actorkv {
namespace {

uint64_t LastSeq() {
  const std::vector<Event> events = ReadEvents();
  return events.empty() ? 0 : events.back().seq;
}

Event Last() { return ReadEvents().back(); }

TEST(EventsTest, AnEventIsAsItWasNoted) {
  const uint64_t before = LastSeq();
  const uint64_t begin_ms = WallClockUs() / 1000;
  NoteEvent({EventKind::kFlatten, "/s", "alice", "why", 1234});
  NoteEvent({EventKind::kOpen, "/s", "", ""});
  const std::vector<Event> events = ReadEvents();
  ASSERT_GE(events.size(), 2U);
  const Event& first = events[events.size() - 2];
  EXPECT_EQ(first.seq, before + 1);
  EXPECT_GE(first.happened_at_ms, begin_ms);
  EXPECT_LE(first.happened_at_ms, WallClockUs() / 1000);
  EXPECT_EQ(first.kind, EventKind::kFlatten);
  EXPECT_EQ(first.store, "/s");
  EXPECT_EQ(first.actor, "alice");
  EXPECT_EQ(first.detail, "why");
  EXPECT_EQ(first.duration_us, 1234U);
  EXPECT_EQ(events.back().seq, before + 2);
  EXPECT_FALSE(events.back().duration_us.has_value());
}

TEST(EventsTest, TheLastThousandInOrder) {
  const uint64_t before = LastSeq();
  for (size_t i = 1; i <= 2 * kMaxEvents + 7; ++i) {
    NoteEvent({EventKind::kFence, "s", "", std::to_string(i)});
  }
  const std::vector<Event> events = ReadEvents();
  ASSERT_EQ(events.size(), kMaxEvents);
  for (size_t i = 0; i < events.size(); ++i) {
    const uint64_t number = kMaxEvents + 8 + i;
    EXPECT_EQ(events[i].seq, before + number);
    EXPECT_EQ(events[i].detail, std::to_string(number));
  }
}

TEST(EventsTest, LongTextsAreCutBetweenCharacters) {
  NoteEvent({EventKind::kOpen, std::string(kMaxEventStoreBytes, 's'),
             std::string(kMaxEventActorBytes, 'a'),
             std::string(kMaxEventDetailBytes, 'd')});
  Event event = Last();
  EXPECT_EQ(event.store, std::string(kMaxEventStoreBytes, 's'));
  EXPECT_EQ(event.actor, std::string(kMaxEventActorBytes, 'a'));
  EXPECT_EQ(event.detail, std::string(kMaxEventDetailBytes, 'd'));
  std::string umlauts;
  while (umlauts.size() < 2000) umlauts += "\xc3\xa4";
  for (const std::string& text : {umlauts, "x" + umlauts}) {
    NoteEvent({EventKind::kOpen, text, text, text});
    event = Last();
    EXPECT_TRUE(IsUtf8(event.store) && IsUtf8(event.actor));
    EXPECT_GE(event.store.size(), kMaxEventStoreBytes - 1);
    EXPECT_LE(event.store.size(), kMaxEventStoreBytes);
    EXPECT_LE(event.actor.size(), kMaxEventActorBytes);
    EXPECT_LE(event.detail.size(), kMaxEventDetailBytes);
    EXPECT_EQ(event.detail.substr(event.detail.size() - 3), "...");
    EXPECT_EQ(event.detail.substr(0, 300), text.substr(0, 300));
  }
}

TEST(EventsTest, EveryKindHasAName) {
  std::set<std::string> names;
  constexpr auto kLast = static_cast<int>(EventKind::kLargeExport);
  for (int kind = 0; kind <= kLast; ++kind) {
    names.insert(EventKindName(static_cast<EventKind>(kind)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLast) + 1);
  EXPECT_EQ(names.count(""), 0U);
}

TEST(EventsTest, ManyThreads) {
  const uint64_t before = LastSeq();
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const std::vector<Event> events = ReadEvents();
      for (size_t i = 1; i < events.size(); ++i) {
        ASSERT_EQ(events[i].seq, events[i - 1].seq + 1);
        ASSERT_EQ(events[i].store == "threads", events[i].actor == "threads");
      }
    }
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([] {
      for (int i = 0; i < kEach; ++i) {
        NoteEvent({EventKind::kFence, "threads", "threads", "", 1});
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(LastSeq(), before + kThreads * kEach);
}

TEST(EventsTest, AStallIsOneThatLastedLong) {
  const uint64_t before = LastSeq();
  { const StallWatch watch("quick"); }
  EXPECT_EQ(LastSeq(), before);
  const auto stall = [] {
    const StallWatch watch("slow");
    std::this_thread::sleep_for(StallWatch::kStallTime * 1.2);
  };
  stall();
  EXPECT_EQ(LastSeq(), before + 1);
  EXPECT_EQ(Last().kind, EventKind::kStall);
  EXPECT_EQ(Last().store, "slow");
  EXPECT_EQ(Last().detail, "a commit waited");
  EXPECT_GE(Last().duration_us, 100'000U);
  // One a second, however many there are at once.
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(stall);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(LastSeq(), before + 1);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  stall();
  EXPECT_EQ(LastSeq(), before + 2);
  EXPECT_EQ(Last().detail, "a commit waited, and before it others: 8");
}

// The ring's lock may be held by a thread that the child does not have.
TEST(EventsTest, AChildOfForkHasNone) {
  NoteEvent({EventKind::kOpen, "parent", "", ""});
  std::atomic<bool> done{false};
  std::thread busy([&] {
    while (!done) NoteEvent({EventKind::kOpen, "parent", "", ""});
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      NoteEvent({EventKind::kOpen, "child", "", ""});
      const std::vector<Event> events = ReadEvents();
      const bool right = events.size() == 1 && events[0].seq == 1 &&
                         events[0].store == "child";
      _exit(right ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  done = true;
  busy.join();
  for (const Event& event : ReadEvents()) EXPECT_NE(event.store, "child");
}

}  // namespace
}  // namespace actorkv
