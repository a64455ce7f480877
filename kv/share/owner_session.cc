#include "kv/share/owner_session.h"

#include <unistd.h>

#include <cerrno>

#include "kv/base/thrown.h"
#include "kv/base/types.h"
#include "kv/share/actor_messages.h"

namespace actorkv {
namespace {

Status HasEnded() {
  return Status::IOError("the session with the owner of the store has ended");
}

}  // namespace

// --- The beginning ----------------------------------------------------------

Status OwnerSession::Begin(std::shared_ptr<OpenedDirectory> directory,
                           const HelloRequest& hello, const Patience& patience,
                           std::shared_ptr<OwnerSession>* session) {
  std::unique_ptr<ClientChannel> channel;
  if (Status s = ClientChannel::Connect(*directory, &channel); !s.ok()) {
    return s;
  }
  HelloAnswer answer;
  if (Status s = channel->Ask(hello, patience, &answer); !s.ok()) return s;
  std::shared_ptr<OwnerSession> begun(new OwnerSession(std::move(directory)));
  begun->marker_id_ = std::string(hello.marker_id);
  begun->marker_inode_ = hello.marker_inode;
  begun->module_ = std::string(hello.version.module);
  if (Status s = begun->TakeWelcome(answer, channel->frame()); !s.ok()) {
    return s.WithContext("the owner of the store, process " +
                         std::to_string(channel->owner_pid()));
  }
  begun->idle_.reserve(kMaxChannels);
  begun->idle_.push_back(std::move(channel));
  begun->channel_count_ = 1;
  *session = std::move(begun);
  return Status::Ok();
}

Status OwnerSession::TakeWelcome(const HelloAnswer& answer,
                                 ReceivedFrame* frame) {
  if (answer.protocol < kOldestProtocol || answer.protocol > kNewestProtocol) {
    return Status::NotSupported("it goes on with protocol " +
                                std::to_string(answer.protocol));
  }
  if (answer.session == 0 || answer.session > kMaxSession) {
    return Status::Corruption("it gives session " +
                              std::to_string(answer.session));
  }
  // The board and the slate.
  constexpr size_t kDescriptors = 2;
  if (frame->descriptor_count() != kDescriptors) {
    return Status::Corruption(
        "it gives " + std::to_string(frame->descriptor_count()) +
        " descriptors, not " + std::to_string(kDescriptors));
  }
  number_ = answer.session;
  key_ = answer.key;
  owner_.pid = answer.owner_pid;
  owner_.module = std::string(answer.module);
  owner_.sqlite_version = std::string(answer.sqlite_version);
  owner_.engine_version = std::string(answer.engine_version);
  owner_.session = answer.session;
  kept_pin_count_ = answer.kept_pins.size();
  for (const WireDamage& damage : answer.damages) {
    damages_.push_back({damage.is_kept ? EngineDamage::Kind::kStranded
                                       : EngineDamage::Kind::kLost,
                        std::string(damage.detail), std::string(damage.mend)});
  }
  if (Status s =
          Board::Adopt(frame->TakeDescriptor(0), answer.incarnation, &board_);
      !s.ok()) {
    return s;
  }
  if (Status s = Slate::Adopt(frame->TakeDescriptor(1), &slate_); !s.ok()) {
    return s;
  }
  // A client has many owners in its time, and keeps the memory of each.
  board_->CloseDescriptor();
  slate_->CloseDescriptor();
  return Status::Ok();
}

// --- Channels ---------------------------------------------------------------

void OwnerSession::SetLost() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_lost_.store(true, std::memory_order_release);
  // The session ends in its owner with its last channel.
  idle_.clear();
  changed_.notify_all();
}

bool OwnerSession::MayLend(Use use) const {
  if (use == Use::kPatient && patient_count_ >= kMaxPatientChannels) {
    return false;
  }
  return !idle_.empty() || channel_count_ < allowed_count_;
}

Status OwnerSession::Lend(Use use, std::chrono::milliseconds wait,
                          std::unique_ptr<ClientChannel>* channel) {
  std::unique_lock<std::mutex> lock(mutex_);
  // Each round but the last lowers what is allowed, or waits.
  while (!is_lost()) {
    if (!MayLend(use)) {
      const auto may_go_on = [&] { return is_lost() || MayLend(use); };
      if (changed_.wait_for(lock, wait, may_go_on)) continue;
      return Status::Busy(
          "all channels to the owner of the store are in use: " +
          directory_->path());
    }
    if (use == Use::kPatient) ++patient_count_;
    if (!idle_.empty()) {
      *channel = std::move(idle_.back());
      idle_.pop_back();
      return Status::Ok();
    }
    ++channel_count_;
    lock.unlock();
    bool is_refused = false;
    Status s = Caught([&] { return AddChannel(wait, &is_refused, channel); });
    if (s.ok()) return s;
    GiveBack(use, nullptr);
    if (!is_refused) return s;
    lock.lock();
    allowed_count_ = channel_count_;
    if (allowed_count_ > 0) continue;
    // There is none any more, so the session has ended there.
    is_lost_.store(true, std::memory_order_release);
    return s;
  }
  return HasEnded();
}

std::unique_ptr<ClientChannel> OwnerSession::LendIfIdle() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<ClientChannel> channel = std::move(idle_.back());
  idle_.pop_back();
  return channel;
}

void OwnerSession::GiveBack(Use use,
                            std::unique_ptr<ClientChannel> channel) noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  if (channel != nullptr && !closed_slots_.empty()) {
    TellClosed(&lock, channel.get());
  }
  if (use == Use::kPatient) --patient_count_;
  if (channel != nullptr && channel->fate() == ChannelFate::kUsable &&
      !is_lost()) {
    // There is room for all that there may be.
    idle_.push_back(std::move(channel));
  } else {
    --channel_count_;
  }
  // Not one: who waits for a patient one may not be helped by it.
  changed_.notify_all();
}

Status OwnerSession::AddWatch(std::chrono::milliseconds wait,
                              std::unique_ptr<ClientChannel>* channel) {
  bool is_refused = false;
  return AddChannel(wait, &is_refused, channel);
}

Status OwnerSession::AddChannel(std::chrono::milliseconds wait,
                                bool* is_refused,
                                std::unique_ptr<ClientChannel>* channel) {
  std::unique_ptr<ClientChannel> added;
  Status s = ClientChannel::Connect(*directory_, &added);
  if (s.system_errno() == EAGAIN) {
    *is_refused = true;
    return s;
  }
  if (s.ok()) s = SayHello(wait, added.get());
  if (s.ok()) {
    *channel = std::move(added);
    return s;
  }
  const bool is_connected = added != nullptr;
  if (is_connected && added->fate() == ChannelFate::kGivenUp) return s;
  *is_refused = is_connected && s.code() == Code::kBusy;
  // Nobody is there, or it does not know the session.
  if (!*is_refused) SetLost();
  return s;
}

Status OwnerSession::SayHello(std::chrono::milliseconds wait,
                              ClientChannel* channel) {
  HelloRequest hello;
  hello.version.pid = static_cast<uint32_t>(getpid());
  hello.version.module = module_;
  hello.store_format = kStoreFormat;
  hello.marker_id = marker_id_;
  hello.marker_inode = marker_inode_;
  hello.session = number_;
  hello.key = key_;
  HelloAnswer answer;
  if (Status s = channel->Ask(hello, {wait}, &answer); !s.ok()) return s;
  return answer.session == number_ ? Status::Ok() : HasEnded();
}

// --- Slots ------------------------------------------------------------------

void OwnerSession::CloseSlot(uint32_t slot) noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_lost()) return;
    // Without memory it stays open there until the session ends.
    if (!IfMemory([&] { closed_slots_.push_back(slot); })) return;
  }
  std::unique_ptr<ClientChannel> channel = LendIfIdle();
  if (channel != nullptr) GiveBack(Use::kShort, std::move(channel));
}

void OwnerSession::TellClosed(std::unique_lock<std::mutex>* lock,
                              ClientChannel* channel) {
  std::vector<uint32_t> slots;
  slots.swap(closed_slots_);
  lock->unlock();
  IfMemory([&] {
    for (const uint32_t slot : slots) {
      CloseRequest close;
      close.slot = slot;
      if (!channel->Tell(close).ok()) return;
    }
  });
  lock->lock();
}

}  // namespace actorkv
