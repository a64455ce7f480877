// What sessions may have of the owner, and that one which takes all of it holds
// up itself.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/format/keys.h"
#include "kv/share/server_reads.h"
#include "tests/support/share_session.h"

namespace actorkv {
namespace {

class ServerLimitsTest : public ServedStore {
 protected:
  // All channels that a session may have.
  std::vector<std::unique_ptr<FakeSession>> AllChannels() const {
    std::vector<std::unique_ptr<FakeSession>> channels;
    channels.push_back(NewSession());
    while (channels.size() < kMaxChannels) {
      channels.push_back(std::make_unique<FakeSession>(directory_));
      EXPECT_OK(
          channels.back()->Hello(FakeSession::HelloOf(*channels.front())));
    }
    return channels;
  }
};

// Descriptors that this process may have, where the system lets it.
bool RaiseDescriptors(rlim_t count) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  if (limit.rlim_cur >= count) return true;
  limit.rlim_cur = count;
  limit.rlim_max = std::max(limit.rlim_max, count);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

TEST_F(ServerLimitsTest, RefusesMoreSessionsThanThereMayBe) {
  // Of each session: both ends, its process, its slate here and there, and
  // where its client has it, the board.
  constexpr rlim_t kDescriptors = kMaxSessions * 8;
  if (!RaiseDescriptors(kDescriptors)) {
    GTEST_SKIP() << "the system gives no " << kDescriptors << " descriptors";
  }
  std::vector<std::unique_ptr<FakeSession>> sessions;
  for (size_t i = 0; i < kMaxSessions; ++i) {
    sessions.push_back(std::make_unique<FakeSession>(directory_));
    ASSERT_OK(sessions.back()->Hello()) << i;
    sessions.back()->board.reset();
  }
  EXPECT_EQ(server_->session_count(), kMaxSessions);
  FakeSession more(directory_);
  EXPECT_TRUE(IsError(more.Hello(), Code::kBusy, "1024 at most"));
  EXPECT_TRUE(more.IsEnded());
  // All others go on, and when one ends there is room.
  DoneAnswer<Op::kSync> done;
  for (const auto& session : sessions) {
    ASSERT_OK(session->Ask(SyncRequest(), &done));
  }
  sessions.pop_back();
  EXPECT_TRUE(HasSessions(kMaxSessions - 1));
  ExpectWorks();
}

// A frame of which only the header comes.
std::string HeaderOf(Op op, size_t body_bytes) {
  FrameHeader header;
  header.op = op;
  header.size_bytes = static_cast<uint32_t>(body_bytes);
  header.request = 1;
  std::string frame(kFrameHeaderBytes, '\0');
  StoreFrameHeader(header, frame.data());
  return frame;
}

// All channels of a session begin requests of the largest size, and send
// nothing of them: the owner keeps memory for some of them.
TEST_F(ServerLimitsTest, LargeRequestsThatDoNotComeHoldUpNobodyElse) {
  const auto channels = AllChannels();
  const std::string begun = HeaderOf(Op::kCommit, kMaxFrameBytes);
  for (const auto& channel : channels) {
    ASSERT_OK(channel->channel()->Send(begun, {}));
  }
  // One of the others is as large as may be.
  const std::unique_ptr<FakeSession> session = NewSession();
  HintsRequest hints;
  const std::string record(kMaxFrameBytes / 2, 'h');
  hints.actor = "a";
  hints.record = record;
  ASSERT_OK(session->Send(hints));
  DoneAnswer<Op::kSync> done;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_OK(session->Ask(SyncRequest(), &done));
  // The others are given up by then.
  EXPECT_LT(std::chrono::steady_clock::now() - before, kFrameTime);
  EXPECT_EQ(server_->session_count(), 2U);
}

// A session asks for much, and takes none of the answers.
TEST_F(ServerLimitsTest, AnswersThatNobodyReadsHoldUpNobodyElse) {
  Commit("a", 1);
  const std::string key = "large";
  {
    Batch batch;
    batch.Put(CatalogPartition(), key, std::string(kMaxReadBytes, 'v'));
    ASSERT_TRUE(store_->engine()->Commit(batch, Durability::kBuffered).done());
  }
  GetRequest get;
  get.partition = CatalogPartition();
  get.keys = {key};
  const auto channels = AllChannels();
  for (const auto& channel : channels) {
    for (int i = 1; i <= 4; ++i) ASSERT_OK(channel->Send(get, 100 + i));
  }
  const std::unique_ptr<FakeSession> session = NewSession();
  for (int i = 0; i < 8; ++i) {
    GetAnswer answer;
    ASSERT_OK(session->Ask(get, &answer));
    ASSERT_TRUE(answer.values[0].has_value());
    EXPECT_EQ(answer.values[0]->size(), kMaxReadBytes);
  }
}

TEST_F(ServerLimitsTest, RowsThatNobodyReadsHoldUpNobodyElse) {
  std::atomic<int> added{0};
  std::atomic<bool> ended{false};
  Serve([&](const CallSpec& call, const auto& add, const auto&) {
    const std::string text(size_t{64} << 10, 'r');
    CallValue value;
    value.kind = ValueKind::kText;
    value.bytes = text;
    Status s;
    while (s.ok() && call.function == "endless") {
      s = add({value});
      ++added;
    }
    ended = call.function == "endless";
    return s;
  });
  std::unique_ptr<FakeSession> session = NewSession();
  CallRequest call;
  call.function = "endless";
  ASSERT_OK(session->Send(call, 7));
  while (added < 2) std::this_thread::yield();
  const std::unique_ptr<FakeSession> other = NewSession();
  call.function = "f";
  CallAnswer answer;
  EXPECT_OK(other->Ask(call, &answer));
  ExpectWorks();
  // The function ends with who called it.
  session.reset();
  EXPECT_TRUE(HasSessions(1));
  EXPECT_TRUE(ended);
  // And with the owner.
  session = NewSession();
  call.function = "endless";
  const int before = added;
  ASSERT_OK(session->Send(call, 7));
  while (added < before + 2) std::this_thread::yield();
  EXPECT_FALSE(server_->Stop(In(std::chrono::milliseconds(20))));
}

}  // namespace
}  // namespace actorkv
