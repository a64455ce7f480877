// Events: what happened to the stores of this process that is rare and worth
// telling: a ring of the last kMaxEvents of them, in memory of a fixed size.
//
// Who sees one happen says so in one line:
//
//   NoteEvent({EventKind::kFlatten, store->path(), actor->name(), "", timer});
//
// Invariants:
//  1. NoteEvent() does not fail, allocates nothing and waits for nobody but
//     another NoteEvent() or ReadEvents(). Texts are cut to the bytes below.
//  2. No ordinary commit or read is an event.
//  3. A child of fork() begins with an empty ring: it has none of the events of
//     its parent.
//
// To add a kind: a line here and one in EventKindName(), and in sql/README.md.

#ifndef ACTORKV_KV_BASE_EVENTS_H_
#define ACTORKV_KV_BASE_EVENTS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace actorkv {

enum class EventKind : uint8_t {
  kOpen,            // a store was opened
  kClose,           // and closed
  kReopen,          // the engine was opened again, after a write that failed
  kFence,           // a writer was shut out: another took over
  kFlatten,         // pages were copied, so that a branch needs no ancestors
  kReclaimPass,     // history was removed
  kStall,           // a commit waited long for the engine, or for space
  kUnknownOutcome,  // the engine did not know whether a commit happened
  kLargeExport,     // an export is larger than Rivet takes
};

// "open", "unknown_outcome", ...
const char* EventKindName(EventKind kind);

inline constexpr size_t kMaxEvents = 1000;

// A longer text ends in "...".
inline constexpr size_t kMaxEventStoreBytes = 512;
inline constexpr size_t kMaxEventActorBytes = 256;
inline constexpr size_t kMaxEventDetailBytes = 512;

inline uint64_t MicrosecondsOf(std::chrono::nanoseconds time) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

// How long something took, from when it was made on.
class EventTimer {
 public:
  EventTimer() : begin_(std::chrono::steady_clock::now()) {}

  uint64_t elapsed_us() const {
    return MicrosecondsOf(std::chrono::steady_clock::now() - begin_);
  }

 private:
  const std::chrono::steady_clock::time_point begin_;
};

struct EventNote {
  EventKind kind;
  std::string_view store;   // its path
  std::string_view actor;   // empty: of no single one
  std::string_view detail;  // for people
  std::optional<uint64_t> duration_us = std::nullopt;
};

void NoteEvent(const EventNote& note) noexcept;

// Notes a stall at its end, where it lived longer than kStallTime. Of many that
// are close together one a second is noted, with the number of the others.
class StallWatch {
 public:
  static constexpr std::chrono::milliseconds kStallTime{100};

  // `store` must outlive it.
  explicit StallWatch(std::string_view store) : store_(store) {}
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

 private:
  const std::string_view store_;
  const EventTimer timer_;
};

struct Event {
  uint64_t seq = 0;             // from 1 on, without a gap
  uint64_t happened_at_ms = 0;  // of the clock on the wall, since 1970
  EventKind kind = EventKind::kOpen;
  std::string store;
  std::string actor;
  std::string detail;
  std::optional<uint64_t> duration_us;
};

// Those that are in the ring, the oldest first.
std::vector<Event> ReadEvents();

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_EVENTS_H_
