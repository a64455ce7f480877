// ClientPins: the pins of this process as the owner of the store knows them:
// their numbers, and their words on the slate.

#ifndef ACTORKV_KV_SHARE_CLIENT_PINS_H_
#define ACTORKV_KV_SHARE_CLIENT_PINS_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kv/share/actor_messages.h"
#include "kv/share/client_session.h"
#include "kv/store/pins.h"

namespace actorkv {

class ClientPins final : public PinSide {
 public:
  // `session` lives longer.
  explicit ClientPins(ClientSession* session);

  std::atomic<uint32_t>* Take(uint32_t* number) noexcept override;
  void GiveBack(uint32_t number) noexcept override;
  void Keep(uint32_t number, const Snapshot& snapshot,
            const Lineage& lineage) noexcept override;
  void NoteUnkept() noexcept override { session_->NoteLostPins(1); }

 private:
  ClientSession* const session_;
  std::mutex mutex_;
  std::vector<uint32_t> free_;  // numbers that were given back
  uint32_t next_ = 0;           // the first that was never given
};

// The fields of a message that says what a pin holds.
PinFields FieldsOfPin(uint32_t number, const Snapshot& snapshot,
                      const Lineage& lineage);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_PINS_H_
