// ShareChannel: a connection between two processes on which frames
// (kv/share/frame.h) and descriptors go back and forth.
//
// Invariants:
//  1. After an error of Send() or Receive(), or an end, the two sides may no
//     longer agree where a frame begins: every later call fails.
//  2. A frame that was begun is over within kFrameTime, on either side: a peer
//     that was stopped in the middle holds a thread no longer.
//  3. Memory grows with the bytes that came, not with what a header announces.
//  4. Only descriptors that the caller expects are kept; others are closed.
//
// One thread at a time sends, and one receives; Shutdown() may come from any.
// No call raises SIGPIPE. In a child of fork() all calls fail
// (kv/share/unshared_fd.h).

#ifndef ACTORKV_KV_SHARE_CHANNEL_H_
#define ACTORKV_KV_SHARE_CHANNEL_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/files/store_names.h"
#include "kv/share/frame.h"
#include "kv/share/unshared_fd.h"

namespace actorkv {

// How long a frame may take from its first byte to its last.
constexpr std::chrono::milliseconds kFrameTime{10'000};
// To wait for the first byte as long as it takes.
constexpr std::chrono::milliseconds kForever{-1};

// The number of descriptors that may go with one frame.
constexpr size_t kMaxFrameDescriptors = 4;

// PeerProcess: who is at the other end, as the kernel knows it.
struct PeerProcess {
  pid_t pid = 0;  // 0: of a pid namespace that is not seen from here
  uid_t uid = 0;  // 65534 where the user has no number here
  gid_t gid = 0;
};

// ReceivedFrame: a frame and what came with it. To be used again and again, as
// it keeps its memory.
class ReceivedFrame {
 public:
  ReceivedFrame() = default;
  ~ReceivedFrame() { CloseDescriptors(); }
  ReceivedFrame(const ReceivedFrame&) = delete;
  ReceivedFrame& operator=(const ReceivedFrame&) = delete;

  const FrameHeader& header() const { return header_; }
  // Valid until the next Receive() into it.
  std::string_view body() const { return body_; }
  size_t descriptor_count() const { return count_; }
  // Gives the caller a descriptor, once. REQUIRES: index < descriptor_count().
  int TakeDescriptor(size_t index);

 private:
  friend class ShareChannel;
  void CloseDescriptors();

  FrameHeader header_;
  std::string body_;
  size_t count_ = 0;
  int descriptors_[kMaxFrameDescriptors] = {};
};

// What Receive() found.
enum class Arrival {
  kFrame,    // a frame
  kEnd,      // the peer ended, and nothing was begun
  kNothing,  // nothing began in the time given; the channel is as before
};

class ShareChannel {
 public:
  // Connects to whoever serves the store in `directory`. Waits for nothing.
  // Errors: kNotFound where there is no socket; kBusy where nobody listens at
  // it, or too many wait to be let in; kIOError otherwise, as for a process
  // that may not write to the directory. The text names path and reason,
  // system_errno() is that of the call.
  static Status Connect(const OpenedDirectory& directory,
                        std::unique_ptr<ShareChannel>* channel);

  // Makes two that are connected with each other, for tests.
  static Status MakePair(std::unique_ptr<ShareChannel>* one,
                         std::unique_ptr<ShareChannel>* other);

  ShareChannel(const ShareChannel&) = delete;
  ShareChannel& operator=(const ShareChannel&) = delete;

  // For poll(). Negative in a child of fork().
  int fd() const { return fd_.get(); }

  // Says who made the other end. Errors: kIOError.
  Status Peer(PeerProcess* peer) const;

  // Sends a whole frame, header and body, and copies of `descriptors`, at most
  // kMaxFrameDescriptors, with it. Errors: kIOError, also where the peer is
  // gone (system_errno() EPIPE) or takes nothing for kFrameTime.
  Status Send(std::string_view frame, const std::vector<int>& descriptors);

  // Receives the next frame, which may bring up to `max_descriptors`, and waits
  // up to `wait` for it to begin. *frame is set for Arrival::kFrame only.
  // Errors: kCorruption for a frame that ends in the middle or is none, or has
  // other descriptors; kIOError, also where it is not whole within kFrameTime.
  Status Receive(std::chrono::milliseconds wait, size_t max_descriptors,
                 ReceivedFrame* frame, Arrival* arrival);

  // Whether the peer has ended the channel: nobody hears an answer any more.
  bool HasPeerEnded() const;

  // Ends the channel: who waits in Receive() on either side gets an end.
  void Shutdown() noexcept;

  // Has `gate` called with the size of each body before its memory is there:
  // it may wait for room. Its error ends the channel. The time of the frame
  // begins anew after it.
  using BodyGate = std::function<Status(size_t size_bytes)>;
  void SetBodyGate(BodyGate gate) { body_gate_ = std::move(gate); }

  // Shortens kFrameTime for this channel.
  void SetFrameTimeForTesting(std::chrono::milliseconds time) {
    frame_time_ = time;
  }

 private:
  friend class ShareListener;
  using Deadline = std::chrono::steady_clock::time_point;

  explicit ShareChannel(std::string name) : name_(std::move(name)) {}

  Status ConnectTo(const std::string& path);
  // Waits until the socket can be read or written. *ready: it can, before
  // `end`; none: as long as it takes.
  Status WaitFor(short events, const Deadline* end, bool* ready) const;
  Status ReceiveHeader(std::chrono::milliseconds wait, size_t max_descriptors,
                       ReceivedFrame* frame, Arrival* arrival);
  // Has the rest of the header, then the body, by `end`.
  Status ReceiveRest(char* bytes, size_t size, Deadline end);
  Status ReceiveBody(ReceivedFrame* frame, Deadline end);
  Status CheckUsable() const;
  // Marks the channel as unusable, and returns the error.
  Status Broken(Status status);
  Status Failed(std::string_view what, int error);

  const std::string name_;  // for messages
  UnsharedFd fd_;
  std::chrono::milliseconds frame_time_ = kFrameTime;
  BodyGate body_gate_;
  std::atomic<bool> is_broken_{false};
};

// The longest path of a socket (unix(7)), without its end.
constexpr size_t kMaxSocketPathBytes = 107;

// Errors: kIOError for a path that is longer, which only is so where there is
// no /proc. `path` is for system calls, `shown` for messages.
Status CheckSocketPath(const std::string& path, const std::string& shown);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CHANNEL_H_
