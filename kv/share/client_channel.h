// ClientChannel: a channel of a session as the asking side has it: one request
// and its answer at a time.
//
// Invariants:
//  1. An answer counts only where it is one to the request that was sent last.
//  2. Once `fate()` is another one than kUsable the channel is not used again:
//     what comes on it later answers nothing.
//
// For one thread at a time.

#ifndef ACTORKV_KV_SHARE_CLIENT_CHANNEL_H_
#define ACTORKV_KV_SHARE_CLIENT_CHANNEL_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/share/channel.h"
#include "kv/share/frame.h"
#include "kv/share/wire.h"
#include "kv/share/wire_status.h"

namespace actorkv {

// Patience: how long an answer is waited for.
struct Patience {
  std::chrono::milliseconds wait{0};
  // How often that is waited in all, while the owner's process is seen to be at
  // work: what it was asked for may take long.
  int rounds = 1;
};

// What became of a channel.
enum class ChannelFate {
  kUsable,
  kLost,       // it ended: the owner did, or it ended the session
  kGivenUp,    // no answer came in time, or none that can be read
  kDismissed,  // the owner says that what came from here was wrong
};

class ClientChannel {
 public:
  explicit ClientChannel(std::unique_ptr<ShareChannel> channel);
  // Connects to whoever serves the store. Errors: those of
  // ShareChannel::Connect().
  static Status Connect(const OpenedDirectory& directory,
                        std::unique_ptr<ClientChannel>* channel);
  ClientChannel(const ClientChannel&) = delete;
  ClientChannel& operator=(const ClientChannel&) = delete;

  // Sends a request and receives its answer; *answer refers to memory of the
  // channel until the next call. Errors: that with which the owner answered,
  // and kInvalidArgument for a request that is too large, as long as fate() is
  // kUsable. Else, by fate(): kIOError; kBusy, or kCorruption; kIOError.
  template <typename Request, typename Answer>
  Status Ask(const Request& request, const Patience& patience, Answer* answer) {
    if (Status s = Send(request, ++last_request_); !s.ok()) return s;
    if (Status s = ReceiveAnswer(Request::kOp, patience); !s.ok()) return s;
    return ReadAnswer(answer);
  }

  // Sends a message that has no answer. Errors: as Ask().
  template <typename Request>
  Status Tell(const Request& request) {
    return Send(request, /*request_number=*/0);
  }

  // The parts of Ask(), for requests with several answers. Sends `request`
  // under a number of its own.
  // `descriptors` go with it.
  template <typename Request>
  Status Begin(const Request& request,
               const std::vector<int>& descriptors = {}) {
    return Send(request, ++last_request_, descriptors);
  }
  // Sends a message about the request that was begun.
  template <typename Request>
  Status TellOfLast(const Request& request) {
    return Send(request, last_request_);
  }
  // Receives the next answer to the last request. *came is false where none
  // begins within `wait`.
  Status ReceiveNext(Op op, std::chrono::milliseconds wait, bool* came);
  template <typename Answer>
  Status ReadAnswer(Answer* answer) {
    if ((frame_.header().flags & kErrorFlag) != 0) return ReadError();
    Status s = DecodeBody(frame_.header(), frame_.body(), answer);
    return s.ok() ? s : GivenUp(std::move(s));
  }
  // The answer is not wanted any more.
  void GiveUp() { static_cast<void>(GivenUp(Status::Ok())); }
  // Waits until the owner ends, or ends the session, or Shutdown().
  void AwaitEnd();
  const FrameHeader& header() const { return frame_.header(); }

  ChannelFate fate() const { return fate_; }
  // The last request went out whole, so that the owner may have begun it.
  bool was_sent() const { return was_sent_; }
  // The owner's process, as the kernel knows it; 0: not seen from here.
  pid_t owner_pid() const { return peer_.pid; }
  // Of the answer to HELLO.
  ReceivedFrame* frame() { return &frame_; }

  // By any thread: whoever waits for an answer gets an end.
  void Shutdown() noexcept { channel_->Shutdown(); }

 private:
  template <typename Request>
  Status Send(const Request& request, uint64_t request_number,
              const std::vector<int>& descriptors = {}) {
    was_sent_ = false;
    if (Status s = EncodeInto(request, request_number, &out_); !s.ok()) {
      return s;
    }
    return SendFrame(descriptors);
  }
  Status SendFrame(const std::vector<int>& descriptors);
  Status ReceiveAnswer(Op op, const Patience& patience);
  Status CheckAnswer(Op op);
  Status TakeLeave();
  Status ReadError();
  Status Lost(Status status);
  Status GivenUp(Status status);

  const std::unique_ptr<ShareChannel> channel_;
  PeerProcess peer_;
  ChannelFate fate_ = ChannelFate::kUsable;
  bool was_sent_ = false;
  uint64_t last_request_ = 0;
  std::string out_;  // the frame that was sent last
  ReceivedFrame frame_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_CHANNEL_H_
