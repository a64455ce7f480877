// A client and its owners: that end, do not answer, or answer nonsense.

#include "kv/share/client_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <random>
#include <thread>

#include "kv/base/start_thread.h"
#include "tests/support/client_harness.h"
#include "tests/support/engine_harness.h"
#include "tests/support/fake_owner.h"
#include "tests/support/forked_child.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using Act = FakeOwner::Act;
using std::chrono::milliseconds;

class ClientSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    shared_ = NewMemoryEngine(UnboundedLimits());
    owner_.emplace(store_, shared_);
  }
  void TearDown() override {
    engine_.reset();
    client_.reset();
    owner_.reset();
  }

  void Connect() { ConnectBy(ClientParts(store_)); }
  void ConnectBy(ShareClient::Parts parts) {
    client_ = ConnectTo(std::move(parts));
    ASSERT_NE(client_, nullptr);
    engine_ = client_->NewEngine();
  }
  // The owner ends, and then there is another one.
  void Replace(FakeOwner::Choose choose = nullptr) {
    owner_.reset();
    owner_.emplace(store_, shared_, std::move(choose));
  }

  Status Get(const std::string& key, std::optional<std::string>* value) {
    std::vector<std::optional<std::string>> values;
    Status s = engine_->NewReader()->Get(kActor, {key}, &values);
    if (s.ok()) *value = values.at(0);
    return s;
  }
  std::string Read(const std::string& key) {
    std::optional<std::string> value;
    EXPECT_OK(Get(key, &value));
    return value.value_or("(none)");
  }
  CommitResult Put(const std::string& key, const std::string& value,
                   std::optional<std::string_view> expected = std::nullopt,
                   Durability durability = Durability::kBuffered) {
    Batch batch;
    batch.AddGuard(kActor, key, expected);
    batch.Put(kActor, key, value);
    return engine_->Commit(batch, durability);
  }

  // Meets one request of this op, once.
  static FakeOwner::Choose Once(Op op, Act act) {
    auto is_met = std::make_shared<std::atomic<bool>>(false);
    return [=](const FrameHeader& header) {
      if (header.op != op || is_met->exchange(true)) return Act::kAnswer;
      return act;
    };
  }

  StoreDirectory store_;
  std::shared_ptr<Engine> shared_;
  std::optional<FakeOwner> owner_;
  std::shared_ptr<ShareClient> client_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(ClientSessionTest, ReadsAndCommits) {
  Connect();
  ASSERT_TRUE(Put("a", "1").done());
  EXPECT_EQ(Read("a"), "1");
  EXPECT_EQ(Put("a", "2").outcome, CommitOutcome::kConflict);
  EXPECT_EQ(client_->owner().pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(client_->owner().module, "fake");
  EXPECT_EQ(client_->owner().sqlite_version, "3.0");
  EXPECT_EQ(engine_->Describe(),
            "Fake 2, by process " + std::to_string(getpid()));
  EXPECT_FALSE(engine_->limits().one_process);
}

TEST_F(ClientSessionTest, NobodyIsThere) {
  owner_.reset();
  std::shared_ptr<ShareClient> client;
  EXPECT_EQ(ShareClient::Connect(ClientParts(store_), &client).code(),
            Code::kNotFound);
  EXPECT_EQ(client, nullptr);
}

TEST_F(ClientSessionTest, WithoutAThreadThereIsNoClient) {
  RefuseThreadsForTesting(true);
  std::shared_ptr<ShareClient> client;
  EXPECT_TRUE(IsError(ShareClient::Connect(ClientParts(store_), &client),
                      Code::kIOError, "no thread"));
  RefuseThreadsForTesting(false);
}

TEST_F(ClientSessionTest, GoesOnAtTheNextOwner) {
  Connect();
  ASSERT_TRUE(Put("a", "1").done());
  for (uint64_t i = 1; i <= 5; ++i) {
    Replace();
    EXPECT_EQ(Read("a"), "1");
    EXPECT_EQ(client_->failover_count(), i);
  }
}

// A client that asks nothing finds the next owner all the same.
TEST_F(ClientSessionTest, TheEndOfTheOwnerIsSeenByItself) {
  Connect();
  Replace();
  const auto give_up = std::chrono::steady_clock::now() + milliseconds(10'000);
  while (client_->failover_count() == 0 &&
         std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  EXPECT_EQ(client_->failover_count(), 1U);
}

TEST_F(ClientSessionTest, BecomesTheOwnerItself) {
  ShareClient::Parts parts = ClientParts(store_);
  int count = 0;
  parts.elect = [&] {
    if (++count < 3) return Status::Busy("another one");
    owner_.emplace(store_, shared_);
    return Status::Ok();
  };
  ConnectBy(std::move(parts));
  ASSERT_TRUE(Put("a", "1").done());
  owner_.reset();
  EXPECT_EQ(Read("a"), "1");
  EXPECT_EQ(count, 3);
}

TEST_F(ClientSessionTest, NobodyServesAnyMore) {
  ShareClient::Parts parts = ClientParts(store_);
  parts.elect = [] { return Status::Busy("process 12 has it"); };
  ConnectBy(std::move(parts));
  client_->SetOwnerWait(milliseconds(30));
  owner_.reset();
  std::optional<std::string> value;
  EXPECT_TRUE(IsError(Get("a", &value), Code::kBusy,
                      "nobody has served the store for 30 ms"));
  EXPECT_TRUE(IsError(Get("a", &value), Code::kBusy, "process 12 has it"));
  const CommitResult result = Put("a", "1");
  EXPECT_EQ(result.outcome, CommitOutcome::kFailed);
  EXPECT_EQ(result.status.code(), Code::kBusy);
  // It is never too late.
  client_->SetOwnerWait(kOwnerWait);
  owner_.emplace(store_, shared_);
  EXPECT_EQ(Read("a"), "(none)");
}

TEST_F(ClientSessionTest, WhatKeepsItFromBeingTheOwnerIsTold) {
  ShareClient::Parts parts = ClientParts(store_);
  parts.elect = [] { return Status::NoSpace("the disk is full"); };
  ConnectBy(std::move(parts));
  client_->SetOwnerWait(milliseconds(10));
  owner_.reset();
  std::optional<std::string> value;
  EXPECT_TRUE(IsError(Get("a", &value), Code::kNoSpace, "the disk is full"));
}

TEST_F(ClientSessionTest, AnOwnerThatDoesNotAnswerIsBusy) {
  Connect();
  client_->SetOwnerWait(milliseconds(30));
  owner_->set_choose(Once(Op::kGet, Act::kSilence));
  std::optional<std::string> value;
  EXPECT_TRUE(
      IsError(Get("a", &value), Code::kBusy, "has not answered for 30 ms"));
  // By another channel.
  client_->SetOwnerWait(kOwnerWait);
  EXPECT_EQ(Read("a"), "(none)");
  EXPECT_EQ(client_->failover_count(), 0U);
}

TEST_F(ClientSessionTest, ReadsAreAskedAgain) {
  Connect();
  ASSERT_TRUE(Put("a", "1").done());
  for (const Act act : {Act::kDropRequest, Act::kDropAnswer}) {
    owner_->set_choose(Once(Op::kGet, act));
    EXPECT_EQ(Read("a"), "1");
  }
  owner_->set_choose([](const FrameHeader& header) {
    return header.op == Op::kGet ? Act::kDropRequest : Act::kAnswer;
  });
  std::optional<std::string> value;
  EXPECT_EQ(Get("a", &value).code(), Code::kIOError);
}

TEST_F(ClientSessionTest, ACommitThatDidNotLandIsSentAgain) {
  Connect();
  owner_->set_choose(Once(Op::kCommit, Act::kDropRequest));
  EXPECT_TRUE(Put("a", "1").done());
  EXPECT_EQ(Read("a"), "1");
}

TEST_F(ClientSessionTest, ACommitThatLandedIsNotKnown) {
  Connect();
  owner_->set_choose(Once(Op::kCommit, Act::kDropAnswer));
  CommitResult result = Put("a", "1");
  EXPECT_EQ(result.outcome, CommitOutcome::kUnknown);
  EXPECT_EQ(result.status.code(), Code::kConflict);
  EXPECT_EQ(owner_->sync_count(), 0);
  EXPECT_EQ(Read("a"), "1");
  owner_->set_choose(Once(Op::kCommit, Act::kDropAnswer));
  result = Put("b", "1", std::nullopt, Durability::kSynced);
  EXPECT_EQ(result.outcome, CommitOutcome::kUnknown);
  EXPECT_EQ(owner_->sync_count(), 1);
}

TEST_F(ClientSessionTest, ACommitWithoutAnAnswerIsNotKnown) {
  Connect();
  client_->SetOwnerWait(milliseconds(5));
  owner_->set_choose(Once(Op::kCommit, Act::kSilence));
  EXPECT_EQ(Put("a", "1").outcome, CommitOutcome::kUnknown);
  client_->SetOwnerWait(kOwnerWait);
  EXPECT_EQ(Read("a"), "1");
  // Nor where nobody can be asked any more.
  ASSERT_TRUE(Put("b", "1").done());
  client_->SetOwnerWait(milliseconds(50));
  owner_->set_choose([](const FrameHeader& header) {
    return header.op == Op::kCommit ? Act::kDropAnswer : Act::kDropRequest;
  });
  EXPECT_EQ(Put("c", "1").outcome, CommitOutcome::kUnknown);
}

TEST_F(ClientSessionTest, ManyThreadsShareTheChannels) {
  Connect();
  ASSERT_TRUE(Put("a", "1").done());
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) ASSERT_EQ(Read("a"), "1");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(owner_->channel_count(), kMaxChannels);
}

TEST_F(ClientSessionTest, ManyThreadsFindTheNextOwner) {
  Connect();
  std::atomic<bool> is_over{false};
  std::atomic<int> errors{0};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      const std::string key(1, static_cast<char>('a' + i));
      int value = 0;
      while (!is_over) {
        std::optional<std::string_view> expected;
        const std::string last = std::to_string(value);
        if (value > 0) expected = last;
        const CommitResult r = Put(key, std::to_string(value + 1), expected);
        std::optional<std::string> found;
        if (!Get(key, &found).ok()) ++errors;
        // What is known is so, and what is not is one of both.
        const std::string next = std::to_string(value + 1);
        if (r.done() ? found != next : r.outcome != CommitOutcome::kUnknown) {
          ++errors;
        }
        if (found == next) ++value;
        ++done;
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    const int before = done;
    while (done < before + 20) std::this_thread::yield();
    Replace();
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_GE(client_->failover_count(), 1U);
}

TEST_F(ClientSessionTest, NothingGoesOnInAChild) {
  Connect();
  ASSERT_TRUE(Put("a", "1").done());
  ForkedChild child([&] {
    return Within(20, [&] {
      std::optional<std::string> value;
      if (Get("a", &value).code() != Code::kNotSupported) return 1;
      if (Put("b", "1").status.code() != Code::kNotSupported) return 2;
      if (engine_->Sync().code() != Code::kNotSupported) return 3;
      engine_.reset();
      client_.reset();
      return 0;
    });
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(Read("a"), "1");
}

TEST_F(ClientSessionTest, ScansComeInPieces) {
  Connect();
  Batch batch;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    batch.Put(kActor, std::string(4 - number.size(), '0') + number,
              std::string(1000, 'x'));
  }
  ASSERT_TRUE(engine_->Commit(batch, Durability::kBuffered).done());
  std::vector<KeyValue> pairs;
  ASSERT_OK(engine_->NewReader()->Scan(kActor, "0100", 600, &pairs));
  ASSERT_EQ(pairs.size(), 600U);
  EXPECT_EQ(pairs.front().key, "0100");
  EXPECT_EQ(pairs.back().key, "0699");
  int count = 0;
  ASSERT_OK(engine_->NewReader()->Visit(
      kActor, "",
      [&](std::string_view, std::string_view) { return ++count < 777; }));
  EXPECT_EQ(count, 777);
  std::vector<std::string> names;
  for (const KeyValue& pair : pairs) names.push_back(pair.key);
  std::vector<std::string_view> keys(names.begin(), names.end());
  keys.insert(keys.end(), names.begin(), names.end());
  std::vector<std::optional<std::string>> values;
  ASSERT_OK(engine_->NewReader()->Get(kActor, keys, &values));
  EXPECT_EQ(values.size(), 1200U);
}

// --- Owners that work wrongly
// -------------------------------------------------

TEST_F(ClientSessionTest, AnswersToOtherRequestsAreNone) {
  Connect();
  owner_->set_reply([](const FrameHeader& header) {
    std::string frame;
    EXPECT_OK(EncodeFrame(GetAnswer{}, header.request + 1, &frame));
    return frame;
  });
  owner_->set_choose(Once(Op::kGet, Act::kSendReply));
  std::optional<std::string> value;
  EXPECT_TRUE(IsError(Get("a", &value), Code::kCorruption, "was asked"));
  // Nor is one with another number of values.
  owner_->set_reply([](const FrameHeader& header) {
    std::string frame;
    EXPECT_OK(EncodeFrame(GetAnswer{}, header.request, &frame));
    return frame;
  });
  owner_->set_choose(Once(Op::kGet, Act::kSendReply));
  EXPECT_TRUE(IsError(Get("a", &value), Code::kCorruption, "number of values"));
  EXPECT_EQ(Read("a"), "(none)");
}

TEST_F(ClientSessionTest, ASessionThatIsDismissedIsAnError) {
  Connect();
  owner_->set_reply([](const FrameHeader&) {
    GoAwayRequest leave;
    leave.reason = GoAwayReason::kMisuse;
    leave.text = "too many keys";
    std::string frame;
    EXPECT_OK(EncodeFrame(leave, 0, &frame));
    return frame;
  });
  owner_->set_choose(Once(Op::kGet, Act::kSendReply));
  std::optional<std::string> value;
  EXPECT_TRUE(IsError(Get("a", &value), Code::kIOError, "too many keys"));
  EXPECT_EQ(Read("a"), "(none)");
}

// A scan that never ends, or goes back, is an error, and so is a key before the
// one that was asked for.
TEST_F(ClientSessionTest, PairsThatCannotBe) {
  Connect();
  ScanAnswer scan;
  owner_->set_reply([&](const FrameHeader& header) {
    std::string frame;
    EXPECT_OK(EncodeFrame(scan, header.request, &frame));
    return frame;
  });
  std::vector<KeyValue> pairs;
  const auto expect = [&](const std::string& text) {
    owner_->set_choose(Once(Op::kScan, Act::kSendReply));
    EXPECT_TRUE(IsError(engine_->NewReader()->Scan(kActor, "b", 2, &pairs),
                        Code::kCorruption, text));
  };
  expect("number of pairs");
  scan.pairs = {{"a", "1"}};
  expect("not in order");
  scan.pairs = {{"c", "1"}, {"c", "2"}};
  expect("not in order");
  scan.pairs = {{"c", "1"}, {"d", "2"}, {"e", "3"}};
  expect("number of pairs");
}

TEST_F(ClientSessionTest, RandomBytesAreErrors) {
  Connect();
  client_->SetOwnerWait(milliseconds(200));
  std::mt19937 bits(testing::UnitTest::GetInstance()->random_seed());
  owner_->set_reply([&](const FrameHeader& header) {
    std::string bytes(kFrameHeaderBytes + 1 + bits() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(bits());
    if (bits() % 2 == 0) return bytes;
    FrameHeader made = header;
    made.flags = static_cast<uint8_t>(bits() % 8);
    if (bits() % 4 == 0) made.op = static_cast<Op>(bits() % 24);
    made.size_bytes = static_cast<uint32_t>(bytes.size() - kFrameHeaderBytes);
    StoreFrameHeader(made, bytes.data());
    return bytes;
  });
  const auto choose = [](const FrameHeader& header) {
    return header.op == Op::kHello ? Act::kAnswer : Act::kSendReply;
  };
  for (int i = 0; i < 10; ++i) {
    owner_->set_choose(choose);
    std::optional<std::string> value;
    std::vector<KeyValue> pairs;
    bool found = false;
    std::string_view key;
    std::string_view bytes;
    const auto reader = engine_->NewReader();
    EXPECT_FALSE(Get("a", &value).ok());
    EXPECT_FALSE(reader->Scan(kActor, "a", 10, &pairs).ok());
    EXPECT_FALSE(reader->SeekOne(kActor, "a", &found, &key, &bytes).ok());
    EXPECT_EQ(Put("a", "1").outcome, CommitOutcome::kUnknown);
    EXPECT_FALSE(engine_->Sync().ok());
  }
}

}  // namespace
}  // namespace actorkv
