// ClientWord: the writer's word of an actor, among the processes that share the
// store: on the board, as long as nobody else wants it, and else in line at the
// owner (kv/share/writer_turn.h).

#ifndef ACTORKV_KV_SHARE_CLIENT_WORD_H_
#define ACTORKV_KV_SHARE_CLIENT_WORD_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "kv/base/status.h"
#include "kv/share/actor_place.h"
#include "kv/share/client_session.h"
#include "kv/store/writer_word.h"

namespace actorkv {

class ClientWord final : public WriterWord {
 public:
  ClientWord(std::shared_ptr<ClientSession> session,
             std::shared_ptr<ActorPlace> place)
      : session_(std::move(session)), place_(std::move(place)) {}

  bool MayTake() noexcept override { return place_->MayTake(); }
  bool TryTake() noexcept override { return place_->TryTake(); }
  bool Wait(int64_t limit_us) noexcept override;
  bool Confirm() noexcept override { return place_->Confirm(); }
  bool Release() noexcept override { return place_->Release(); }
  void Yield() noexcept override;
  bool IsTurnOver() noexcept override { return place_->IsTurnOver(); }
  bool held() const noexcept override { return place_->IsHeldByAny(); }
  bool IsOwn() noexcept override { return place_->IsOwn(); }
  // The owner alone does that.
  bool TakeAway() noexcept override { return false; }
  WordHolder Holder() noexcept override { return place_->Holder(); }

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool WaitUntil(Time end);
  // Gets in line at the owner. *granted: this process has the word. *is_asked:
  // the owner has answered. Errors: what kept it from asking.
  Status WaitInLine(Time end, bool* granted, bool* is_asked);
  Status AskFor(OwnerSession* owner, ClientChannel* channel, Time end,
                bool* granted, bool* is_asked);

  const std::shared_ptr<ClientSession> session_;
  const std::shared_ptr<ActorPlace> place_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_WORD_H_
