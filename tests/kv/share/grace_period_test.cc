// GracePeriod, and the words that a new owner keeps meanwhile.

#include "kv/share/grace_period.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kv/files/store_names.h"
#include "tests/support/share_session.h"

namespace actorkv {
namespace {

constexpr HostId kAlice{0, 11};
constexpr HostId kBob{0, 12};
constexpr HostId kCarol{0, 13};

const std::vector<MarkNumber> kAll = {MarkNumberOf(kAlice), MarkNumberOf(kBob),
                                      MarkNumberOf(kCarol)};

class GracePeriodTest : public ServedStore {
 protected:
  void SetUp() override {
    std::unique_ptr<LockFile> holder;
    ASSERT_OK(LockFile::Open(HolderPathIn(directory_.path()), /*create=*/true,
                             &holder));
    Mark(kAlice, &alice_);
    Mark(kBob, &bob_);
    Mark(kCarol, &carol_);
    Serve(nullptr, kAll);
  }

  void Mark(const HostId& host, std::unique_ptr<HostMark>* mark) const {
    ASSERT_OK(HostMark::Make(directory_.path(), host, mark));
  }

  static HelloRequest HelloFrom(const HostId& host) {
    HelloRequest hello = FakeSession::SomeHello();
    hello.host = host.incarnation;
    return hello;
  }

  // False where that takes too long.
  static bool IsSoon(const std::function<bool()>& is_so) {
    const auto end = In(kAnswerTime);
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::unique_ptr<HostMark> alice_;
  std::unique_ptr<HostMark> bob_;
  std::unique_ptr<HostMark> carol_;
};

TEST_F(GracePeriodTest, IsOverWhereThereIsNobody) {
  GracePeriod period(directory_.path(), {}, kAnswerTime);
  EXPECT_TRUE(period.IsOver());
  EXPECT_FALSE(period.NoteJoined(kAlice));
  EXPECT_FALSE(period.DropGone());
  period.Await();
}

TEST_F(GracePeriodTest, EndsWithTheLastThatJoins) {
  GracePeriod period(directory_.path(), kAll, kAnswerTime);
  EXPECT_FALSE(period.NoteJoined(kBob));
  EXPECT_FALSE(period.NoteJoined(kBob));
  EXPECT_FALSE(period.NoteJoined(HostId{0, 99}));
  EXPECT_FALSE(period.NoteJoined(kAlice));
  EXPECT_TRUE(period.NoteJoined(kCarol));
  EXPECT_TRUE(period.IsOver());
  period.Await();
}

TEST_F(GracePeriodTest, WaitsForNobodyThatIsGone) {
  GracePeriod period(directory_.path(), kAll, kAnswerTime);
  bob_.reset();
  carol_.reset();
  EXPECT_FALSE(period.DropGone());
  alice_.reset();
  EXPECT_TRUE(period.DropGone());
  EXPECT_TRUE(period.IsOver());
}

TEST_F(GracePeriodTest, EndsByItself) {
  GracePeriod period(directory_.path(), kAll, std::chrono::milliseconds(20));
  period.Await();
  EXPECT_TRUE(period.IsOver());
  EXPECT_FALSE(period.DropGone());
}

TEST_F(GracePeriodTest, WordsAreReclaimedByWhoHadThem) {
  FakeSession alice(directory_);
  HelloRequest hello = HelloFrom(kAlice);
  hello.words = {"a", "/no name of an actor/"};
  ASSERT_OK(alice.Hello(hello));
  const uint32_t a = alice.Open("a").slot;
  const uint32_t b = alice.Open("b").slot;
  EXPECT_EQ(alice.board->slot(a)->writer(), alice.token());
  EXPECT_EQ(alice.board->slot(b)->writer(), kKeptToken);
  FakeSession bob(directory_);
  ASSERT_OK(bob.Hello(HelloFrom(kBob)));
  EXPECT_EQ(alice.board->slot(b)->writer(), kKeptToken);
  // It has open by now what the next one had.
  FakeSession carol(directory_);
  hello = HelloFrom(kCarol);
  hello.words = {"b"};
  ASSERT_OK(carol.Hello(hello));
  EXPECT_EQ(alice.board->slot(b)->writer(), carol.token());
  EXPECT_EQ(alice.board->slot(a)->writer(), alice.token());
  // Nothing is kept any longer.
  const uint32_t c = bob.Open("c").slot;
  EXPECT_EQ(alice.board->slot(c)->writer(), WriterToken());
  server_->AwaitGrace();
}

TEST_F(GracePeriodTest, WhoeverIsFirstInLineGetsWhatNobodyReclaims) {
  FakeSession alice(directory_);
  ASSERT_OK(alice.Hello(HelloFrom(kAlice)));
  const uint32_t a = alice.Open("a").slot;
  ASSERT_TRUE(alice.board->slot(a)->SetWaiting());
  EXPECT_FALSE(alice.Wait(a, std::chrono::microseconds(1)));
  FakeSession bob(directory_);
  ASSERT_OK(bob.Hello(HelloFrom(kBob)));
  carol_.reset();
  EXPECT_TRUE(alice.Wait(a, kAnswerTime));
  EXPECT_EQ(alice.board->slot(a)->writer(), alice.token());
}

TEST_F(GracePeriodTest, AWordEndsWithTheSessionThatReclaimedIt) {
  auto alice = std::make_unique<FakeSession>(directory_);
  HelloRequest hello = HelloFrom(kAlice);
  hello.words = {"a"};
  ASSERT_OK(alice->Hello(hello));
  FakeSession bob(directory_);
  ASSERT_OK(bob.Hello(HelloFrom(kBob)));
  const uint32_t a = bob.Open("a").slot;
  EXPECT_EQ(bob.board->slot(a)->writer(), alice->token());
  alice.reset();
  EXPECT_TRUE(
      IsSoon([&] { return bob.board->slot(a)->writer() == WriterToken(); }));
}

TEST_F(GracePeriodTest, WhatWasReclaimedIsClosedByTheCloseOfItsOpen) {
  FakeSession alice(directory_);
  HelloRequest hello = HelloFrom(kAlice);
  hello.words = {"a"};
  ASSERT_OK(alice.Hello(hello));
  CloseRequest close;
  close.slot = alice.Open("a").slot;
  ASSERT_OK(alice.Send(close));
  HeadRequest head;
  head.slot = close.slot;
  HeadAnswer answer;
  EXPECT_TRUE(IsError(alice.Ask(head, &answer), Code::kInvalidArgument,
                      "does not have slot"));
}

// Or the next owner would not be told of it.
TEST_F(GracePeriodTest, AWordOutlivesTheOwnerThatEnds) {
  FakeSession alice(directory_);
  ASSERT_OK(alice.Hello(HelloFrom(kAlice)));
  alice_.reset();
  bob_.reset();
  carol_.reset();
  server_->AwaitGrace();
  const uint32_t a = alice.Open("a").slot;
  ActorSlot* const slot = alice.board->slot(a);
  EXPECT_TRUE(IsSoon([&] { return slot->TryTake(alice.token()); }));
  FakeSession bob(directory_);
  ASSERT_OK(bob.Hello());
  WaitRequest wait;
  wait.slot = bob.Open("a").slot;
  wait.timeout_us = 10'000'000;
  ASSERT_TRUE(slot->SetWaiting());
  ASSERT_OK(bob.Send(wait, 1));
  // Who waits does not hold up the end.
  EXPECT_TRUE(server_->Stop(In(kAnswerTime)));
  EXPECT_EQ(slot->writer(), alice.token());
}

TEST_F(GracePeriodTest, TooManyWordsAreRefused) {
  FakeSession alice(directory_);
  HelloRequest hello = HelloFrom(kAlice);
  hello.words.assign(kMaxHeldWords + 1, "a");
  EXPECT_TRUE(
      IsError(alice.Hello(hello), Code::kInvalidArgument, "holds too much"));
}

}  // namespace
}  // namespace actorkv
