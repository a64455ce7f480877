// A server over a store in memory, and sessions with it that are nothing but
// frames: they may say anything.

#ifndef ACTORKV_TESTS_SUPPORT_SHARE_SESSION_H_
#define ACTORKV_TESTS_SUPPORT_SHARE_SESSION_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/share/board.h"
#include "kv/share/channel.h"
#include "kv/share/engine_messages.h"
#include "kv/share/session_messages.h"
#include "kv/share/share_server.h"
#include "kv/share/slate.h"
#include "kv/share/wire.h"
#include "kv/share/wire_status.h"
#include "tests/support/prepared_commit.h"
#include "tests/support/share_harness.h"
#include "tests/support/store_harness.h"

namespace actorkv {

// No answer takes so long in a test that goes well.
constexpr std::chrono::milliseconds kAnswerTime{20'000};

inline std::chrono::steady_clock::time_point In(std::chrono::milliseconds ms) {
  return std::chrono::steady_clock::now() + ms;
}

// FakeSession: a channel of a session, and what came with its first one.
class FakeSession {
 public:
  explicit FakeSession(const StoreDirectory& store) {
    EXPECT_OK(ShareChannel::Connect(*store.opened(), &channel_));
  }

  static HelloRequest SomeHello() {
    HelloRequest hello;
    hello.version.module = "test";
    hello.store_format = kStoreFormat;
    hello.marker_id = "marker";
    hello.marker_inode = 5;
    hello.program = "prog";
    return hello;
  }
  // A further channel of `session`.
  static HelloRequest HelloOf(const FakeSession& session) {
    HelloRequest hello = SomeHello();
    hello.session = session.number;
    hello.key = session.key;
    return hello;
  }

  Status Hello(const HelloRequest& hello = SomeHello()) {
    HelloAnswer answer;
    if (Status s = Ask(hello, &answer); !s.ok()) return s;
    number = answer.session;
    key = answer.key;
    kept_pins = answer.kept_pins;
    if (frame_.descriptor_count() != 2) return Status::Ok();
    if (Status s =
            Board::Adopt(frame_.TakeDescriptor(0), answer.incarnation, &board);
        !s.ok()) {
      return s;
    }
    return Slate::Adopt(frame_.TakeDescriptor(1), &slate);
  }

  template <typename Request>
  Status Send(const Request& request, uint64_t number_of_it = 0) {
    std::string frame;
    if (Status s = EncodeFrame(request, number_of_it, &frame); !s.ok()) {
      return s;
    }
    return channel_->Send(frame, {});
  }

  // The next frame; its error where it is one.
  template <typename Answer>
  Status Receive(Answer* answer) {
    Arrival arrival = Arrival::kNothing;
    if (Status s = channel_->Receive(kAnswerTime, 2, &frame_, &arrival);
        !s.ok()) {
      return s;
    }
    if (arrival != Arrival::kFrame) return Status::IOError("no answer");
    if ((frame_.header().flags & kErrorFlag) == 0) {
      return DecodeBody(frame_.header(), frame_.body(), answer);
    }
    Status error;
    if (Status s = DecodeError(frame_.header(), frame_.body(), &error);
        !s.ok()) {
      return s;
    }
    return error;
  }

  // The answer refers to the frame, until the next one.
  template <typename Request, typename Answer>
  Status Ask(const Request& request, Answer* answer) {
    if (Status s = Send(request, ++request_); !s.ok()) return s;
    return Receive(answer);
  }

  OpenAnswer Open(const std::string& actor, uint32_t pin = kNoPin) {
    OpenRequest request;
    request.actor = actor;
    request.pin = pin;
    OpenAnswer answer;
    EXPECT_OK(Ask(request, &answer));
    return answer;
  }
  HeadAnswer Head(uint32_t slot, const Snapshot& known, uint32_t pin = kNoPin) {
    HeadRequest request;
    request.slot = slot;
    request.known_branch = known.branch;
    request.known_txid = known.txid;
    request.pin = pin;
    HeadAnswer answer;
    EXPECT_OK(Ask(request, &answer));
    return answer;
  }
  bool Wait(uint32_t slot, std::chrono::microseconds limit) {
    WaitRequest request;
    request.slot = slot;
    request.timeout_us = static_cast<uint32_t>(limit.count());
    WaitAnswer answer;
    EXPECT_OK(Ask(request, &answer));
    return answer.is_granted;
  }

  // The other side ends, after GOAWAY where there was one: its reason is
  // *reason then.
  bool IsEnded(GoAwayReason* reason = nullptr) {
    GoAwayRequest message;
    Status s = Receive(&message);
    if (s.ok() && reason != nullptr) *reason = message.reason;
    for (int i = 0; i < 100 && s.ok(); ++i) s = Receive(&message);
    return !s.ok();
  }

  WriterToken token() const { return TokenOf(number); }
  ShareChannel* channel() const { return channel_.get(); }
  void Close() { channel_.reset(); }

  uint32_t number = 0;
  uint64_t key = 0;
  std::vector<uint32_t> kept_pins;
  std::unique_ptr<Board> board;
  std::unique_ptr<Slate> slate;

 private:
  std::unique_ptr<ShareChannel> channel_;
  ReceivedFrame frame_;
  uint64_t request_ = 0;
};

// A store with a server.
class ServedStore : public testing::Test {
 protected:
  void SetUp() override { Serve(nullptr); }
  void TearDown() override { server_.reset(); }

  // `hosts`: those that are to join from the owner before.
  void Serve(ShareServer::CallFunction call,
             std::vector<MarkNumber> hosts = {}) {
    server_.reset();
    ShareServer::Parts parts;
    parts.store = store_.shared();
    parts.directory = directory_.opened();
    parts.marker_id = "marker";
    parts.marker_inode = 5;
    parts.call = std::move(call);
    parts.hosts_beside = std::move(hosts);
    parts.grace_time = kAnswerTime;
    parts.session_ended = [this] { ++ended_; };
    ASSERT_OK(ShareServer::Start(std::move(parts), &server_));
  }

  std::unique_ptr<FakeSession> NewSession() const {
    auto session = std::make_unique<FakeSession>(directory_);
    EXPECT_OK(session->Hello());
    return session;
  }
  // The server goes on for others.
  void ExpectWorks() const {
    FakeSession session(directory_);
    ASSERT_OK(session.Hello());
    DoneAnswer<Op::kSync> done;
    EXPECT_OK(session.Ask(SyncRequest(), &done));
  }

  // Until it has as many sessions.
  bool HasSessions(size_t count) const {
    const auto end = In(kAnswerTime);
    while (server_->session_count() != count) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  // A commit that writes `page` to page 1 of the actor, not made yet.
  PreparedCommit Prepared(const std::string& actor, uint32_t version) const {
    TestTransaction transaction(store_, actor);
    transaction.Write(1, TestPage(kMinPageSize, 1, version));
    return Prepare(transaction);
  }
  // It is made by the owner.
  void Commit(const std::string& actor, uint32_t version,
              PageNo page_count = 1) const {
    TestTransaction transaction(store_, actor);
    for (PageNo pgno = 1; pgno <= page_count; ++pgno) {
      transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
    }
    ASSERT_OK(transaction.Commit());
  }

  static CommitRequest RequestOf(const PreparedCommit& commit, uint32_t slot,
                                 uint32_t pin = kNoPin) {
    CommitRequest request;
    AddBatch(commit.batch, &request);
    request.heads.resize(1);
    request.heads[0].slot = slot;
    request.heads[0].changed_pages = {1};
    request.heads[0].pin = pin;
    return request;
  }

  size_t PinCount() const { return store_->pins()->Snapshots().size(); }

  const StoreDirectory directory_;
  const TestStore store_;
  std::atomic<int> ended_{0};
  std::unique_ptr<ShareServer> server_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SHARE_SESSION_H_
