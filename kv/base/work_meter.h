// WorkMeter: a piece of work that people wait for, from its making to its end:
// a migration, an import, a backup. Who does the work holds one, says which
// phase it is in and how many bytes are done; the others read how it goes.
//
//   WorkMeter work = store->BeginWork(WorkKind::kVerify, "alice");
//   work.Enter("pages", size_bytes);
//   work.Add(page_size);
//
// Cost: Add() is two stores to memory. Enter(), the beginning and the end take
// a lock of the process, and read the clock.
//
// Migrations and imports are counted by what came of them, with their time and
// that of each phase (kv/base/metrics.h): who does one says its outcome by
// Ended(). What memory that ran out takes through here is counted by nobody.
//
// Invariants:
//  1. No work fails because it is shown, but for want of memory at its
//     beginning; and nobody waits for a reader but for one that copies the
//     list.
//  2. A child of fork() begins with an empty list: work of its parent is not
//     its own, and is not ended there.
//
// A meter belongs to one thread at a time; ReadWork() is for any.

#ifndef ACTORKV_KV_BASE_WORK_METER_H_
#define ACTORKV_KV_BASE_WORK_METER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/work_board.h"

namespace actorkv {

class WorkMeter {
 public:
  // `store` is the path of the store, `actor` empty for work on no single one.
  // `board` shows it to other processes as well; null: to none.
  WorkMeter(WorkKind what, std::string_view store, std::string_view actor,
            std::shared_ptr<WorkBoard> board);
  ~WorkMeter();
  WorkMeter(const WorkMeter&) = delete;
  WorkMeter& operator=(const WorkMeter&) = delete;

  // Begins a phase, in which `total_bytes` are to be done (0: not known), and
  // none are. The same phase may be entered again: then only the total changes.
  // `phase` is lower case, and lives as long as the process.
  void Enter(const char* phase, uint64_t total_bytes = 0) noexcept;

  // So many more bytes of the phase are done.
  void Add(uint64_t bytes) noexcept {
    const uint64_t done = done_bytes_.load(std::memory_order_relaxed) + bytes;
    done_bytes_.store(done, std::memory_order_relaxed);
    if (slot_ != WorkBoard::kNoSlot) board_->SetDone(slot_, done);
  }

  // Notes what came of the work, and returns it. Called once, last.
  Status Ended(Status outcome) noexcept;

 private:
  friend std::vector<WorkRow> ReadWork();

  void CountPhase(uint64_t now_ns) const noexcept;

  const std::shared_ptr<WorkBoard> board_;
  size_t slot_ = WorkBoard::kNoSlot;
  std::atomic<uint64_t> done_bytes_{0};
  uint64_t begun_ns_ = 0;
  bool ended_ = false;
  // Changed under the lock of the list, in which the others are too.
  WorkRow row_;
  const char* phase_ = nullptr;
  WorkMeter* older_ = nullptr;
  WorkMeter* newer_ = nullptr;
};

// Adds to the meter where there is one.
inline void AddWork(WorkMeter* work, uint64_t bytes) noexcept {
  if (work != nullptr) work->Add(bytes);
}

// Has the meter enter a phase, where there is one.
inline void EnterWork(WorkMeter* work, const char* phase,
                      uint64_t total_bytes = 0) noexcept {
  if (work != nullptr) work->Enter(phase, total_bytes);
}

// All work of this process, over all its stores, the oldest first.
std::vector<WorkRow> ReadWork();

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_WORK_METER_H_
