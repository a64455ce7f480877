#include "kv/share/server_session.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/base/wall_clock.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/share/actor_messages.h"
#include "kv/share/process_state.h"
#include "kv/share/session_messages.h"

namespace actorkv {
namespace {

// A process that asked something so lately is not looked at.
constexpr uint64_t kStoppedLookUs = 500'000;

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
  return AddSlot(name, 1, slot);
}

void ServerSession::ReclaimWord(const std::string& name) {
  SlotOfSession slot;
  // What is wrong with the actor is told to whoever opens it.
  if (!AddSlot(name, 0, &slot).ok()) return;
  slot.open->queue->Reclaim(parts_.number);
}

Status ServerSession::AddSlot(const std::string& name, size_t opens,
                              SlotOfSession* slot) {
  std::shared_ptr<OpenSlot> opened;
  if (Status s = slots_->Open(name, &opened); !s.ok()) return s;
  bool is_new = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [it, inserted] = open_slots_.try_emplace(
        opened->number, SlotOfSession{opened, nullptr, 0});
    is_new = inserted;
    it->second.open_count += opens;
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
    if (it == open_slots_.end()) return;
    size_t* const opens = &it->second.open_count;
    if (*opens > 0 && --*opens > 0) return;
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

ServerSession::Pins ServerSession::AwakePins() {
  Pins awake;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [number, pin] : pins_) {
    if (parts_.slate->IsAwake(number)) awake.emplace_back(number, pin);
  }
  return awake;
}

size_t ServerSession::TakePinsAway() {
  size_t count = 0;
  for (const auto& [number, pin] : AwakePins()) {
    const std::lock_guard<std::mutex> lock(pin->mutex);
    // One that holds nothing is about to, or was taken away before.
    if (!pin->pin.held() || !parts_.slate->TakeAway(number)) continue;
    pin->pin.Release();
    ++count;
  }
  Add(Metric::kPinsTakenAway, count);
  return count;
}

size_t ServerSession::LookAfter(std::chrono::milliseconds pin_time) {
  const uint64_t now_us = WallClockUs();
  // Whoever asks something is not stopped; and where nothing is held it does
  // not matter.
  const bool is_at_work =
      last_request_us_ + kStoppedLookUs > now_us && last_request_us_ <= now_us;
  if (is_at_work || !LookAtProcess(parts_.peer.pid).is_stopped()) {
    stopped_since_us_ = 0;
    return 0;
  }
  // A clock that is set back begins anew.
  const uint64_t since_us = stopped_since_us_;
  if (since_us == 0 || since_us > now_us) {
    stopped_since_us_ = now_us;
    return 0;
  }
  const auto pin_time_us = std::chrono::microseconds(pin_time).count();
  if (pin_time_us == 0 ||
      now_us - since_us < static_cast<uint64_t>(pin_time_us)) {
    return 0;
  }
  return TakePinsAway();
}

uint64_t ServerSession::OldestCommitUs(EngineReader* reader, const Pins& pins) {
  uint64_t oldest_us = 0;
  std::set<std::pair<uint64_t, uint64_t>> seen;
  for (const auto& [number, pin] : pins) {
    const PinnedSnapshot held = pin_table_->HeldBy(pin->pin);
    if (held.lineage == nullptr || held.lineage->empty()) continue;
    const Snapshot& snapshot = held.snapshot;
    if (!seen.emplace(snapshot.branch.value, snapshot.txid.value).second) {
      continue;
    }
    std::optional<CommitRecord> record;
    if (!GetRecord(reader, ActorPartition(held.lineage->front().actor),
                   CommitKey(snapshot.branch, snapshot.txid), &record)
             .ok() ||
        !record.has_value()) {
      continue;
    }
    const uint64_t at_us = record->committed_at_us;
    if (oldest_us == 0 || at_us < oldest_us) oldest_us = at_us;
  }
  return oldest_us;
}

void ServerSession::NoteRequest(size_t received_bytes) {
  ++requests_;
  received_bytes_ += received_bytes;
  last_request_us_ = WallClockUs();
  Add(Metric::kRequestBytes, received_bytes);
}

void ServerSession::NoteSentBytes(size_t bytes) {
  sent_bytes_ += bytes;
  Add(Metric::kAnswerBytes, bytes);
}

SessionInfo ServerSession::Info(EngineReader* reader) {
  SessionInfo info;
  info.session = parts_.number;
  info.pid = static_cast<uint32_t>(parts_.peer.pid);
  info.uid = parts_.peer.uid;
  info.program = parts_.program;
  info.module = parts_.module;
  info.sqlite_version = parts_.sqlite_version;
  info.engine_version = parts_.engine_version;
  info.since_us = since_us_;
  info.last_request_us = last_request_us_;
  info.requests = requests_;
  info.bytes_received = received_bytes_;
  info.bytes_sent = sent_bytes_;
  info.stopped_since_us = stopped_since_us_;
  const Pins pins = AwakePins();
  info.pin_count = pins.size();
  info.oldest_commit_us = OldestCommitUs(reader, pins);
  const std::lock_guard<std::mutex> lock(mutex_);
  info.channel_count = channels_.size();
  info.open_actor_count = open_slots_.size();
  for (const auto& [number, slot] : open_slots_) {
    if (slot.open->slot->writer() == TokenOf(parts_.number)) {
      info.writing_actor = slot.open->actor->name();
    }
  }
  return info;
}

}  // namespace actorkv
