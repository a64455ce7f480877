// RemoteEngine: an Engine that is in another process, the owner of the store.
//
// It finds the next owner by itself where one ends (kv/share/share_client.h):
// reads are asked again there, and commits are sent again (client_commit.h).

#ifndef ACTORKV_KV_SHARE_REMOTE_ENGINE_H_
#define ACTORKV_KV_SHARE_REMOTE_ENGINE_H_

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/share/client_session.h"

namespace actorkv {

class RemoteEngine final : public Engine {
 public:
  explicit RemoteEngine(std::shared_ptr<ClientSession> session);

  const EngineLimits& limits() const override { return limits_; }
  std::unique_ptr<EngineReader> NewReader() override;
  CommitResult Commit(const Batch& batch, Durability durability) override;
  // The session's own: over all owners of the store.
  HostId owner() const override { return session_->parts().host; }
  Status IsAlive(const HostId& host, bool* alive) override;
  Status Drop(Partition partition) override;
  Status Compact(Partition partition, std::string_view begin,
                 std::string_view end) override;
  Status Sync() override;
  Status CatchUp(std::atomic<uint64_t>* epoch) override;
  Status CheckNotMoved() override;
  Status Checkpoint(const std::string& path, uint64_t* bytes) override;
  Status ListDamage(std::vector<EngineDamage>* damage) override;
  std::string Describe() const override;

 private:
  // What takes long, and has an answer without fields.
  template <typename Request>
  Status Have(const Request& request);

  const std::shared_ptr<ClientSession> session_;
  const EngineLimits limits_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_REMOTE_ENGINE_H_
