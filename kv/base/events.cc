#include "kv/base/events.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <mutex>

#include "kv/base/duration.h"
#include "kv/base/per_process.h"
#include "kv/base/wall_clock.h"
#include "kv/base/whole_mutex.h"

namespace actorkv {

namespace {

constexpr std::chrono::seconds kStallInterval{1};

template <size_t kMaxBytes>
class ShortText {
 public:
  // Without half a character of UTF-8 before the dots.
  void Set(std::string_view text) noexcept {
    constexpr std::string_view kDots = "...";
    size_ = std::min(text.size(), kMaxBytes);
    if (text.size() > kMaxBytes) {
      size_ -= kDots.size();
      while (size_ > 0 &&
             (static_cast<unsigned char>(text[size_]) & 0xc0) == 0x80) {
        --size_;
      }
    }
    std::copy_n(text.begin(), size_, bytes_.begin());
    if (text.size() <= kMaxBytes) return;
    std::copy(kDots.begin(), kDots.end(), bytes_.begin() + size_);
    size_ += kDots.size();
  }

  std::string str() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kMaxBytes> bytes_{};
  size_t size_ = 0;
};

struct Slot {
  uint64_t happened_at_ms = 0;
  EventKind kind = EventKind::kOpen;
  ShortText<kMaxEventStoreBytes> store;
  ShortText<kMaxEventActorBytes> actor;
  ShortText<kMaxEventDetailBytes> detail;
  bool has_duration = false;
  uint64_t duration_us = 0;
};

// In memory that is not touched before it is used. Never destroyed: events
// happen until the process has ended.
std::array<Slot, kMaxEvents> ring;
WholeMutex ring_mutex;
uint64_t event_count = 0;  // under ring_mutex; event seq is in (seq - 1) % size

// Of what StallWatch saw; under ring_mutex.
std::chrono::steady_clock::time_point next_stall;
uint64_t stalls_left_out = 0;

uint64_t ring_forks = 0;  // ForkCount() of whose events these are

// A child of fork() begins with none. REQUIRES: ring_mutex is held.
void ForgetThoseOfParent() noexcept {
  if (ring_forks == ForkCount()) return;
  ring_forks = ForkCount();
  event_count = 0;
  next_stall = {};
  stalls_left_out = 0;
}

void AddLocked(const EventNote& note) noexcept {
  ForgetThoseOfParent();
  Slot& slot = ring[event_count++ % kMaxEvents];
  slot.happened_at_ms = WallClockUs() / kUsPerMs;
  slot.kind = note.kind;
  slot.store.Set(note.store);
  slot.actor.Set(note.actor);
  slot.detail.Set(note.detail);
  slot.has_duration = note.duration_us.has_value();
  slot.duration_us = note.duration_us.value_or(0);
}

void NoteStall(std::string_view store, uint64_t duration_us) noexcept {
  const std::lock_guard<WholeMutex> lock(ring_mutex);
  ForgetThoseOfParent();
  const auto now = std::chrono::steady_clock::now();
  if (now < next_stall) {
    ++stalls_left_out;
    return;
  }
  next_stall = now + kStallInterval;
  constexpr std::string_view kOne = "a commit waited";
  constexpr std::string_view kMore = ", and before it others: ";
  std::array<char, kOne.size() + kMore.size() + 20> text{};
  char* end = std::copy(kOne.begin(), kOne.end(), text.data());
  if (stalls_left_out > 0) {
    end = std::copy(kMore.begin(), kMore.end(), end);
    end = std::to_chars(end, text.data() + text.size(), stalls_left_out).ptr;
  }
  stalls_left_out = 0;
  const std::string_view detail(text.data(),
                                static_cast<size_t>(end - text.data()));
  AddLocked({EventKind::kStall, store, {}, detail, duration_us});
}

}  // namespace

const char* EventKindName(EventKind kind) {
  switch (kind) {
    case EventKind::kOpen:
      return "open";
    case EventKind::kClose:
      return "close";
    case EventKind::kReopen:
      return "reopen";
    case EventKind::kFence:
      return "fence";
    case EventKind::kFlatten:
      return "flatten";
    case EventKind::kReclaimPass:
      return "reclaim_pass";
    case EventKind::kStall:
      return "stall";
    case EventKind::kUnknownOutcome:
      return "unknown_outcome";
    case EventKind::kLargeExport:
      return "large_export";
  }
  return "";
}

void NoteEvent(const EventNote& note) noexcept {
  const std::lock_guard<WholeMutex> lock(ring_mutex);
  AddLocked(note);
}

StallWatch::~StallWatch() {
  const uint64_t elapsed_us = timer_.elapsed_us();
  if (elapsed_us <= MicrosecondsOf(kStallTime)) return;
  NoteStall(store_, elapsed_us);
}

std::vector<Event> ReadEvents() {
  std::vector<Event> events;
  const std::lock_guard<WholeMutex> lock(ring_mutex);
  ForgetThoseOfParent();
  const uint64_t count = std::min<uint64_t>(event_count, kMaxEvents);
  events.reserve(count);
  for (uint64_t seq = event_count - count + 1; seq <= event_count; ++seq) {
    const Slot& slot = ring[(seq - 1) % kMaxEvents];
    Event event;
    event.seq = seq;
    event.happened_at_ms = slot.happened_at_ms;
    event.kind = slot.kind;
    event.store = slot.store.str();
    event.actor = slot.actor.str();
    event.detail = slot.detail.str();
    if (slot.has_duration) event.duration_us = slot.duration_us;
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace actorkv
