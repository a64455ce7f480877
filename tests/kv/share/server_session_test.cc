// Sessions that do what they should not, or end at any point: it costs them,
// and nobody else.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kv/share/server_actors.h"
#include "tests/support/forked_child.h"
#include "tests/support/share_frames.h"
#include "tests/support/share_session.h"

namespace actorkv {
namespace {

using ServerSessionTest = ServedStore;

TEST_F(ServerSessionTest, RefusesAHello) {
  const auto refused = [this](const HelloRequest& hello, Code code,
                              const char* text) {
    FakeSession session(directory_);
    EXPECT_TRUE(IsError(session.Hello(hello), code, text));
    EXPECT_TRUE(session.IsEnded());
  };
  HelloRequest hello = FakeSession::SomeHello();
  hello.version.protocol_min = 7;
  hello.version.protocol_max = 8;
  refused(hello, Code::kNotSupported, "use one module");
  hello = FakeSession::SomeHello();
  hello.marker_id = "another";
  refused(hello, Code::kFenced, "directory was replaced");
  hello = FakeSession::SomeHello();
  hello.marker_inode = 6;
  refused(hello, Code::kFenced, "directory was replaced");
  hello = FakeSession::SomeHello();
  hello.store_format = 2;
  refused(hello, Code::kNotSupported, "the store has format 3");
  hello = FakeSession::SomeHello();
  hello.session = 1;
  refused(hello, Code::kNotFound, "there is no session 1");
  const std::unique_ptr<FakeSession> session = NewSession();
  hello.session = session->number;
  hello.key = session->key + 1;
  refused(hello, Code::kNotFound, "with this key");
  EXPECT_EQ(server_->session_count(), 1U);
}

TEST_F(ServerSessionTest, RefusesMoreChannelsThanThereMayBe) {
  std::vector<std::unique_ptr<FakeSession>> channels;
  channels.push_back(NewSession());
  while (channels.size() < kMaxChannels) {
    channels.push_back(std::make_unique<FakeSession>(directory_));
    ASSERT_OK(channels.back()->Hello(FakeSession::HelloOf(*channels.front())));
  }
  FakeSession more(directory_);
  EXPECT_TRUE(IsError(more.Hello(FakeSession::HelloOf(*channels.front())),
                      Code::kBusy, "8 channels"));
  EXPECT_EQ(server_->Sessions()[0].channel_count, kMaxChannels);
}

TEST_F(ServerSessionTest, RefusesNumbersThatCannotBe) {
  Commit("alice", 1);
  const PreparedCommit commit = Prepared("alice", 2);
  const std::unique_ptr<FakeSession> session = NewSession();
  const uint32_t slot = session->Open("alice").slot;
  const auto refused = [&](const auto& request, auto answer, const char* text) {
    EXPECT_TRUE(
        IsError(session->Ask(request, &answer), Code::kInvalidArgument, text));
  };
  for (const uint32_t bad : {slot + 1, kBoardSlots, 0xFFFF'FFFFU}) {
    HeadRequest head;
    head.slot = bad;
    refused(head, HeadAnswer(), "does not have slot");
    WaitRequest wait;
    wait.slot = bad;
    refused(wait, WaitAnswer(), "does not have slot");
    CommitAnswer answer;
    ASSERT_OK(session->Ask(RequestOf(commit, bad), &answer));
    EXPECT_EQ(answer.outcome, CommitOutcome::kFailed);
    // These have no answer.
    CloseRequest close;
    close.slot = bad;
    EXPECT_OK(session->Send(close));
    YieldRequest yield;
    yield.slot = bad;
    EXPECT_OK(session->Send(yield));
    HintsRequest hints;
    hints.actor = "no/such";
    EXPECT_OK(session->Send(hints));
  }
  HeadRequest head;
  head.slot = slot;
  head.pin = kSlatePins;
  refused(head, HeadAnswer(), "there is no pin");
  GetRequest get;
  get.pin = kSlatePins;
  refused(get, GetAnswer(), "there is no pin");
  PinRequest pin;
  pin.held.pin = kSlatePins;
  refused(pin, DoneAnswer<Op::kPin>(), "there is no pin");
  pin.held.pin = 0;
  refused(pin, DoneAnswer<Op::kPin>(), "the lineage of a pin");
  pin.held.lineage.resize(kMaxPinLineage + 1);
  refused(pin, DoneAnswer<Op::kPin>(), "the lineage of a pin");
  get = GetRequest();
  get.keys.resize(kMaxKeysAsked + 1);
  refused(get, GetAnswer(), "1025 keys");
  CommitRequest commits = RequestOf(commit, slot);
  commits.heads.resize(2, commits.heads[0]);
  CommitAnswer answer;
  ASSERT_OK(session->Ask(commits, &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kFailed) << "a head twice";
  commits.heads.resize(kMaxHeadsMoved + 1);
  ASSERT_OK(session->Ask(commits, &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kFailed);
  commits.ops.clear();
  commits.heads.resize(1);
  ASSERT_OK(session->Ask(commits, &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kFailed) << "no head in the batch";
  EXPECT_EQ(store_.State("alice")->head.snapshot.txid.value, 1U);
}

TEST_F(ServerSessionTest, APinThatHoldsNothingIsNoPin) {
  const std::unique_ptr<FakeSession> session = NewSession();
  GetRequest get;
  get.pin = 5;
  GetAnswer answer;
  EXPECT_TRUE(
      IsError(session->Ask(get, &answer), Code::kConflict, "has expired"));
}

TEST_F(ServerSessionTest, WhatIsNoRequestEndsTheSession) {
  for (const FrozenFrame& frozen : kFrozenFrames) {
    const std::string frame = BytesOfHex(frozen.hex);
    FrameHeader header;
    ASSERT_OK(ParseFrameHeader(std::string_view(frame).substr(0, 16), &header));
    const bool is_misuse = header.flags != 0 || header.op == Op::kHello ||
                           header.op == Op::kGoAway;
    if (!is_misuse) continue;
    const std::unique_ptr<FakeSession> session = NewSession();
    ASSERT_OK(session->channel()->Send(frame, {}));
    GoAwayReason reason = GoAwayReason::kHandOver;
    EXPECT_TRUE(session->IsEnded(&reason)) << frozen.name;
    EXPECT_EQ(reason, GoAwayReason::kMisuse) << frozen.name;
  }
  ExpectWorks();
}

TEST_F(ServerSessionTest, AFrameThatEndsInTheMiddleEndsTheSession) {
  const std::unique_ptr<FakeSession> session = NewSession();
  const std::string frame = FrozenFrameOf("get");
  ASSERT_OK(session->channel()->Send(frame.substr(0, frame.size() - 1), {}));
  session->Close();
  EXPECT_TRUE(HasSessions(0));
}

TEST_F(ServerSessionTest, DescriptorsThatNobodyWantsEndTheSession) {
  const std::unique_ptr<FakeSession> session = NewSession();
  ASSERT_OK(session->channel()->Send(FrozenFrameOf("sync"), {0}));
  EXPECT_TRUE(session->IsEnded());
  EXPECT_TRUE(HasSessions(0));
}

// All requests with damage, in sessions that hold something.
TEST_F(ServerSessionTest, DamagedRequestsHarmNobody) {
  Commit("alice", 1);
  const std::unique_ptr<FakeSession> other = NewSession();
  const uint32_t slot = other->Open("alice", 1).slot;
  std::mt19937_64 generator(TestSeed());
  for (uint64_t i = 0; i < TestRounds(300); ++i) {
    const FrozenFrame& frozen =
        kFrozenFrames[generator() % std::size(kFrozenFrames)];
    std::string frame = BytesOfHex(frozen.hex);
    // WAIT may wait, and a DROP of what is not its own is not to be done.
    FrameHeader header;
    ASSERT_OK(ParseFrameHeader(std::string_view(frame).substr(0, 16), &header));
    if (header.op == Op::kDrop || header.op == Op::kWait) continue;
    const std::unique_ptr<FakeSession> session = NewSession();
    static_cast<void>(session->Open("alice", 2));
    for (uint64_t n = 1 + generator() % 3; n > 0; --n) {
      const size_t at = 8 + generator() % (frame.size() - 8);
      frame[at] = static_cast<char>(generator());
    }
    ASSERT_OK(session->channel()->Send(frame, {}));
    session->Close();
  }
  EXPECT_TRUE(HasSessions(1));
  EXPECT_EQ(PinCount(), 1U);
  EXPECT_EQ(other->Open("alice").slot, slot);
  ExpectWorks();
}

TEST_F(ServerSessionTest, AllThatASessionHoldsEndsWithIt) {
  Commit("alice", 1);
  std::unique_ptr<FakeSession> session = NewSession();
  const std::unique_ptr<FakeSession> other = NewSession();
  const uint32_t slot = session->Open("alice", 1).slot;
  ASSERT_EQ(other->Open("alice").slot, slot);
  static_cast<void>(session->Open("bob"));
  ActorSlot* const word = other->board->slot(slot);
  ASSERT_TRUE(word->TryTake(session->token()));
  EXPECT_EQ(PinCount(), 1U);
  const std::vector<SessionInfo> infos = server_->Sessions();
  EXPECT_EQ(infos[0].writing_actor, "alice");
  EXPECT_EQ(infos[0].open_actor_count, 2U);
  EXPECT_EQ(infos[0].pin_count, 1U);
  std::atomic<bool> granted{false};
  std::thread waiter(
      [&] { granted = other->Wait(slot, std::chrono::seconds(10)); });
  const auto end = In(kAnswerTime);
  while (!word->somebody_waits() && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  session.reset();
  waiter.join();
  EXPECT_TRUE(granted) << "the word of the dead goes on";
  EXPECT_EQ(word->writer(), other->token());
  EXPECT_TRUE(HasSessions(1));
  EXPECT_EQ(PinCount(), 0U);
  EXPECT_TRUE(store_->actors()->IsOpen("alice"));
  EXPECT_FALSE(store_->actors()->IsOpen("bob"));
}

// A child of the dead process has the socket still.
TEST_F(ServerSessionTest, ASessionEndsWithItsProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto* const session = new FakeSession(directory_);
    bool ok = session->Hello().ok();
    // Kept past the handlers of fork().
    const int kept = dup(session->channel()->fd());
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      char byte = 0;
      // Until the test ends.
      close(ready[1]);
      static_cast<void>(!read(ready[0], &byte, 1));
      _exit(0);
    }
    ok = ok && kept >= 0;
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(HasSessions(0));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(ServerSessionTest, GoesOnAtTheNextOwner) {
  Commit("alice", 1);
  const auto state = store_.State("alice");
  const Snapshot head = state->head.snapshot;
  HelloRequest hello = FakeSession::SomeHello();
  PinFields whole;
  whole.pin = 4;
  whole.branch = head.branch;
  whole.txid = head.txid;
  whole.lineage = {{state->entry.actor, head.branch, head.txid}};
  PinFields gone = whole;
  gone.pin = 5;
  gone.txid = TxId{77};
  hello.pins = {whole, gone};
  FakeSession session(directory_);
  ASSERT_OK(session.Hello(hello));
  EXPECT_EQ(session.kept_pins, std::vector<uint32_t>{4});
  EXPECT_EQ(PinCount(), 1U);
}

TEST_F(ServerSessionTest, StopSaysGoAway) {
  const std::unique_ptr<FakeSession> session = NewSession();
  EXPECT_TRUE(server_->Stop(In(kAnswerTime)));
  GoAwayReason reason = GoAwayReason::kMisuse;
  EXPECT_TRUE(session->IsEnded(&reason));
  EXPECT_EQ(reason, GoAwayReason::kHandOver);
  std::unique_ptr<ShareChannel> channel;
  EXPECT_FALSE(ShareChannel::Connect(*directory_.opened(), &channel).ok());
  EXPECT_EQ(ended_, 1);
}

TEST_F(ServerSessionTest, StopWaitsForWhatIsUnderWay) {
  std::atomic<bool> began{false};
  std::atomic<bool> goes_on{false};
  Serve([&](const CallSpec&, const auto&, const auto&) {
    began = true;
    while (!goes_on) std::this_thread::yield();
    return Status::Ok();
  });
  const std::unique_ptr<FakeSession> session = NewSession();
  CallRequest call;
  call.function = "f";
  ASSERT_OK(session->Send(call, 7));
  while (!began) std::this_thread::yield();
  std::thread stopper([&] { EXPECT_TRUE(server_->Stop(In(kAnswerTime))); });
  goes_on = true;
  CallAnswer answer;
  EXPECT_OK(session->Receive(&answer)) << "it was begun, so it is answered";
  EXPECT_TRUE(session->IsEnded());
  stopper.join();
}

TEST_F(ServerSessionTest, StopGivesUpWhatTakesLonger) {
  std::atomic<bool> began{false};
  Serve([&](const CallSpec&, const auto&, const auto& keep_on) {
    began = true;
    for (;;) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
  });
  const std::unique_ptr<FakeSession> session = NewSession();
  CallRequest call;
  call.function = "f";
  ASSERT_OK(session->Send(call, 7));
  while (!began) std::this_thread::yield();
  EXPECT_FALSE(server_->Stop(In(std::chrono::milliseconds(20))));
  EXPECT_TRUE(session->IsEnded());
}

TEST_F(ServerSessionTest, CallsAnswerRowByRow) {
  int descriptor = -1;
  Serve([&](const CallSpec& call, const auto& add, const auto& keep_on) {
    EXPECT_EQ(call.function, "f");
    EXPECT_OK(keep_on());
    if (call.arguments.empty()) return Status::NotFound("no argument");
    if (!call.descriptors.empty()) descriptor = call.descriptors[0];
    EXPECT_OK(add({CallValue::OfInteger(1)}));
    return add({CallValue::OfInteger(2)});
  });
  const std::unique_ptr<FakeSession> session = NewSession();
  CallRequest call;
  call.function = "f";
  CallRow row;
  EXPECT_TRUE(IsError(session->Ask(call, &row), Code::kNotFound, "argument"));
  call.arguments = {CallValue::OfInteger(5)};
  ASSERT_OK(session->Ask(call, &row));
  EXPECT_EQ(row.columns[0].integer(), 1);
  ASSERT_OK(session->Receive(&row));
  EXPECT_EQ(row.columns[0].integer(), 2);
  CallAnswer end;
  ASSERT_OK(session->Receive(&end));
  // One that came too late is nothing.
  ASSERT_OK(session->Send(CancelRequest(), 2));
  call.descriptor_count = 1;
  EXPECT_TRUE(IsError(session->Ask(call, &row), Code::kInvalidArgument,
                      "0 descriptors, not 1"));
  std::string frame;
  ASSERT_OK(EncodeFrame(call, 9, &frame));
  ASSERT_OK(session->channel()->Send(frame, {0}));
  ASSERT_OK(session->Receive(&row));
  EXPECT_GE(descriptor, 0);
}

TEST_F(ServerSessionTest, ACallIsCancelled) {
  Serve([&](const CallSpec&, const auto&, const auto& keep_on) {
    for (;;) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
  });
  std::unique_ptr<FakeSession> session = NewSession();
  CallRequest call;
  call.function = "f";
  ASSERT_OK(session->Send(call, 7));
  ASSERT_OK(session->Send(CancelRequest(), 6)) << "another one";
  ASSERT_OK(session->Send(CancelRequest(), 7));
  CallAnswer answer;
  EXPECT_TRUE(
      IsError(session->Receive(&answer), Code::kInterrupted, "cancelled"));
  ASSERT_OK(session->Send(call, 8));
  session.reset();
  EXPECT_TRUE(HasSessions(0)) << "nobody waits for the result";
}

}  // namespace
}  // namespace actorkv
