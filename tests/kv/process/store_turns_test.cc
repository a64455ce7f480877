// StoreRegistry between processes: an open waits for the holder, and a holder
// without users lets go when somebody waits. What the other process does with
// the holder file is done here by hand, and by a child.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kv/process/store_registry.h"
#include "kv/rocksdb/holder_file.h"
#include "kv/store/store.h"
#include "tests/support/child_process.h"
#include "tests/support/memory_engine.h"
#include "tests/support/no_threads.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{600000};  // more than any machine takes
constexpr milliseconds kShort{30};
constexpr int kMostTries = 100000;

class StoreTurnsTest : public testing::Test {
 protected:
  StoreTurnsTest() {
    std::shared_ptr<Store> made;
    EXPECT_OK(registry_->Acquire(path_, OpenMode::kCreate, &made));
    made.reset();
    registry_->CloseIdle();
  }
  ~StoreTurnsTest() override { registry_->CloseIdle(); }

  Status Acquire(milliseconds limit) {
    return registry_->Acquire(path_, OpenMode::kExisting, OpenWait(limit),
                              &store_);
  }

  // Tries as a process that waits does; false when the lock was never to be
  // had.
  bool TakeSoon() {
    for (int i = 0; i < kMostTries; ++i) {
      if (HolderFile::Take(path_, &holder_).ok()) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }

  StoreRegistry* const registry_ = StoreRegistry::Instance();
  const TempDir dir_;
  const std::string path_ = dir_.File("store");
  std::shared_ptr<Store> store_;
  std::unique_ptr<HolderFile> holder_;  // as another process has it
};

TEST_F(StoreTurnsTest, AnOpenWaitsForTheHolder) {
  ASSERT_OK(HolderFile::Take(path_, &holder_));
  std::thread other([this] {
    while (!holder_->IsWaitedFor()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    holder_.reset();
  });
  EXPECT_OK(Acquire(kLong));
  other.join();
  ASSERT_NE(store_, nullptr);
}

TEST_F(StoreTurnsTest, AnOpenGivesUp) {
  ASSERT_OK(HolderFile::Take(path_, &holder_));
  const std::string text =
      "store is open in process " + std::to_string(getpid()) + ": " + path_;
  EXPECT_TRUE(IsError(Acquire(milliseconds(0)), Code::kBusy, text));
  EXPECT_TRUE(IsError(Acquire(kShort), Code::kBusy, text));
  EXPECT_FALSE(holder_->IsWaitedFor()) << "nobody waits any more";
  holder_.reset();
  EXPECT_OK(Acquire(milliseconds(0)));
}

TEST_F(StoreTurnsTest, AnOpenIsInterrupted) {
  ASSERT_OK(HolderFile::Take(path_, &holder_));
  const OpenWait wait(kLong, [] { return Status::Busy("interrupted"); });
  EXPECT_TRUE(
      IsError(registry_->Acquire(path_, OpenMode::kExisting, wait, &store_),
              Code::kBusy, "interrupted"));
}

TEST_F(StoreTurnsTest, OneThreadWaitsWhileAnotherIsRefused) {
  ASSERT_OK(HolderFile::Take(path_, &holder_));
  std::thread waits([this] {
    std::shared_ptr<Store> store;
    EXPECT_OK(registry_->Acquire(path_, OpenMode::kExisting, OpenWait(kLong),
                                 &store));
  });
  while (!holder_->IsWaitedFor()) std::this_thread::yield();
  // At once, though the other one waits: only its end is waited for here.
  EXPECT_TRUE(IsError(Acquire(milliseconds(0)), Code::kBusy, "process"));
  holder_.reset();
  waits.join();
}

// All threads that wait have it as soon as one has.
TEST_F(StoreTurnsTest, ThreadsThatWaitShareIt) {
  constexpr int kThreads = 4;
  ASSERT_OK(HolderFile::Take(path_, &holder_));
  std::atomic<int> have_it{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      std::shared_ptr<Store> store;
      EXPECT_OK(registry_->Acquire(path_, OpenMode::kExisting, OpenWait(kLong),
                                   &store));
      ++have_it;
      while (have_it < kThreads) {
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  while (!holder_->IsWaitedFor()) std::this_thread::yield();
  holder_.reset();
  for (std::thread& thread : threads) thread.join();
}

// This one is opened again and again, so that it would never be idle for as
// long as an idle store stays open.
TEST_F(StoreTurnsTest, AHolderThatIsIdleNowAndThenLetsGo) {
  ASSERT_OK(Acquire(milliseconds(0)));
  std::atomic<bool> stop{false};
  std::thread uses([&] {
    while (!stop) {
      std::shared_ptr<Store> store;
      const Status s = registry_->Acquire(path_, OpenMode::kExisting,
                                          OpenWait(kLong), &store);
      EXPECT_OK(s);
      std::this_thread::sleep_for(milliseconds(2));
    }
  });
  store_.reset();
  {
    const HolderWait waits(path_);
    EXPECT_TRUE(TakeSoon());
  }
  stop = true;
  holder_.reset();  // so that the thread gets it again, and ends
  uses.join();
}

// The same without the thread of the registry in it: who opens an idle store
// that somebody waits for leaves it to him first.
TEST_F(StoreTurnsTest, WhoOpensItAgainStandsBack) {
  ASSERT_OK(Acquire(milliseconds(0)));
  const std::weak_ptr<Store> first = store_->weak_from_this();
  auto waits = std::make_unique<HolderWait>(path_);
  std::atomic<bool> begun{false};
  std::thread other([&] {
    begun = true;
    const bool taken = TakeSoon();
    EXPECT_TRUE(taken);
    waits.reset();
    while (taken && !holder_->IsWaitedFor()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    holder_.reset();
  });
  while (!begun) std::this_thread::sleep_for(milliseconds(1));
  store_.reset();
  EXPECT_OK(Acquire(kLong));
  other.join();
  EXPECT_TRUE(first.expired()) << "it is another one now";
}

// Somebody who waits and does not take it, as one that was stopped, keeps
// nobody from the store.
TEST_F(StoreTurnsTest, WhoWaitsAndDoesNotComeIsNotWaitedFor) {
  const HolderWait waits(path_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_OK(Acquire(kLong));
    store_.reset();
  }
}

TEST_F(StoreTurnsTest, AStoreInUseStays) {
  ASSERT_OK(Acquire(milliseconds(0)));
  const HolderWait waits(path_);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_TRUE(waits.IsHeld());
  std::unique_ptr<HolderFile> other;
  EXPECT_TRUE(IsError(HolderFile::Take(path_, &other), Code::kBusy, path_));
}

// Where the system has no thread for the registry, which is asked for anew when
// there is something to do for it. An engine in memory needs none of its own.
TEST(StoreTurnsChild, DISABLED_WithoutAThread) {
  StoreRegistry* const registry = StoreRegistry::Instance();
  registry->SetEngineFactoryForTesting(
      [](const std::string&, OpenMode, std::unique_ptr<Engine>* engine) {
        *engine = NewMemoryEngine(UnboundedLimits());
        return Status::Ok();
      });
  const TempDir dir;
  std::shared_ptr<Store> store;
  auto none = std::make_optional<NoNewThreads>();
  ASSERT_OK(registry->Acquire(dir.File("s"), OpenMode::kCreate, &store));
  const std::weak_ptr<Store> watch = store->weak_from_this();
  store.reset();
  ASSERT_OK(registry->Acquire(dir.File("s"), OpenMode::kExisting, &store));
  EXPECT_EQ(watch.lock().get(), store.get()) << "nobody has closed it";
  none.reset();
  store.reset();  // asks for the thread
  for (int i = 0; i < kMostTries && !watch.expired(); ++i) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(registry->Shutdown());
}

TEST(StoreTurns, WithoutAThread) {
  ChildProcess child("StoreTurnsChild.DISABLED_WithoutAThread", "");
  EXPECT_TRUE(child.WaitForSuccess());
}

}  // namespace
}  // namespace actorkv
