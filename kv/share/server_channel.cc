#include "kv/share/server_channel.h"

#include <poll.h>

#include <cerrno>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/share/server_hello.h"
#include "kv/share/server_requests.h"

namespace actorkv {
namespace {

constexpr short kGone = POLLHUP | POLLERR | POLLNVAL;

}  // namespace

ServerChannel::ServerChannel(ServerCore* core,
                             std::unique_ptr<ShareChannel> channel,
                             std::function<void()> ended)
    : core_(core),
      channel_(std::move(channel)),
      ended_(std::move(ended)),
      memory_(&core->requests) {
  channel_->SetBodyGate([this](size_t bytes) {
    // A commit is in memory twice.
    if (memory_.Take(2 * bytes)) return Status::Ok();
    return Status::Busy("the owner of the store ends");
  });
}

bool ServerChannel::Start() { return StartThread(&Run, this, &thread_); }

void ServerChannel::Join() { pthread_join(thread_, nullptr); }

void* ServerChannel::Run(void* self) {
  auto* const channel = static_cast<ServerChannel*>(self);
  // Memory may run out at any point: the channel ends.
  static_cast<void>(Caught([channel] {
    channel->Serve();
    return Status::Ok();
  }));
  channel->channel_->Shutdown();
  channel->memory_.GiveBack();
  if (channel->session_ != nullptr) {
    static_cast<void>(Caught([channel] {
      LeaveSession(channel->core_, channel->channel_.get(), channel->session_);
      return Status::Ok();
    }));
    channel->session_.reset();
  }
  channel->has_ended_ = true;
  channel->ended_();
  return nullptr;
}

bool ServerChannel::WaitForFrame() const {
  const int process = session_ == nullptr ? -1 : session_->process_fd();
  pollfd polled[] = {{channel_->fd(), POLLIN, 0},
                     {core_->stop_fd, POLLIN, 0},
                     {process, POLLIN, 0}};
  // Who does not say who it is is not waited for.
  const int timeout_ms =
      session_ == nullptr ? static_cast<int>(kFrameTime.count()) : -1;
  int found = 0;
  do {
    found = poll(polled, 3, timeout_ms);
  } while (found < 0 && errno == EINTR);
  if (found <= 0 || polled[1].revents != 0) return false;
  if (polled[0].revents != 0 && (polled[0].revents & POLLIN) == 0) {
    return (polled[0].revents & kGone) == 0;
  }
  if (polled[2].revents != 0) {
    // A child of the process may have the socket still. It is not the process.
    session_->Shutdown();
    return false;
  }
  return true;
}

Status ServerChannel::Next(ReceivedFrame* frame, bool* came) {
  *came = false;
  memory_.GiveBack();
  if (!WaitForFrame() || core_->is_stopping.load()) return Status::Ok();
  Arrival arrival = Arrival::kNothing;
  Status s = channel_->Receive(std::chrono::milliseconds(0),
                               kMaxFrameDescriptors, frame, &arrival);
  // What came is not begun any more when the server has stopped meanwhile.
  *came = s.ok() && arrival == Arrival::kFrame && !core_->is_stopping.load();
  return s;
}

Status ServerChannel::ServeSession() {
  bool came = false;
  {
    ReceivedFrame frame;
    if (Status s = Next(&frame, &came); !s.ok() || !came) return s;
    if (Status s = ServeHello(core_, channel_.get(), frame, &session_);
        !s.ok()) {
      return s;
    }
  }
  core_->LimitLog();
  memory_.SetUser(session_.get());
  ServerRequests requests(core_, session_.get(), channel_.get());
  auto frame = std::make_unique<ReceivedFrame>();
  for (;;) {
    if (Status s = Next(frame.get(), &came); !s.ok() || !came) return s;
    if (Status s = requests.Serve(frame.get()); !s.ok()) return s;
    // A large one is counted while it is there, so it does not stay.
    if (frame->body().size() > kSmallRequestBytes) {
      frame = std::make_unique<ReceivedFrame>();
    }
  }
}

void ServerChannel::Serve() {
  const Status s = ServeSession();
  const bool is_misuse = s.code() == Code::kCorruption;
  if (session_ == nullptr) return;
  if (is_misuse || core_->is_stopping.load()) SayGoAway(s);
  // What it sent was wrong, and nobody knows what else is.
  if (is_misuse) session_->Shutdown();
}

void ServerChannel::SayGoAway(const Status& status) {
  GoAwayRequest message;
  const std::string text(status.message());
  message.text = "the owner of the store ends";
  if (status.code() == Code::kCorruption) {
    message.reason = GoAwayReason::kMisuse;
    message.text = text;
  }
  std::string frame;
  if (EncodeFrame(message, 0, &frame).ok()) {
    static_cast<void>(channel_->Send(frame, {}));
  }
}

}  // namespace actorkv
