#include "kv/share/server_session.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "kv/base/wall_clock.h"
#include "kv/share/actor_messages.h"
#include "kv/share/session_messages.h"

namespace actorkv {
namespace {

// pidfd_open() has no wrapper in older C libraries.
int OpenProcess(pid_t pid) {
#ifdef SYS_pidfd_open
  if (pid > 0) return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
#endif
  static_cast<void>(pid);
  return -1;
}

}  // namespace

ServerSession::ServerSession(Parts parts, SlotTable* slots, PinTable* pins)
    : parts_(std::move(parts)),
      slots_(slots),
      pin_table_(pins),
      since_us_(WallClockUs()) {
  // Where a child of its process keeps the socket, no end of the channel would
  // tell that the process is gone.
  process_.Open([this] { return OpenProcess(parts_.peer.pid); });
}

ServerSession::~ServerSession() { End(); }

Status ServerSession::AddChannel(ShareChannel* channel) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_ending_) return Status::Busy("the session ends");
  if (channels_.size() == kMaxChannels) {
    return Status::Busy("the session has " + std::to_string(kMaxChannels) +
                        " channels, the most that there may be");
  }
  channels_.push_back(channel);
  return Status::Ok();
}

bool ServerSession::RemoveChannel(ShareChannel* channel) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = std::find(channels_.begin(), channels_.end(), channel);
  if (it != channels_.end()) channels_.erase(it);
  if (channels_.empty()) is_ending_ = true;
  return channels_.empty();
}

void ServerSession::Shutdown() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_ending_ = true;
  for (ShareChannel* const channel : channels_) channel->Shutdown();
}

Status ServerSession::OpenSlotOf(const std::string& name, SlotOfSession* slot) {
  std::shared_ptr<OpenSlot> opened;
  if (Status s = slots_->Open(name, &opened); !s.ok()) return s;
  bool is_new = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [it, inserted] = open_slots_.try_emplace(
        opened->number, SlotOfSession{opened, nullptr, 0});
    is_new = inserted;
    ++it->second.open_count;
    *slot = it->second;
  }
  // It counts once for each session.
  if (!is_new) slots_->Close(opened);
  return Status::Ok();
}

void ServerSession::CloseSlot(uint32_t number) {
  std::shared_ptr<OpenSlot> closed;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = open_slots_.find(number);
    if (it == open_slots_.end() || --it->second.open_count > 0) return;
    closed = it->second.open;
    open_slots_.erase(it);
  }
  closed->queue->EndSession(parts_.number);
  slots_->Close(closed);
}

Status ServerSession::FindSlot(uint32_t number, SlotOfSession* slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = open_slots_.find(number);
  if (it == open_slots_.end()) {
    return Status::InvalidArgument("the session does not have slot " +
                                   std::to_string(number) + " open");
  }
  *slot = it->second;
  return Status::Ok();
}

void ServerSession::NoteSent(uint32_t number,
                             std::shared_ptr<const HeadState> state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = open_slots_.find(number);
  if (it != open_slots_.end()) it->second.sent = std::move(state);
}

Status ServerSession::UsePin(uint32_t number,
                             const std::function<Status(Pin*)>& use) {
  if (number == kNoPin) return use(nullptr);
  if (number >= kSlatePins) {
    return Status::InvalidArgument("there is no pin " + std::to_string(number));
  }
  std::shared_ptr<SessionPin> found;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<SessionPin>& place = pins_[number];
    if (place == nullptr) {
      place = std::make_shared<SessionPin>();
      PinTable::UseWord(parts_.slate->word(number), &place->pin);
    }
    found = place;
  }
  const std::lock_guard<std::mutex> lock(found->mutex);
  return use(&found->pin);
}

Status ServerSession::CheckPin(uint32_t number) {
  return UsePin(number, [](const Pin* pin) {
    // What rests may be woken again, and then it holds what it held.
    if (pin == nullptr || pin->held()) return Status::Ok();
    return Status::Conflict("the commit has expired");
  });
}

void ServerSession::End() {
  std::unordered_map<uint32_t, SlotOfSession> slots;
  std::unordered_map<uint32_t, std::shared_ptr<SessionPin>> pins;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
    slots.swap(open_slots_);
    pins.swap(pins_);
  }
  for (const auto& [number, slot] : slots) {
    slot.open->queue->EndSession(parts_.number);
    slots_->Close(slot.open);
  }
  // The pins go before the slate that their words are in.
  pins.clear();
}

void ServerSession::NoteRequest(size_t received_bytes) {
  ++requests_;
  received_bytes_ += received_bytes;
  last_request_us_ = WallClockUs();
}

SessionInfo ServerSession::Info() {
  SessionInfo info;
  info.session = parts_.number;
  info.pid = static_cast<uint32_t>(parts_.peer.pid);
  info.uid = parts_.peer.uid;
  info.program = parts_.program;
  info.module = parts_.module;
  info.since_us = since_us_;
  info.last_request_us = last_request_us_;
  info.requests = requests_;
  info.bytes_received = received_bytes_;
  info.bytes_sent = sent_bytes_;
  const std::lock_guard<std::mutex> lock(mutex_);
  info.channel_count = channels_.size();
  info.open_actor_count = open_slots_.size();
  for (const auto& [number, pin] : pins_) {
    if (parts_.slate->IsAwake(number)) ++info.pin_count;
  }
  for (const auto& [number, slot] : open_slots_) {
    if (slot.open->slot->writer() == TokenOf(parts_.number)) {
      info.writing_actor = slot.open->actor->name();
    }
  }
  return info;
}

}  // namespace actorkv
