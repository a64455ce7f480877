// GroupCommit: who waits shares one write, in order, and its result.

#include "kv/engine/group_commit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

Batch OneKey(const std::string& key, size_t value_bytes = 1) {
  Batch batch;
  constexpr Partition kAny{PartitionKind::kCatalog, 0};
  batch.Put(kAny, key, std::string(value_bytes, 'v'));
  return batch;
}

TEST(GroupCommitTest, ALoneCommitIsAGroupOfItsOwn) {
  int writes = 0;
  GroupCommit commit(1000, [&](const std::vector<const Batch*>& batches) {
    ++writes;
    EXPECT_EQ(batches.size(), 1u);
    return CommitResult{};
  });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(commit.Commit(OneKey("k")).done());
  EXPECT_EQ(writes, 10);
}

TEST(GroupCommitTest, WhoWaitsSharesTheNextWrite) {
  constexpr int kThreads = 8;
  constexpr int kCommits = 50;
  std::atomic<int> writing{0};
  std::atomic<int> commits{0};
  std::atomic<int> writes{0};
  GroupCommit commit(1 << 20, [&](const std::vector<const Batch*>& batches) {
    EXPECT_EQ(writing.fetch_add(1), 0) << "two writes at once";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    commits += static_cast<int>(batches.size());
    ++writes;
    writing.fetch_sub(1);
    return CommitResult{};
  });
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kCommits; ++i) {
        EXPECT_TRUE(commit.Commit(OneKey("k")).done());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(commits.load(), kThreads * kCommits);
  EXPECT_LT(writes.load(), kThreads * kCommits / 2);
}

TEST(GroupCommitTest, AnErrorGoesToAllOfTheGroup) {
  constexpr int kThreads = 4;
  std::atomic<bool> first{true};
  std::atomic<int> waiting{0};
  std::atomic<int> groups{0};
  GroupCommit commit(1 << 20, [&](const std::vector<const Batch*>& /*all*/) {
    if (first.exchange(false)) {
      // Until the others are in the queue; one may be late on a busy machine.
      while (waiting.load() < kThreads) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return CommitResult{};
    }
    ++groups;
    return CommitResult{CommitOutcome::kUnknown, Status::IOError("gone")};
  });
  std::thread leader(
      [&] { EXPECT_TRUE(commit.Commit(OneKey("first")).done()); });
  while (first.load()) std::this_thread::yield();
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      ++waiting;
      const CommitResult result = commit.Commit(OneKey("k"));
      EXPECT_EQ(result.outcome, CommitOutcome::kUnknown);
      EXPECT_TRUE(IsError(result.status, Code::kIOError, "gone"));
    });
  }
  leader.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(groups.load(), kThreads);
}

// Memory that runs out while a group is written: every member hears that the
// outcome is not known, and the lead is handed on.
TEST(GroupCommitTest, WhatIsThrownIsAnOutcomeThatIsNotKnown) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 20;
  std::atomic<int> writes{0};
  std::atomic<int> unknown{0};
  GroupCommit commit(1 << 20, [&](const std::vector<const Batch*>& /*all*/) {
    if (++writes % 2 == 1) throw std::bad_alloc();
    return CommitResult{};
  });
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kCommits; ++i) {
        const CommitResult result = commit.Commit(OneKey("k"));
        if (result.done()) continue;
        EXPECT_EQ(result.outcome, CommitOutcome::kUnknown);
        EXPECT_TRUE(IsError(result.status, Code::kIOError, "memory ran out"));
        ++unknown;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(unknown.load(), 0);
  EXPECT_TRUE(commit.Commit(OneKey("k")).done() ||
              commit.Commit(OneKey("k")).done());
}

TEST(GroupCommitTest, AGroupIsBoundedInBytes) {
  constexpr int kThreads = 6;
  std::atomic<bool> first{true};
  std::atomic<int> waiting{0};
  GroupCommit commit(250, [&](const std::vector<const Batch*>& batches) {
    if (first.exchange(false)) {
      while (waiting.load() < kThreads) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_LE(batches.size(), 2u) << "100 bytes each, 250 allowed";
    return CommitResult{};
  });
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      ++waiting;
      EXPECT_TRUE(commit.Commit(OneKey("k", 99)).done());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(commit.Commit(OneKey("k", 5000)).done()) << "larger than a group";
}

}  // namespace
}  // namespace actorkv
