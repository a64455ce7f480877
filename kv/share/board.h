// Board: the memory by which the owner of a store and the processes that have a
// session with it talk without a message: the store's time, what changed, and a
// slot for each actor that is open.
//
//   offset  bytes  field
//        0      8  clock_last_us: the last time that was given
//        8     56  not used: each commit writes the word before
//       64      8  layout = "akboard" and the byte 1
//       72      8  incarnation, of the owner that made the board
//       80      8  settings_seq: rises when a setting changed
//       88      8  catalog_seq: rises when a name was given or taken away
//       96      8  clock_offset_us: how far the store's time is ahead of the
//                  wall clock (kv/store/clock_step.h)
//      104     24  not used
//      128     64  slot 0 (kv/share/actor_slot.h)
//      192     64  slot 1, and so on: kBoardSlots in all
//
// All is little-endian, as on every machine that we run on. The owner makes a
// board with each opening of the store and passes it on; one is never used
// after its owner.
//
// Invariants:
//  1. No time is given twice: NextTime() goes up, whoever asks. Only the owner
//     sets it back, to what it knows itself, where a process that works wrongly
//     wrote a time that cannot be.
//  2. What is found on the board is not used as an index or a length; where it
//     is beyond what can be, the caller gets an error.
//
// Thread-safe, and safe between processes. Where the system gave memory that
// takes no space until it is used, 4 MiB of slots cost what is open.

#ifndef ACTORKV_KV_SHARE_BOARD_H_
#define ACTORKV_KV_SHARE_BOARD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/share/actor_slot.h"
#include "kv/share/shared_memory.h"

namespace actorkv {

// The number of actors that all sessions together may have open.
constexpr uint32_t kBoardSlots = 65536;

// A later time is none: no wall clock says it, and counting on from it would
// begin anew at 0. It is in the year 9999, in microseconds since 1970.
constexpr uint64_t kLatestTimeUs = uint64_t{253'370'764'800} * 1'000'000;

class Board {
 public:
  // Makes one, of the owner's `incarnation`, in memory, or where that cannot be
  // in a file of `directory`. Errors: those of SharedMemory::Make().
  static Status Make(const OpenedDirectory& directory, uint64_t incarnation,
                     std::unique_ptr<Board>* board);

  // Maps the one that the owner `incarnation` passed on. Takes `fd`, also on an
  // error. Errors: kCorruption for what is no such board; kIOError.
  static Status Adopt(int fd, uint64_t incarnation,
                      std::unique_ptr<Board>* board);

  // The descriptor to pass on.
  int fd() const { return memory_->fd(); }
  // Nobody is to have it any more than have it by now.
  void CloseDescriptor() { memory_->Close(); }
  bool is_of_parent() const { return memory_->is_of_parent(); }

  // Gives a time later than any before, that of the wall where it is that.
  // Errors: kCorruption where the board says a time that cannot be.
  Status NextTime(uint64_t wall_us, uint64_t* time_us);
  // No time up to this one is given any more.
  void RaiseTime(uint64_t at_least_us) noexcept;

  // The last time that was given, and how far it is ahead of the wall: as
  // found.
  uint64_t last_time_us() const {
    return clock_last_us_->load(std::memory_order_relaxed);
  }
  uint64_t clock_offset_us() const {
    return clock_offset_us_->load(std::memory_order_relaxed);
  }
  void SetClockOffset(uint64_t offset_us) noexcept {
    clock_offset_us_->store(offset_us, std::memory_order_relaxed);
  }
  // The owner does not believe the time `found_us`, and goes on from
  // `last_us`. False, and nothing changes, where another one is there by now.
  bool ResetTime(uint64_t found_us, uint64_t last_us) noexcept {
    return clock_last_us_->compare_exchange_strong(found_us, last_us);
  }

  // The slot of this number; null where there is none.
  ActorSlot* slot(uint32_t number) noexcept;

  // Says that there is another head of each actor, where the owner is gone:
  // nobody who has the board knows the newest ones any more.
  void RaiseHeads() noexcept;

  // These say whether something changed since they were looked at. The owner
  // raises them after the change can be read, and before anyone is told of it.
  uint64_t settings_seq() const {
    return settings_seq_->load(std::memory_order_seq_cst);
  }
  void RaiseSettings() noexcept {
    settings_seq_->fetch_add(1, std::memory_order_seq_cst);
  }
  uint64_t catalog_seq() const {
    return catalog_seq_->load(std::memory_order_seq_cst);
  }
  void RaiseCatalog() noexcept {
    catalog_seq_->fetch_add(1, std::memory_order_seq_cst);
  }

 private:
  using Word = std::atomic<uint64_t>;

  explicit Board(std::unique_ptr<SharedMemory> memory);
  Word* WordAt(size_t offset) const;

  const std::unique_ptr<SharedMemory> memory_;
  Word* const clock_last_us_;
  Word* const settings_seq_;
  Word* const catalog_seq_;
  Word* const clock_offset_us_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_BOARD_H_
