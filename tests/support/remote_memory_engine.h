// NewRemoteMemoryEngine(): an engine in memory, as another process sees it that
// asks its owner.

#ifndef ACTORKV_TESTS_SUPPORT_REMOTE_MEMORY_ENGINE_H_
#define ACTORKV_TESTS_SUPPORT_REMOTE_MEMORY_ENGINE_H_

#include <memory>
#include <utility>

#include "tests/support/client_harness.h"
#include "tests/support/fake_owner.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/memory_engine.h"

namespace actorkv {

// The store, its owner, and a client of it.
struct RemoteStore {
  RemoteStore() : owner(directory, NewMemoryEngine(UnboundedLimits())) {
    client = ConnectTo(ClientParts(directory));
  }

  StoreDirectory directory;
  FakeOwner owner;
  std::shared_ptr<ShareClient> client;
};

class RemoteMemoryEngine : public ForwardingEngine {
 public:
  explicit RemoteMemoryEngine(std::unique_ptr<RemoteStore> store)
      : ForwardingEngine(store->client->NewEngine()),
        store_(std::move(store)) {}
  ~RemoteMemoryEngine() override { store_->client.reset(); }

 private:
  const std::unique_ptr<RemoteStore> store_;
};

inline std::unique_ptr<Engine> NewRemoteMemoryEngine() {
  return std::make_unique<RemoteMemoryEngine>(std::make_unique<RemoteStore>());
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_REMOTE_MEMORY_ENGINE_H_
