// ClientActor: an ActorSide by which the owner of the store is asked.

#ifndef ACTORKV_KV_SHARE_CLIENT_ACTOR_H_
#define ACTORKV_KV_SHARE_CLIENT_ACTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/share/actor_place.h"
#include "kv/share/client_session.h"
#include "kv/store/store_side.h"

namespace actorkv {

class ClientActor final : public ActorSide {
 public:
  ClientActor(std::shared_ptr<ClientSession> session, const std::string& name);
  ~ClientActor() override;

  const std::atomic<uint64_t>* version_word() const override {
    return place_->version_word();
  }
  Status LoadHead(const std::shared_ptr<const HeadState>& known, const Pin* pin,
                  NewestHead* head) override;
  uint64_t owner_count() const override { return session_->owner_count(); }
  const std::shared_ptr<WriterWord>& writer_word() const override {
    return word_;
  }

  // Where it has its slot.
  ActorPlace* place() const { return place_.get(); }

 private:
  Status OpenAndLoad(OwnerSession* owner, ClientChannel* channel, uint32_t pin,
                     NewestHead* head);
  Status LoadAt(OwnerSession* owner, ClientChannel* channel,
                const std::shared_ptr<const HeadState>& known, uint32_t pin,
                NewestHead* head);
  // Puts pages that came with a head into the page cache. Errors: kCorruption
  // for one that the head cannot see.
  Status CachePages(const std::vector<WirePage>& pages,
                    const HeadState& state) const;

  const std::shared_ptr<ClientSession> session_;
  const std::shared_ptr<ActorPlace> place_;
  const std::shared_ptr<WriterWord> word_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_ACTOR_H_
