#include "kv/share/client_channel.h"

#include <cerrno>
#include <cstddef>
#include <string_view>

#include "kv/share/process_state.h"
#include "kv/share/session_messages.h"

namespace actorkv {
namespace {

// With the answer to HELLO come the board and the slate.
constexpr size_t kHelloDescriptors = 2;

// A frame that was sent does not keep more memory.
constexpr size_t kKeptBytes = size_t{1} << 20;

}  // namespace

ClientChannel::ClientChannel(std::unique_ptr<ShareChannel> channel)
    : channel_(std::move(channel)) {
  // Who cannot be seen is process 0.
  static_cast<void>(channel_->Peer(&peer_));
}

Status ClientChannel::Connect(const OpenedDirectory& directory,
                              std::unique_ptr<ClientChannel>* channel) {
  std::unique_ptr<ShareChannel> connected;
  if (Status s = ShareChannel::Connect(directory, &connected); !s.ok()) {
    return s;
  }
  *channel = std::make_unique<ClientChannel>(std::move(connected));
  return Status::Ok();
}

Status ClientChannel::Lost(Status status) {
  fate_ = ChannelFate::kLost;
  channel_->Shutdown();
  return status;
}

Status ClientChannel::GivenUp(Status status) {
  fate_ = ChannelFate::kGivenUp;
  // An answer that comes later comes to nobody.
  channel_->Shutdown();
  return status;
}

Status ClientChannel::SendFrame(const std::vector<int>& descriptors) {
  if (fate_ != ChannelFate::kUsable) {
    return Status::IOError("the channel to the owner of the store has ended");
  }
  Status s = channel_->Send(out_, descriptors);
  if (out_.capacity() > kKeptBytes) std::string().swap(out_);
  was_sent_ = s.ok();
  if (s.ok()) return s;
  // It takes nothing: it is stopped, or works on something else for ever.
  if (s.system_errno() == ETIMEDOUT) {
    return GivenUp(OwnerDoesNotAnswer(peer_.pid, kFrameTime));
  }
  return Lost(std::move(s));
}

Status ClientChannel::ReceiveNext(Op op, std::chrono::milliseconds wait,
                                  bool* came) {
  const size_t descriptors = op == Op::kHello ? kHelloDescriptors : 0;
  Arrival arrival = Arrival::kNothing;
  if (Status s = channel_->Receive(wait, descriptors, &frame_, &arrival);
      !s.ok()) {
    return Lost(std::move(s));
  }
  *came = arrival == Arrival::kFrame;
  switch (arrival) {
    case Arrival::kEnd:
      return Lost(Status::IOError("the owner of the store, process " +
                                  std::to_string(peer_.pid) + ", has ended"));
    case Arrival::kNothing:
      break;
    case Arrival::kFrame:
      return CheckAnswer(op);
  }
  return Status::Ok();
}

void ClientChannel::AwaitEnd() {
  // What comes is a leave, or no answer to anything: the end in any case.
  bool came = false;
  while (fate_ == ChannelFate::kUsable) {
    if (!ReceiveNext(Op::kGoAway, kForever, &came).ok()) return;
  }
}

Status ClientChannel::ReceiveAnswer(Op op, const Patience& patience) {
  for (int round = 1;; ++round) {
    bool came = false;
    if (Status s = ReceiveNext(op, patience.wait, &came); !s.ok() || came) {
      return s;
    }
    const ProcessState state = LookAtProcess(peer_.pid);
    if (round >= patience.rounds || state.is_stopped()) {
      return GivenUp(OwnerDoesNotAnswer(peer_.pid, patience.wait * round));
    }
  }
}

Status ClientChannel::CheckAnswer(Op op) {
  const FrameHeader& header = frame_.header();
  if (header.op == Op::kGoAway && header.flags == 0) return TakeLeave();
  const bool is_answer = (header.flags & kAnswerFlag) != 0;
  if (is_answer && header.op == op && header.request == last_request_) {
    return Status::Ok();
  }
  FrameHeader asked;
  asked.op = op;
  asked.request = last_request_;
  return GivenUp(Status::Corruption("the owner of the store answered " +
                                    FrameName(header) + " where " +
                                    FrameName(asked) + " was asked"));
}

Status ClientChannel::TakeLeave() {
  GoAwayRequest leave;
  if (Status s = DecodeBody(frame_.header(), frame_.body(), &leave); !s.ok()) {
    return GivenUp(std::move(s));
  }
  Status left = Status::IOError("the owner of the store ended the session: " +
                                std::string(leave.text));
  static_cast<void>(Lost(left));
  if (leave.reason == GoAwayReason::kMisuse) fate_ = ChannelFate::kDismissed;
  return left;
}

Status ClientChannel::ReadError() {
  Status error;
  Status s = DecodeError(frame_.header(), frame_.body(), &error);
  return s.ok() ? error : GivenUp(std::move(s));
}

}  // namespace actorkv
