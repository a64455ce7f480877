#include "kv/process/serving.h"

#include <utility>

#include "kv/base/process_end.h"
#include "kv/engine/engine_home.h"
#include "kv/process/engines.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"

namespace actorkv {
namespace {

// Waits for a holder of an older version, beside which nothing is claimed.
Status Claim(const std::string& directory, EngineHome* home,
             const OpenWait& wait, std::shared_ptr<PlaceClaim>* claim) {
  std::unique_ptr<PlaceClaim> made;
  Status s = home->Claim(directory, &made);
  while (s.code() == Code::kBusy && !wait.IsOver()) {
    if (Status paused = wait.Pause(); !paused.ok()) return paused;
    s = home->Claim(directory, &made);
  }
  if (s.ok()) *claim = std::move(made);
  return s;
}

}  // namespace

Serving::Serving(std::string path, std::shared_ptr<PlaceClaim> claim,
                 std::shared_ptr<Store> store)
    : path_(std::move(path)),
      claim_(std::move(claim)),
      store_(std::move(store)) {}

Status Serving::Begin(const std::string& directory, const OpenWait& wait,
                      std::unique_ptr<Serving>* serving) {
  EngineHome* home = nullptr;
  if (Status s = FindHome(directory, &home); !s.ok()) return s;
  std::shared_ptr<PlaceClaim> claim;
  if (Status s = Claim(directory, home, wait, &claim); !s.ok()) return s;
  std::shared_ptr<Store> store;
  StoreRegistry* const registry = StoreRegistry::Instance();
  if (Status s = registry->AcquireToServe(directory, wait, claim, &store);
      !s.ok()) {
    return s;
  }
  std::string path = store->path();
  std::unique_ptr<Serving> begun(
      new Serving(std::move(path), std::move(claim), std::move(store)));
  const std::string not_shared =
      registry->SharingOf(begun->store_.get()).not_shared;
  if (!not_shared.empty()) {
    return Status::NotSupported("this process cannot serve the store: " +
                                not_shared);
  }
  *serving = std::move(begun);
  return Status::Ok();
}

Serving::~Serving() {
  store_.reset();
  // First: who comes next is not to wait for it.
  claim_.reset();
  StoreRegistry::Instance()->LeaveToOthers(path_);
}

Status Serving::Check() {
  if (StoreRegistry::Instance()->is_ending()) return ProcessIsEnding(path_);
  return store_->engine()->CheckNotMoved();
}

}  // namespace actorkv
