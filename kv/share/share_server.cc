#include "kv/share/share_server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <utility>

#include "kv/base/host_id.h"
#include "kv/base/start_thread.h"
#include "kv/base/system_error.h"
#include "kv/base/thrown.h"
#include "kv/share/listener.h"
#include "kv/share/server_channel.h"
#include "kv/share/server_core.h"
#include "kv/share/session_messages.h"
#include "kv/store/retention.h"

namespace actorkv {
namespace {

// Of all sessions, and some that have not said HELLO yet.
constexpr size_t kMaxConnections = kMaxSessions * kMaxChannels + 64;
// How often threads that have ended are looked for, and where the process has
// no descriptor left, whether it has one again.
constexpr int kLookMs = 1000;
constexpr int kNoDescriptorMs = 20;
// How often it is looked who is still waited for in the grace period.
constexpr int kGraceLookMs = 10;

using Clock = std::chrono::steady_clock;

class Server : public ShareServer {
 public:
  explicit Server(std::unique_ptr<ServerCore> core) : core_(std::move(core)) {}
  ~Server() override { static_cast<void>(End({})); }

  Status Begin();
  bool Stop(std::chrono::steady_clock::time_point give_up) override {
    return End(give_up);
  }
  void AwaitGrace() override { core_->grace.Await(); }
  size_t session_count() const override { return core_->sessions.size(); }
  int running_call_count() const override { return core_->running_calls; }
  std::vector<SessionInfo> Sessions() override;

 private:
  static void* RunAccept(void* self);
  void Accept();
  // Lets in whoever waits. False: ask again later.
  bool LetIn();
  bool LetInOne(std::unique_ptr<ShareChannel> channel);
  void JoinEnded();
  // How long to wait for whoever connects.
  int WaitMs() const { return is_grace_over_ ? kLookMs : kGraceLookMs; }
  void LookAtGrace();
  void LookAfterSessions();
  bool End(std::chrono::steady_clock::time_point give_up);
  bool WaitForChannels(std::chrono::steady_clock::time_point give_up);
  void JoinAll();

  const std::unique_ptr<ServerCore> core_;
  std::unique_ptr<ShareListener> listener_;
  UnsharedFd stop_;  // an eventfd
  pthread_t thread_ = {};
  bool has_thread_ = false;
  bool has_ended_ = false;
  Clock::time_point next_look_;  // of LookAfterSessions()
  bool is_grace_over_ = false;   // the accepting thread's

  std::mutex mutex_;  // of what follows
  std::condition_variable channel_ended_;
  size_t running_ = 0;  // channels whose thread has not ended
  std::list<ServerChannel> channels_;
};

Status Server::Begin() {
  if (stop_.Open([] { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }) < 0) {
    return SystemError("make", "an eventfd", errno);
  }
  core_->stop_fd = stop_.get();
  core_->parts.store->clock()->ShareTime(&core_->time, /*is_owner=*/true);
  Status s = ShareListener::Make(core_->parts.directory, &listener_);
  if (!s.ok()) return s;
  has_thread_ = StartThread(&RunAccept, this, &thread_);
  if (has_thread_) return s;
  return Status::IOError(
      "cannot share the store: the system has no thread for it: " +
      core_->parts.store->path());
}

void* Server::RunAccept(void* self) {
  auto* const server = static_cast<Server*>(self);
  while (!server->core_->is_stopping.load()) {
    // What there is no memory for is tried again.
    static_cast<void>(Caught([server] {
      server->Accept();
      return Status::Ok();
    }));
  }
  return nullptr;
}

void Server::Accept() {
  bool can_let_in = true;
  while (!core_->is_stopping.load()) {
    pollfd polled[] = {{core_->stop_fd, POLLIN, 0},
                       {listener_->fd(), POLLIN, 0}};
    // Where nobody can be let in the socket stays readable.
    const nfds_t count = can_let_in ? 2 : 1;
    static_cast<void>(
        poll(polled, count, can_let_in ? WaitMs() : kNoDescriptorMs));
    if (core_->is_stopping.load()) return;
    JoinEnded();
    LookAtGrace();
    LookAfterSessions();
    can_let_in = LetIn();
  }
}

bool Server::LetIn() {
  for (;;) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (running_ >= kMaxConnections) return false;
    }
    std::unique_ptr<ShareChannel> channel;
    if (!listener_->Accept(&channel).ok()) return false;
    if (channel == nullptr) return true;
    if (!LetInOne(std::move(channel))) return false;
  }
}

bool Server::LetInOne(std::unique_ptr<ShareChannel> channel) {
  const std::lock_guard<std::mutex> lock(mutex_);
  channels_.emplace_back(core_.get(), std::move(channel), [this] {
    const std::lock_guard<std::mutex> ended(mutex_);
    --running_;
    channel_ended_.notify_all();
  });
  ++running_;
  if (channels_.back().Start()) return true;
  // There is no thread for it: whoever connected sees an end.
  --running_;
  channels_.pop_back();
  return false;
}

void Server::LookAtGrace() {
  if (is_grace_over_) return;
  static_cast<void>(core_->grace.DropGone());
  is_grace_over_ = core_->grace.IsOver();
  if (is_grace_over_) core_->slots.EndKeeping();
}

void Server::LookAfterSessions() {
  const Clock::time_point now = Clock::now();
  if (now < next_look_) return;
  next_look_ = now + std::chrono::milliseconds(kLookMs);
  Settings settings;
  // Where it cannot be read, what is read stays.
  if (!core_->parts.store->settings()->Get(ActorId{}, &settings).ok()) {
    settings.session_pin_ms = 0;
  }
  const std::chrono::milliseconds pin_time(settings.session_pin_ms);
  for (const auto& session : core_->sessions.All()) {
    static_cast<void>(session->LookAfter(pin_time));
  }
}

void Server::JoinEnded() {
  std::list<ServerChannel> ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = channels_.begin(); it != channels_.end();) {
      const auto next = std::next(it);
      if (it->has_ended()) ended.splice(ended.end(), channels_, it);
      it = next;
    }
  }
  for (ServerChannel& channel : ended) channel.Join();
}

bool Server::WaitForChannels(std::chrono::steady_clock::time_point give_up) {
  std::unique_lock<std::mutex> lock(mutex_);
  return channel_ended_.wait_until(lock, give_up,
                                   [this] { return running_ == 0; });
}

void Server::JoinAll() {
  for (ServerChannel& channel : channels_) channel.Join();
  channels_.clear();
}

bool Server::End(std::chrono::steady_clock::time_point give_up) {
  if (std::exchange(has_ended_, true)) return true;
  core_->is_stopping = true;
  core_->slots.Stop();
  const uint64_t one = 1;
  static_cast<void>(!write(core_->stop_fd, &one, sizeof one));
  if (has_thread_) pthread_join(thread_, nullptr);
  // Nobody connects any more.
  listener_.reset();
  const bool in_time = WaitForChannels(give_up);
  core_->is_given_up = true;
  core_->requests.Stop();
  core_->answers.Stop();
  if (!in_time) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (ServerChannel& channel : channels_) channel.Shutdown();
  }
  JoinAll();
  core_->parts.store->clock()->ShareTime(nullptr, /*is_owner=*/true);
  return in_time;
}

std::vector<SessionInfo> Server::Sessions() {
  std::vector<SessionInfo> infos;
  const std::unique_ptr<EngineReader> reader =
      core_->parts.store->engine()->NewReader();
  for (const auto& session : core_->sessions.All()) {
    infos.push_back(session->Info(reader.get()));
  }
  return infos;
}

}  // namespace

Status ShareServer::Start(Parts parts, std::unique_ptr<ShareServer>* server) {
  const uint64_t incarnation = RandomId();
  std::unique_ptr<Board> board;
  if (Status s = Board::Make(*parts.directory, incarnation, &board); !s.ok()) {
    return s;
  }
  auto made = std::make_unique<Server>(std::make_unique<ServerCore>(
      std::move(parts), std::move(board), incarnation));
  if (Status s = made->Begin(); !s.ok()) return s;
  *server = std::move(made);
  return Status::Ok();
}

}  // namespace actorkv
