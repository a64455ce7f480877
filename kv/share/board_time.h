// BoardTime: the time of a store whose processes take it from the board
// (kv/share/board.h), as the owner sees it.
//
// Invariants:
//  1. What is found on the board is believed only where it is at most
//     kMaxAheadUs ahead of what the owner knows: of the times that it gave or
//     believed, and of the wall clock. Else it is set back to that: a process
//     that works wrongly does not take all others into the future.
//
// Thread-safe, and safe between processes. Waits for nothing.

#ifndef ACTORKV_KV_SHARE_BOARD_TIME_H_
#define ACTORKV_KV_SHARE_BOARD_TIME_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "kv/base/wall_clock.h"
#include "kv/share/board.h"
#include "kv/store/shared_time.h"

namespace actorkv {

constexpr uint64_t kMaxAheadUs = uint64_t{60} * 1'000'000;

class BoardTime : public SharedTime {
 public:
  explicit BoardTime(std::shared_ptr<Board> board,
                     std::function<uint64_t()> wall_clock = WallClockUs)
      : board_(std::move(board)), wall_clock_(std::move(wall_clock)) {}

  uint64_t Next(uint64_t at_least_us) noexcept override;
  uint64_t last_us() const noexcept override;
  uint64_t offset_us() const noexcept override { return offset_us_.load(); }
  void set_offset_us(uint64_t offset_us) noexcept override;

 private:
  // Sets back what is not to be believed. Returns what is on the board then.
  uint64_t Checked(uint64_t at_least_us) const noexcept;
  void Know(uint64_t time_us) const noexcept;

  const std::shared_ptr<Board> board_;
  const std::function<uint64_t()> wall_clock_;
  std::atomic<uint64_t> offset_us_{0};
  mutable std::atomic<uint64_t> known_us_{0};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_BOARD_TIME_H_
