// ClientTime: the time of the store, as the processes that share it have it on
// the board of the owner.
//
// Invariants:
//  1. No time is given twice by this process, and none before `at_least_us`,
//     whatever is found on the board. What cannot be a time there is not
//     believed: the owner looks at the times of each commit anyway
//     (kv/store/clock.h).

#ifndef ACTORKV_KV_SHARE_CLIENT_TIME_H_
#define ACTORKV_KV_SHARE_CLIENT_TIME_H_

#include <atomic>
#include <cstdint>

#include "kv/share/client_session.h"
#include "kv/store/shared_time.h"

namespace actorkv {

class ClientTime final : public SharedTime {
 public:
  // `session` lives longer.
  explicit ClientTime(const ClientSession* session) : session_(session) {}

  uint64_t Next(uint64_t at_least_us) noexcept override;
  uint64_t last_us() const noexcept override;
  uint64_t offset_us() const noexcept override;
  // The owner says it.
  void set_offset_us(uint64_t) noexcept override {}

 private:
  bool TakeFromBoard(uint64_t at_least_us, uint64_t* time_us) noexcept;

  const ClientSession* const session_;
  std::atomic<uint64_t> last_us_{0};  // that was given here
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_TIME_H_
