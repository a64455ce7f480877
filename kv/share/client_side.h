// ClientSide: a StoreSide by which the owner of the store is asked.

#ifndef ACTORKV_KV_SHARE_CLIENT_SIDE_H_
#define ACTORKV_KV_SHARE_CLIENT_SIDE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kv/share/client_pins.h"
#include "kv/share/client_session.h"
#include "kv/store/store_side.h"

namespace actorkv {

class ClientSide final : public StoreSide {
 public:
  explicit ClientSide(std::shared_ptr<ClientSession> session);

  std::unique_ptr<ActorSide> NewActor(const std::string& name) override;
  CommitResult Commit(const Batch& batch, Durability durability,
                      std::vector<MovedHead>* heads) override;
  Status SendHints(const LearnedHints& learned) override;
  PinSide* pins() override { return &pins_; }
  SharedTime* time() override { return session_->time(); }
  uint64_t lost_pin_count() const override {
    return session_->lost_pin_count();
  }
  uint64_t settings_seq() const override;

 private:
  const std::shared_ptr<ClientSession> session_;
  ClientPins pins_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_SIDE_H_
