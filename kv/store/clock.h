// Clock: the time of a store, a hybrid logical clock (Kulkarni et al., 2014)
// with one process, or with one for each owner: microseconds since 1970, UTC,
// at the pace of the wall clock, except that it never stands still or goes
// back. So times are unique in a store, and they also serve as ids of actors
// and branches.
//
// The clock on the wall may be wrong, and is set right some time. A store's
// time that has run ahead with it cannot go back; from then on it goes on at an
// offset, and a clock step (kv/store/clock_step.h) says so. What people are
// shown, and what they name, are times of the wall: kv/store/time_map.h has the
// way between the two.
//
// Invariants:
//  1. A time is used in a commit only if a clock limit at or above it is in
//     the store before that commit or in the same batch. A restart begins
//     above the largest limit, so no time comes twice, whatever the wall clock
//     does in between. Owners that share a store may give the same time, but
//     never the same id.
//  2. A time of a step is used in a commit only if the record of the step is
//     in the store before that commit or in the same batch. So the times that
//     are in the store have the meaning that they were given.
//  3. A limit or a step counts as stored when the batch that carries it says
//     that it is done (Batch::WhenDone()), and in no other way. Until then each
//     batch that needs it carries it: what failed, or whose outcome is not
//     known, is written once more.
//
// A wall clock that jumps ahead makes history look old. So the clock watches
// for that: see HistoryHold.

#ifndef ACTORKV_KV_STORE_CLOCK_H_
#define ACTORKV_KV_STORE_CLOCK_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/wall_clock.h"
#include "kv/engine/engine.h"
#include "kv/store/clock_step.h"
#include "kv/store/shared_time.h"

namespace actorkv {

// A wall clock that says an earlier time is that of a machine which does not
// know the date (1970, 2000): it is not believed.
constexpr uint64_t kEarliestWallUs = uint64_t{1'577'836'800} * 1'000'000;

// Steps that a store keeps; the oldest go, and what was before them is then
// read as if the clock had been right.
constexpr size_t kMaxClockSteps = 1000;

// For an hour after the wall clock was found further ahead than was to be
// expected, history that is kept by time does not expire in the background:
// the clock may be wrong, and somebody may set it right.
struct HistoryHold {
  uint64_t left_us = 0;  // of the hour; 0: there is none
  uint64_t jump_us = 0;  // how far it was found ahead
  bool seen_running = false;

  // The history of an actor with this retention is held. A store that nobody
  // opened for a day looks like one whose clock is a day ahead; what matters is
  // whether the difference is more than the retention.
  bool Covers(uint64_t retention_ms) const;
  // In words: "the wall clock is 2 days ahead of ...".
  std::string Describe() const;
};

class Clock {
 public:
  explicit Clock(std::function<uint64_t()> wall_clock = WallClockUs,
                 std::function<BootTime()> boot_clock = BootClock);

  // The store has many owners at the same time, of which this is the one in
  // `slot`: ids are its own, and so are the limits that it removes. Before
  // Load().
  void ShareIds(uint16_t slot);

  // Other processes take times as well, from `time`, which lives as long as the
  // clock. `is_owner`: this process owns the store. One that does not writes
  // neither limits nor steps: the owner does, by CoverTime(). By the others
  // before Load(); by the owner at any time, and null when it shares no more.
  void ShareTime(SharedTime* time, bool is_owner);

  // A batch of another process has times up to `newest_us`: adds the limit, and
  // the step, that it needs, as Next() does. By the owner. Errors:
  // kInvalidArgument for a time that is so far ahead that no process that works
  // can have been given it.
  Status CoverTime(uint64_t newest_us, Batch* batch);

  // Reads the limits and steps of the store. Before any call of Next().
  Status Load(EngineReader* reader);

  // Compares the wall clock with what is to be expected after what was loaded,
  // and begins to watch. After Load().
  void BeginWatch();

  // Compares the wall clock with the clock since boot, and says what is held.
  // To be asked now and then: a jump is seen at the next look.
  HistoryHold Look();

  // An id that no owner of the store gives twice: a time as Next() gives it,
  // and later than `above`. Where the store has many owners at the same time,
  // it is one whose lowest bits are the owner's slot, so that none of two can
  // be the same. Where there is one owner at a time every microsecond is one.
  uint64_t NextId(uint64_t above, Batch* batch);

  // A time later than any before. When it is past the limit, adds a new limit
  // to `batch`, and where it begins a step, that; the batch tells the clock
  // when it is done. The clock must outlive it.
  uint64_t Next(Batch* batch);

  // Adds the exact time reached as the limit, so that a clean restart goes on
  // from there.
  void WriteExactLimit(Batch* batch);

  // The largest time that was given, or may have been.
  uint64_t newest_us();

  // What the wall clock says now, whether it is right or not.
  uint64_t WallNow() const { return wall_clock_(); }

 private:
  void NoteLimit(uint64_t limit_us) noexcept;
  void NoteObsolete(uint64_t limit_us) noexcept;
  bool IsOwnId(uint64_t time_us) const;
  uint64_t OwnIdFrom(uint64_t time_us) const;
  void PutLimit(uint64_t limit_us, Batch* batch);
  bool IsStepDue(uint64_t wall_us) const;
  void Advance(uint64_t wall_us);
  void BeginStep(uint64_t begin_us, uint64_t wall_us);
  void PutStep(Batch* batch);
  // What Next() and NextId() share. REQUIRES: mutex_ is held.
  uint64_t TakeTime(bool is_id, Batch* batch);
  void DropOldSteps(Batch* batch);
  void NoteStep(const ClockStep& step);
  // Calls `note` under the lock when the batch is done.
  template <typename Note>
  void WhenDone(Batch* batch, const Note& note);
  void LookLocked();
  void BeginHold(uint64_t jump_us, bool seen_running);
  uint64_t HeldForUs() const;

  const std::function<uint64_t()> wall_clock_;
  const std::function<BootTime()> boot_clock_;
  std::optional<uint16_t> slot_;  // of many owners; none: there is one
  std::mutex mutex_;
  SharedTime* shared_ = nullptr;  // see ShareTime()
  bool is_owner_ = true;
  uint64_t last_us_ = 0;   // the last time given
  uint64_t limit_us_ = 0;  // the largest limit known to be in the store
  // Smaller limits that are still there. One for which there is no memory lies
  // in the store until it is found at the next open.
  std::vector<uint64_t> obsolete_;

  std::vector<ClockStep> steps_;  // in the store, in order
  // Begun, and in no batch that is done: in each until one is. Of several only
  // the last, for which no batch of the others was done, matters.
  std::optional<ClockStep> pending_;
  uint64_t offset_us_ = 0;  // of the last step, pending or not

  bool watching_ = false;
  uint64_t watched_wall_us_ = 0;  // at the last look
  BootTime watched_boot_;
  // The jump that is held for, and when it was seen; none: nothing is held.
  std::optional<ClockStep> jump_;
  bool jump_is_new_ = false;  // no step says so yet
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_CLOCK_H_
