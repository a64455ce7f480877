#include "tests/process/failpoint.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <sstream>

#include "kv/share/frame.h"

namespace actorkv {
namespace {

std::atomic<bool> is_set{false};
std::atomic<FrameChange> frame_change{nullptr};

struct State {
  std::mutex mutex;
  Failpoint failpoint;
};
State* TheState() {
  static auto* const state = new State();
  return state;
}

[[noreturn]] void Die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

[[maybe_unused]] void Count(Moment moment, uint8_t op, uint8_t flags) {
  State* const state = TheState();
  const std::lock_guard<std::mutex> lock(state->mutex);
  Failpoint* const wanted = &state->failpoint;
  if (wanted->moment != moment || wanted->op != op || wanted->flags != flags) {
    return;
  }
  if (--wanted->nth == 0) Die();
}

// Under sanitizers nothing calls these.
[[maybe_unused]] void Come(Moment moment) { Count(moment, 0, 0); }

// Whether the descriptor is one of RocksDB's log or record of files.
[[maybe_unused]] bool IsLog(int fd) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path);
  if (size <= 0) return false;
  const std::string_view name(path, static_cast<size_t>(size));
  return (name.size() > 4 && name.substr(name.size() - 4) == ".log") ||
         name.find("/MANIFEST-") != std::string_view::npos;
}

// The whole frame that the message is; empty: it is none.
[[maybe_unused]] std::string_view FrameIn(const msghdr* message) {
  if (message->msg_iovlen != 1) return {};
  const iovec& part = message->msg_iov[0];
  const std::string_view bytes(static_cast<const char*>(part.iov_base),
                               part.iov_len);
  FrameHeader header;
  if (bytes.size() < kFrameHeaderBytes ||
      !ParseFrameHeader(bytes.substr(0, kFrameHeaderBytes), &header).ok() ||
      header.size_bytes != bytes.size() - kFrameHeaderBytes) {
    return {};
  }
  return bytes;
}

// Sends other bytes in the place of the frame, with what goes with it.
[[maybe_unused]] ssize_t SendChanged(int fd, const msghdr* message,
                                     std::string_view frame, int flags) {
  const std::string changed = frame_change.load()(frame);
  msghdr other = *message;
  iovec part = {const_cast<char*>(changed.data()), changed.size()};
  other.msg_iov = &part;
  const ssize_t sent = syscall(SYS_sendmsg, fd, &other, flags);
  if (sent < 0) return sent;
  // What does not fit at once does not come at all: that ends the channel.
  return static_cast<ssize_t>(frame.size());
}

}  // namespace

std::string ToText(const Failpoint& failpoint) {
  return std::to_string(static_cast<int>(failpoint.moment)) + " " +
         std::to_string(failpoint.nth) + " " + std::to_string(failpoint.op) +
         " " + std::to_string(failpoint.flags);
}

Failpoint FailpointOf(const std::string& text) {
  std::istringstream words(text);
  int moment = 0;
  int op = 0;
  int flags = 0;
  Failpoint failpoint;
  words >> moment >> failpoint.nth >> op >> flags;
  failpoint.moment = static_cast<Moment>(moment);
  failpoint.op = static_cast<uint8_t>(op);
  failpoint.flags = static_cast<uint8_t>(flags);
  return failpoint;
}

void DieAt(const Failpoint& failpoint) {
  {
    const std::lock_guard<std::mutex> lock(TheState()->mutex);
    TheState()->failpoint = failpoint;
  }
  is_set = true;
}

void ChangeFrames(FrameChange change) { frame_change = change; }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool HaveFailpoints() { return false; }

#else

bool HaveFailpoints() { return true; }

#endif

}  // namespace actorkv

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#define ACTORKV_SHOWN extern "C" __attribute__((visibility("default")))

ACTORKV_SHOWN ssize_t write(int fd, const void* bytes, size_t size) {
  const bool counts = actorkv::is_set && actorkv::IsLog(fd);
  if (counts) actorkv::Come(actorkv::Moment::kBeforeLogWrite);
  const ssize_t written = syscall(SYS_write, fd, bytes, size);
  if (counts) actorkv::Come(actorkv::Moment::kAfterLogWrite);
  return written;
}

ACTORKV_SHOWN ssize_t pwrite(int fd, const void* bytes, size_t size,
                             off_t offset) {
  const bool counts = actorkv::is_set && actorkv::IsLog(fd);
  if (counts) actorkv::Come(actorkv::Moment::kBeforeLogWrite);
  const ssize_t written = syscall(SYS_pwrite64, fd, bytes, size, offset);
  if (counts) actorkv::Come(actorkv::Moment::kAfterLogWrite);
  return written;
}

ACTORKV_SHOWN int fdatasync(int fd) {
  const bool counts = actorkv::is_set && actorkv::IsLog(fd);
  if (counts) actorkv::Come(actorkv::Moment::kBeforeLogSync);
  const auto done = static_cast<int>(syscall(SYS_fdatasync, fd));
  if (counts) actorkv::Come(actorkv::Moment::kAfterLogSync);
  return done;
}

ACTORKV_SHOWN ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const bool counts = actorkv::is_set;
  const bool changes = actorkv::frame_change.load() != nullptr;
  const std::string_view frame =
      counts || changes ? actorkv::FrameIn(message) : std::string_view();
  if (frame.empty()) return syscall(SYS_sendmsg, fd, message, flags);
  const auto op = static_cast<uint8_t>(frame[2]);
  const auto frame_flags = static_cast<uint8_t>(frame[3]);
  if (counts) {
    actorkv::Count(actorkv::Moment::kBeforeSend, op, frame_flags);
  }
  const ssize_t sent = changes ? actorkv::SendChanged(fd, message, frame, flags)
                               : syscall(SYS_sendmsg, fd, message, flags);
  if (counts) actorkv::Count(actorkv::Moment::kAfterSend, op, frame_flags);
  return sent;
}

ACTORKV_SHOWN int bind(int fd, const sockaddr* address,
                       socklen_t size) noexcept {
  if (actorkv::is_set) actorkv::Come(actorkv::Moment::kBeforeBind);
  const auto done = static_cast<int>(syscall(SYS_bind, fd, address, size));
  if (actorkv::is_set) actorkv::Come(actorkv::Moment::kAfterBind);
  return done;
}

#endif
