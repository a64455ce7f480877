// What comes before what where a head moves: a commit can be read, its pages
// are known, the number of the head rises, and then somebody is told
// (kv/share/README.md, invariant 1).

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/format/keys.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/share_session.h"

namespace actorkv {
namespace {

// Calls a function after each commit, when it can be read.
class AfterCommitEngine : public ForwardingEngine {
 public:
  AfterCommitEngine(std::shared_ptr<Engine> base, std::function<void()>* after)
      : ForwardingEngine(std::move(base)), after_(after) {}

  CommitResult Commit(const Batch& batch, Durability durability) override {
    CommitResult result = ForwardingEngine::Commit(batch, durability);
    if (*after_) (*after_)();
    return result;
  }

 private:
  std::function<void()>* const after_;
};

class HeadOrderTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    ShareServer::Parts parts;
    parts.store = store_.shared();
    parts.directory = directory_.opened();
    parts.marker_id = "marker";
    parts.marker_inode = 5;
    ASSERT_OK(ShareServer::Start(std::move(parts), &server_));
    Write(1);
    watcher_ = NewSession();
    writer_ = NewSession();
    slot_ = watcher_->Open("alice").slot;
    ASSERT_EQ(writer_->Open("alice").slot, slot_);
  }
  void TearDown() override {
    after_ = nullptr;
    server_.reset();
  }

  std::unique_ptr<FakeSession> NewSession() const {
    auto session = std::make_unique<FakeSession>(directory_);
    EXPECT_OK(session->Hello());
    return session;
  }
  void Write(uint32_t version) const {
    TestTransaction transaction(store_, "alice");
    transaction.Write(1, TestPage(kMinPageSize, 1, version));
    ASSERT_OK(transaction.Commit());
  }
  // By the owner, or by a session.
  void Commit(uint32_t version) {
    if (!GetParam()) return Write(version);
    CommitRequest request;
    std::optional<PreparedCommit> commit;
    {
      TestTransaction transaction(store_, "alice");
      transaction.Write(1, TestPage(kMinPageSize, 1, version));
      commit = Prepare(transaction);
    }
    AddBatch(commit->batch, &request);
    request.heads.resize(1);
    request.heads[0].slot = slot_;
    request.heads[0].changed_pages = {1};
    CommitAnswer answer;
    ASSERT_OK(writer_->Ask(request, &answer));
    ASSERT_EQ(answer.outcome, CommitOutcome::kDone);
    EXPECT_EQ(answer.head_seqs[0], seq());
  }

  uint64_t seq() const { return watcher_->board->slot(slot_)->head_seq(); }

  // The head as the engine has it.
  Snapshot StoredHead() const {
    const auto state = store_.State("alice");
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(store_->engine()->NewReader()->Get(
        ActorPartition(state->entry.actor), {HeadKey()}, &values));
    Head head;
    EXPECT_OK(DecodeRecord(HeadKey(), values[0].value_or(""), &head));
    return head.snapshot;
  }

  std::function<void()> after_;
  const StoreDirectory directory_;
  const std::shared_ptr<Engine> kept_ = NewMemoryEngine(UnboundedLimits());
  const TestStore store_{
      [this] { return std::make_unique<AfterCommitEngine>(kept_, &after_); }};
  std::unique_ptr<ShareServer> server_;
  std::unique_ptr<FakeSession> watcher_;
  std::unique_ptr<FakeSession> writer_;
  uint32_t slot_ = 0;
};

// In between nobody sees the number move, and nobody gets another head.
TEST_P(HeadOrderTest, ANumberRisesAfterTheCommitCanBeRead) {
  const uint64_t before = seq();
  const Snapshot old = store_.State("alice")->head.snapshot;
  int commits = 0;
  after_ = [&] {
    ++commits;
    EXPECT_NE(StoredHead(), old) << "it can be read";
    EXPECT_EQ(seq(), before) << "and nobody knows";
    EXPECT_FALSE(watcher_->Head(slot_, old).head.has_value());
  };
  Commit(2);
  after_ = nullptr;
  EXPECT_EQ(commits, 1);
  EXPECT_GT(seq(), before) << "before anyone is told that it is done";
  const HeadAnswer head = watcher_->Head(slot_, old);
  ASSERT_TRUE(head.head.has_value());
  ASSERT_TRUE(head.changed_pages.has_value());
  EXPECT_EQ(*head.changed_pages, std::vector<PageNo>{1});
}

// Whoever sees it move finds the new head, and which pages changed.
TEST_P(HeadOrderTest, WhoSeesTheNumberRiseFindsTheHead) {
  for (uint32_t version = 2; version < 200; ++version) {
    const uint64_t before = seq();
    const Snapshot old = store_.State("alice")->head.snapshot;
    std::atomic<int> looks{0};
    std::thread watcher([&] {
      while (seq() == before) ++looks;
      const HeadAnswer head = watcher_->Head(slot_, old);
      ASSERT_TRUE(head.head.has_value()) << version;
      ASSERT_TRUE(head.changed_pages.has_value()) << version;
      EXPECT_EQ(*head.changed_pages, std::vector<PageNo>{1});
    });
    // Somebody looks while the commit is there and is not said to be.
    after_ = [&looks] {
      for (const int seen = looks; looks < seen + 3;) std::this_thread::yield();
    };
    Commit(version);
    watcher.join();
    after_ = nullptr;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , HeadOrderTest, testing::Bool(), [](const auto& is_of_session) {
      return std::string(is_of_session.param ? "OfASession" : "OfTheOwner");
    });

}  // namespace
}  // namespace actorkv
