// Frames and descriptors over a connection, and what becomes of it when the
// other side works wrongly, stops or dies.

#include "kv/share/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "tests/support/forked_child.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using std::chrono::milliseconds;

size_t OpenDescriptors() {
  size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

class ChannelTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(ShareChannel::MakePair(&here_, &there_)); }

  // Sends bytes that need not be a frame.
  void SendRaw(const std::string& bytes) {
    ASSERT_EQ(send(there_->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  Status Receive(size_t max_descriptors = 0) {
    return here_->Receive(kForever, max_descriptors, &frame_, &arrival_);
  }

  void ExpectBroken(Code code, const std::string& part) {
    EXPECT_TRUE(IsError(Receive(), code, part));
    EXPECT_TRUE(IsError(Receive(), Code::kIOError, "the channel has ended"));
    EXPECT_TRUE(IsError(here_->Send(SomeFrame(1, ""), {}), Code::kIOError,
                        "the channel has ended"));
  }

  std::unique_ptr<ShareChannel> here_;
  std::unique_ptr<ShareChannel> there_;
  ReceivedFrame frame_;
  Arrival arrival_ = Arrival::kNothing;
};

TEST_F(ChannelTest, FramesArriveInOrder) {
  ASSERT_OK(there_->Send(SomeFrame(1, ""), {}));
  ASSERT_OK(there_->Send(SomeFrame(2, "body"), {}));
  ASSERT_OK(Receive());
  EXPECT_EQ(arrival_, Arrival::kFrame);
  EXPECT_EQ(frame_.header().request, 1U);
  EXPECT_EQ(frame_.body(), "");
  ASSERT_OK(Receive());
  EXPECT_EQ(frame_.header().op, Op::kSync);
  EXPECT_EQ(frame_.header().request, 2U);
  EXPECT_EQ(frame_.body(), "body");
}

// It does not fit into the buffers of the socket: both sides go in pieces.
TEST_F(ChannelTest, ALargeFrameGoesInPieces) {
  std::string body(size_t{5} << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7);
  std::thread sender([&] { EXPECT_OK(there_->Send(SomeFrame(3, body), {})); });
  const Status received = Receive();
  sender.join();
  ASSERT_OK(received);
  EXPECT_TRUE(frame_.body() == body);
  // The next one is small, and does not see the rest of this one.
  ASSERT_OK(there_->Send(SomeFrame(4, "x"), {}));
  ASSERT_OK(Receive());
  EXPECT_EQ(frame_.body(), "x");
}

TEST_F(ChannelTest, AFrameMayComeByteByByte) {
  const std::string frame = SomeFrame(5, "slow");
  std::thread sender([&] {
    for (const char byte : frame) {
      SendRaw(std::string(1, byte));
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  const Status received = Receive();
  sender.join();
  ASSERT_OK(received);
  EXPECT_EQ(frame_.body(), "slow");
}

TEST_F(ChannelTest, AnEndBetweenFramesIsNoError) {
  ASSERT_OK(there_->Send(SomeFrame(1, "last"), {}));
  there_.reset();
  ASSERT_OK(Receive());
  EXPECT_EQ(arrival_, Arrival::kFrame);
  ASSERT_OK(Receive());
  EXPECT_EQ(arrival_, Arrival::kEnd);
  EXPECT_TRUE(IsError(Receive(), Code::kIOError, "the channel has ended"));
}

// The kernel says ECONNRESET where the peer did not take all.
TEST_F(ChannelTest, AnEndOfAPeerThatDidNotListenIsNoError) {
  ASSERT_OK(here_->Send(SomeFrame(1, "not taken"), {}));
  there_.reset();
  ASSERT_OK(Receive());
  EXPECT_EQ(arrival_, Arrival::kEnd);
}

TEST_F(ChannelTest, HalfAHeaderIsBroken) {
  SendRaw(SomeFrame(1, "").substr(0, 7));
  there_.reset();
  ExpectBroken(Code::kCorruption,
               "a frame ended in the middle, 9 bytes before its end: one side");
}

TEST_F(ChannelTest, HalfABodyIsBroken) {
  SendRaw(SomeFrame(1, "0123456789").substr(0, kFrameHeaderBytes + 3));
  there_.reset();
  ExpectBroken(Code::kCorruption, "a frame ended in the middle, 7 bytes");
}

TEST_F(ChannelTest, WhatIsNoFrameIsBroken) {
  SendRaw("GET / HTTP/1.1\r\n\r\n");
  ExpectBroken(Code::kCorruption, "one side: a frame of another process is ");
}

TEST_F(ChannelTest, AHeaderTakesNoMemoryForWhatItAnnounces) {
  std::string frame = SomeFrame(1, "");
  frame[7] = 2;  // 32 MiB
  SendRaw(frame + "abc");
  there_.reset();
  EXPECT_TRUE(IsError(Receive(), Code::kCorruption, "ended in the middle"));
  EXPECT_LT(frame_.body().size(), size_t{1} << 20);
}

TEST_F(ChannelTest, WaitsNoLongerThanToldForTheBegin) {
  ASSERT_OK(here_->Receive(milliseconds(0), 0, &frame_, &arrival_));
  EXPECT_EQ(arrival_, Arrival::kNothing);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_OK(here_->Receive(milliseconds(30), 0, &frame_, &arrival_));
  EXPECT_EQ(arrival_, Arrival::kNothing);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(30));
  // The channel is as before.
  ASSERT_OK(there_->Send(SomeFrame(1, "late"), {}));
  ASSERT_OK(here_->Receive(milliseconds(30), 0, &frame_, &arrival_));
  EXPECT_EQ(arrival_, Arrival::kFrame);
  EXPECT_EQ(frame_.body(), "late");
}

TEST_F(ChannelTest, AFrameThatWasBegunHasToEnd) {
  here_->SetFrameTimeForTesting(milliseconds(30));
  SendRaw(SomeFrame(1, "rest").substr(0, kFrameHeaderBytes + 1));
  EXPECT_TRUE(IsError(Receive(), Code::kIOError,
                      "cannot share the store: receive the rest of a frame "
                      "from one side: Connection timed out"));
  EXPECT_TRUE(IsError(Receive(), Code::kIOError, "the channel has ended"));
}

// Bytes that come now and then do not make the time longer.
TEST_F(ChannelTest, ATrickleDoesNotGoOnForEver) {
  here_->SetFrameTimeForTesting(milliseconds(60));
  std::atomic<bool> is_over{false};
  std::thread sender([&] {
    SendRaw(SomeFrame(1, std::string(10'000, 'x')).substr(0, 20));
    while (!is_over) {
      SendRaw("x");
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  const Status status = Receive();
  is_over = true;
  sender.join();
  EXPECT_TRUE(IsError(status, Code::kIOError, "timed out"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5000));
}

TEST_F(ChannelTest, APeerThatTakesNothingHoldsNobodyForEver) {
  here_->SetFrameTimeForTesting(milliseconds(30));
  const Status status =
      here_->Send(SomeFrame(1, std::string(8 << 20, 'x')), {});
  EXPECT_TRUE(IsError(status, Code::kIOError,
                      "send to one side: Connection timed out"));
  EXPECT_EQ(status.system_errno(), ETIMEDOUT);
}

// SIGPIPE would end this process.
TEST_F(ChannelTest, SendingToAPeerThatIsGoneIsAnError) {
  there_.reset();
  const Status status = here_->Send(SomeFrame(1, "x"), {});
  EXPECT_TRUE(IsError(status, Code::kIOError,
                      "cannot share the store: send to one side: Broken pipe"));
  EXPECT_EQ(status.system_errno(), EPIPE);
}

TEST_F(ChannelTest, ShutdownEndsTheWaitOfBothSides) {
  std::thread waiter([&] {
    EXPECT_OK(Receive());
    EXPECT_EQ(arrival_, Arrival::kEnd);
  });
  std::this_thread::sleep_for(milliseconds(10));
  here_->Shutdown();
  waiter.join();
  ReceivedFrame frame;
  Arrival arrival = Arrival::kFrame;
  ASSERT_OK(there_->Receive(kForever, 0, &frame, &arrival));
  EXPECT_EQ(arrival, Arrival::kEnd);
}

void NoteSignal(int) {}

// A signal that is handled in the middle of a wait changes nothing.
TEST_F(ChannelTest, SignalsDoNotDisturb) {
  struct sigaction action = {};
  action.sa_handler = NoteSignal;  // without SA_RESTART
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  for (const milliseconds wait : {kForever, milliseconds(10'000)}) {
    Status received;
    std::thread receiver(
        [&] { received = here_->Receive(wait, 0, &frame_, &arrival_); });
    const std::string frame = SomeFrame(1, "body");
    for (const char byte : frame) {
      for (int i = 0; i < 5; ++i) {
        pthread_kill(receiver.native_handle(), SIGUSR1);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      SendRaw(std::string(1, byte));
    }
    receiver.join();
    ASSERT_OK(received);
    EXPECT_EQ(frame_.body(), "body");
  }
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(ChannelTest, DescriptorsArriveWithTheirFrame) {
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  ASSERT_OK(there_->Send(SomeFrame(1, "none"), {}));
  ASSERT_OK(there_->Send(SomeFrame(2, "two"), {pipe_fds[0], pipe_fds[1]}));
  ASSERT_OK(Receive(2));
  EXPECT_EQ(frame_.descriptor_count(), 0U);
  ASSERT_OK(Receive(2));
  EXPECT_EQ(frame_.body(), "two");
  ASSERT_EQ(frame_.descriptor_count(), 2U);
  const int read_end = frame_.TakeDescriptor(0);
  const int write_end = frame_.TakeDescriptor(1);
  EXPECT_EQ(fcntl(read_end, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(write(write_end, "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(read_end, &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  for (const int fd : {read_end, write_end, pipe_fds[0], pipe_fds[1]}) {
    close(fd);
  }
}

TEST_F(ChannelTest, DescriptorsThatNobodyTookAreClosed) {
  const size_t before = OpenDescriptors();
  ASSERT_OK(there_->Send(SomeFrame(1, ""), {0, 1, 2, 0}));
  ASSERT_OK(Receive(kMaxFrameDescriptors));
  EXPECT_EQ(frame_.descriptor_count(), 4U);
  EXPECT_EQ(OpenDescriptors(), before + 4);
  ASSERT_OK(there_->Send(SomeFrame(2, ""), {}));
  ASSERT_OK(Receive());
  EXPECT_EQ(frame_.descriptor_count(), 0U);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ChannelTest, UnexpectedDescriptorsAreClosedAndAnError) {
  const size_t before = OpenDescriptors();
  ASSERT_OK(there_->Send(SomeFrame(1, "x"), {0, 1}));
  EXPECT_TRUE(IsError(Receive(1), Code::kCorruption,
                      "a frame came with more descriptors than 1: one side"));
  EXPECT_EQ(frame_.descriptor_count(), 0U);
  EXPECT_EQ(OpenDescriptors(), before);
}

// Sends `bytes` with `count` descriptors, whatever a frame may have.
void SendWithDescriptors(int socket, const std::string& bytes, size_t count) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 16)] = {};
  std::string copy = bytes;
  iovec place = {copy.data(), copy.size()};
  msghdr message = {};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * count);
  const int fds[16] = {};
  std::memcpy(CMSG_DATA(part), fds, sizeof(int) * count);
  ASSERT_EQ(sendmsg(socket, &message, MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

TEST_F(ChannelTest, MoreDescriptorsThanThereIsRoomForAreNotKept) {
  const size_t before = OpenDescriptors();
  SendWithDescriptors(there_->fd(), SomeFrame(1, ""), 16);
  EXPECT_TRUE(IsError(Receive(kMaxFrameDescriptors), Code::kCorruption,
                      "more descriptors than 4"));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ChannelTest, DescriptorsInTheMiddleOfAFrameAreNotKept) {
  const size_t before = OpenDescriptors();
  const std::string frame = SomeFrame(1, "body");
  SendRaw(frame.substr(0, kFrameHeaderBytes));
  SendWithDescriptors(there_->fd(), frame.substr(kFrameHeaderBytes), 3);
  ASSERT_OK(Receive(kMaxFrameDescriptors));
  EXPECT_EQ(frame_.body(), "body");
  EXPECT_EQ(frame_.descriptor_count(), 0U);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ChannelTest, NoMoreDescriptorsAreSentThanAreTaken) {
  EXPECT_TRUE(IsError(here_->Send(SomeFrame(1, ""), {0, 0, 0, 0, 0}),
                      Code::kInvalidArgument, "5 descriptors, at most 4"));
  // Nothing was sent.
  ASSERT_OK(here_->Send(SomeFrame(2, ""), {}));
  ReceivedFrame frame;
  Arrival arrival = Arrival::kNothing;
  ASSERT_OK(there_->Receive(kForever, 0, &frame, &arrival));
  EXPECT_EQ(frame.header().request, 2U);
}

TEST_F(ChannelTest, KnowsItsPeer) {
  PeerProcess peer;
  ASSERT_OK(here_->Peer(&peer));
  EXPECT_EQ(peer.pid, getpid());
  EXPECT_EQ(peer.uid, getuid());
  EXPECT_EQ(peer.gid, getgid());
}

// A child with a copy of the socket would keep the session of its dead parent.
TEST_F(ChannelTest, AChildOfForkHasNoPartInIt) {
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  ForkedChild child([&] {
    close(pipe_fds[1]);
    if (there_->Send(SomeFrame(1, "child"), {}).code() != Code::kIOError) {
      return 1;
    }
    char byte = 0;
    return read(pipe_fds[0], &byte, 1) == 0 ? 0 : 2;
  });
  there_.reset();
  // While the child lives.
  ASSERT_OK(here_->Receive(milliseconds(5000), 0, &frame_, &arrival_));
  EXPECT_EQ(arrival_, Arrival::kEnd);
  close(pipe_fds[1]);
  EXPECT_EQ(child.Wait(), 0);
  close(pipe_fds[0]);
}

}  // namespace
}  // namespace actorkv
