#include "kv/share/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/files/store_names.h"

namespace actorkv {
namespace {

// A frame grows in memory by pieces of at least this size.
constexpr size_t kPieceBytes = size_t{64} << 10;
// A frame that is used again does not keep more.
constexpr size_t kKeptBytes = size_t{1} << 20;

// The room for the descriptors of one frame.
struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * kMaxFrameDescriptors)];
};

// Takes the descriptors out of what came. Returns their number.
size_t TakeDescriptors(msghdr* message, int* descriptors) {
  size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    // All that there is room for, so none is lost and left open.
    const size_t got = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const size_t taken = std::min(got, kMaxFrameDescriptors - count);
    std::memcpy(descriptors + count, CMSG_DATA(part), taken * sizeof(int));
    count += taken;
  }
  return count;
}

void PutDescriptors(const std::vector<int>& descriptors, Control* control,
                    msghdr* message) {
  const size_t bytes = descriptors.size() * sizeof(int);
  message->msg_control = control->bytes;
  message->msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* const part = CMSG_FIRSTHDR(message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(part), descriptors.data(), bytes);
}

int MillisecondsUntil(std::chrono::steady_clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      end - std::chrono::steady_clock::now());
  const int64_t longest = 1'000'000'000;
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, longest));
}

int NewSocket() {
  // A connect() waits for nobody: where the other side has no room for one more
  // it fails.
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

}  // namespace

int ReceivedFrame::TakeDescriptor(size_t index) {
  return std::exchange(descriptors_[index], -1);
}

void ReceivedFrame::CloseDescriptors() {
  for (size_t i = 0; i < count_; ++i) {
    if (descriptors_[i] >= 0) close(descriptors_[i]);
  }
  count_ = 0;
}

Status CheckSocketPath(const std::string& path, const std::string& shown) {
  if (path.size() <= kMaxSocketPathBytes) return Status::Ok();
  return Status::IOError(
             "cannot share the store: the path of a socket has at most " +
             std::to_string(kMaxSocketPathBytes) +
             " bytes where /proc is not mounted, this one has " +
             std::to_string(path.size()) + ": " + shown)
      .WithErrno(ENAMETOOLONG);
}

Status ShareChannel::Connect(const OpenedDirectory& directory,
                             std::unique_ptr<ShareChannel>* channel) {
  const std::string file = std::string("/") + kSocketFileName;
  std::unique_ptr<ShareChannel> made(new ShareChannel(directory.path() + file));
  // work_path() leads through the descriptor of the directory, so that the
  // length of its path does not matter.
  if (Status s = made->ConnectTo(directory.work_path() + file); !s.ok()) {
    return s;
  }
  *channel = std::move(made);
  return Status::Ok();
}

Status ShareChannel::ConnectTo(const std::string& path) {
  if (Status s = CheckSocketPath(path, name_); !s.ok()) return s;
  if (fd_.Open(NewSocket) < 0) return Failed("make a socket for", errno);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  int done = 0;
  do {
    done = connect(fd(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  } while (done != 0 && errno == EINTR);
  if (done != 0) {
    const int error = errno;
    Status s = Failed("connect", error);
    const bool is_busy = error == ECONNREFUSED || error == EAGAIN;
    return is_busy ? Status::Busy(std::string(s.message())).WithErrno(error)
                   : s;
  }
  // From here on who waits says how long, with each call.
  if (fcntl(fd(), F_SETFL, 0) != 0) return Failed("set up", errno);
  return Status::Ok();
}

Status ShareChannel::MakePair(std::unique_ptr<ShareChannel>* one,
                              std::unique_ptr<ShareChannel>* other) {
  std::unique_ptr<ShareChannel> first(new ShareChannel("one side"));
  std::unique_ptr<ShareChannel> second(new ShareChannel("other side"));
  int pair[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return SystemError("make", "a pair of sockets", errno);
  }
  first->fd_.Open([&] { return pair[0]; });
  second->fd_.Open([&] { return pair[1]; });
  *one = std::move(first);
  *other = std::move(second);
  return Status::Ok();
}

Status ShareChannel::Peer(PeerProcess* peer) const {
  ucred found = {};
  socklen_t size = sizeof found;
  if (getsockopt(fd(), SOL_SOCKET, SO_PEERCRED, &found, &size) != 0) {
    return SystemError("ask who is at", name_, errno);
  }
  peer->pid = found.pid;
  peer->uid = found.uid;
  peer->gid = found.gid;
  return Status::Ok();
}

bool ShareChannel::HasPeerEnded() const {
  pollfd polled = {fd(), POLLRDHUP, 0};
  return poll(&polled, 1, 0) > 0 && polled.revents != 0;
}

void ShareChannel::Shutdown() noexcept { shutdown(fd(), SHUT_RDWR); }

Status ShareChannel::CheckUsable() const {
  if (fd() < 0) {
    return Status::IOError(
        "the session belongs to the process that this one "
        "was forked from: " +
        name_);
  }
  if (!is_broken_) return Status::Ok();
  return Status::IOError("the channel has ended: " + name_).WithErrno(EPIPE);
}

Status ShareChannel::Broken(Status status) {
  is_broken_ = true;
  return status;
}

Status ShareChannel::Failed(std::string_view what, int error) {
  is_broken_ = true;
  return SystemError(what, name_, error)
      .WithContext("cannot share the store")
      .WithErrno(error);
}

Status ShareChannel::WaitFor(short events, const Deadline* end,
                             bool* ready) const {
  for (;;) {
    pollfd polled = {fd(), events, 0};
    const int timeout_ms = end == nullptr ? -1 : MillisecondsUntil(*end);
    const int found = poll(&polled, 1, timeout_ms);
    if (found < 0 && errno == EINTR) continue;
    if (found < 0) return SystemError("wait for", name_, errno);
    *ready = found > 0;
    return Status::Ok();
  }
}

Status ShareChannel::Send(std::string_view frame,
                          const std::vector<int>& descriptors) {
  if (Status s = CheckUsable(); !s.ok()) return s;
  if (descriptors.size() > kMaxFrameDescriptors) {
    return Status::InvalidArgument(
        std::to_string(descriptors.size()) + " descriptors, at most " +
        std::to_string(kMaxFrameDescriptors) + " go with a frame: " + name_);
  }
  const Deadline end = std::chrono::steady_clock::now() + frame_time_;
  Control control = {};
  msghdr message = {};
  iovec rest = {};
  message.msg_iov = &rest;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) PutDescriptors(descriptors, &control, &message);
  for (size_t done = 0; done < frame.size();) {
    rest.iov_base = const_cast<char*>(frame.data() + done);
    rest.iov_len = frame.size() - done;
    const ssize_t sent = sendmsg(fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      done += static_cast<size_t>(sent);
      // They went with the first bytes.
      message.msg_control = nullptr;
      message.msg_controllen = 0;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return Failed("send to", errno);
    bool ready = false;
    if (Status s = WaitFor(POLLOUT, &end, &ready); !s.ok()) return Broken(s);
    if (!ready) return Failed("send to", ETIMEDOUT);
  }
  return Status::Ok();
}

Status ShareChannel::Receive(std::chrono::milliseconds wait,
                             size_t max_descriptors, ReceivedFrame* frame,
                             Arrival* arrival) {
  if (Status s = CheckUsable(); !s.ok()) return s;
  frame->CloseDescriptors();
  if (frame->body_.capacity() > kKeptBytes) std::string().swap(frame->body_);
  Status s = ReceiveHeader(wait, max_descriptors, frame, arrival);
  if (s.ok()) return s;
  frame->CloseDescriptors();
  return Broken(s);
}

Status ShareChannel::ReceiveHeader(std::chrono::milliseconds wait,
                                   size_t max_descriptors, ReceivedFrame* frame,
                                   Arrival* arrival) {
  const bool is_endless = wait < std::chrono::milliseconds::zero();
  const Deadline begin_by = std::chrono::steady_clock::now() + wait;
  char header[kFrameHeaderBytes];
  Control control = {};
  msghdr message = {};
  iovec place = {header, sizeof header};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t got = -1;
  while (got < 0) {
    bool ready = true;
    if (!is_endless) {
      if (Status s = WaitFor(POLLIN, &begin_by, &ready); !s.ok()) return s;
    }
    if (!ready) {
      *arrival = Arrival::kNothing;
      return Status::Ok();
    }
    got = recvmsg(fd(), &message,
                  MSG_CMSG_CLOEXEC | (is_endless ? 0 : MSG_DONTWAIT));
    // A peer that ended before it took all that was sent to it.
    if (got < 0 && errno == ECONNRESET) got = 0;
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
      return Failed("receive from", errno);
    }
  }
  if (got == 0) {
    is_broken_ = true;
    *arrival = Arrival::kEnd;
    return Status::Ok();
  }
  const Deadline end = std::chrono::steady_clock::now() + frame_time_;
  frame->count_ = TakeDescriptors(&message, frame->descriptors_);
  if (frame->count_ > max_descriptors ||
      (message.msg_flags & MSG_CTRUNC) != 0) {
    return Status::Corruption("a frame came with more descriptors than " +
                              std::to_string(max_descriptors) + ": " + name_);
  }
  const auto begun = static_cast<size_t>(got);
  if (Status s = ReceiveRest(header + begun, sizeof header - begun, end);
      !s.ok()) {
    return s;
  }
  if (Status s = ParseFrameHeader({header, sizeof header}, &frame->header_);
      !s.ok()) {
    return s.WithContext(name_);
  }
  Deadline body_end = end;
  if (body_gate_ != nullptr) {
    if (Status s = body_gate_(frame->header_.size_bytes); !s.ok()) return s;
    body_end = std::chrono::steady_clock::now() + frame_time_;
  }
  if (Status s = ReceiveBody(frame, body_end); !s.ok()) return s;
  *arrival = Arrival::kFrame;
  return Status::Ok();
}

Status ShareChannel::ReceiveBody(ReceivedFrame* frame, Deadline end) {
  const size_t size = frame->header_.size_bytes;
  std::string* const body = &frame->body_;
  for (size_t done = 0; done < size;) {
    const size_t next = std::min(size, std::max(2 * done, kPieceBytes));
    body->resize(next);
    if (Status s = ReceiveRest(body->data() + done, next - done, end);
        !s.ok()) {
      return s;
    }
    done = next;
  }
  body->resize(size);
  return Status::Ok();
}

Status ShareChannel::ReceiveRest(char* bytes, size_t size, Deadline end) {
  for (size_t done = 0; done < size;) {
    // Without room for descriptors the kernel closes those that come here.
    const ssize_t got = recv(fd(), bytes + done, size - done, MSG_DONTWAIT);
    if (got > 0) {
      done += static_cast<size_t>(got);
      continue;
    }
    if (got == 0 || errno == ECONNRESET) {
      return Status::Corruption("a frame ended in the middle, " +
                                std::to_string(size - done) +
                                " bytes before its end: " + name_);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return Failed("receive from", errno);
    bool ready = false;
    if (Status s = WaitFor(POLLIN, &end, &ready); !s.ok()) return s;
    if (!ready) return Failed("receive the rest of a frame from", ETIMEDOUT);
  }
  return Status::Ok();
}

}  // namespace actorkv
