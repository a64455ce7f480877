// ClientTime: the time of the store, as the processes that share it have it on
// the board of the owner.
//
// Invariants:
//  1. No time is given twice by this process, and none before `at_least_us`,
//     whatever is found on the board. What cannot be a time there is not
//     believed: the owner looks at the times of each commit anyway
//     (kv/store/clock.h), and takes none that is kMaxAheadUs ahead of its own.
//  2. The offset is believed as it was when the owner gave the board, and where
//     it changed, as long as the last time on the board agrees with it: the
//     owner gives one right after a step.

#ifndef ACTORKV_KV_SHARE_CLIENT_TIME_H_
#define ACTORKV_KV_SHARE_CLIENT_TIME_H_

#include <atomic>
#include <cstdint>

#include "kv/share/board.h"
#include "kv/store/shared_time.h"

namespace actorkv {

class ClientSession;
class OwnerSession;

class ClientTime final : public SharedTime {
 public:
  // Of this session, which has it.
  explicit ClientTime(const ClientSession* session) : session_(session) {}

  uint64_t Next(uint64_t at_least_us) noexcept override;
  uint64_t last_us() const noexcept override;
  uint64_t offset_us() const noexcept override;
  // The owner says it.
  void set_offset_us(uint64_t) noexcept override {}

 private:
  bool TakeFromBoard(uint64_t at_least_us, uint64_t* time_us) noexcept;

  // Whether the board's last time is what the wall clock and this offset say.
  static bool Agrees(const Board& board, uint64_t offset_us) noexcept;

  const ClientSession* const session_;
  std::atomic<uint64_t> last_us_{0};  // that was given here
  // The offset that is believed, and whose it is.
  mutable std::atomic<const OwnerSession*> offset_of_{nullptr};
  mutable std::atomic<uint64_t> offset_us_{0};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_TIME_H_
