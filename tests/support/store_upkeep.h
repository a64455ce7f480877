// MaintainStore(): what a store on disk does in the background is done now.

#ifndef ACTORKV_TESTS_SUPPORT_STORE_UPKEEP_H_
#define ACTORKV_TESTS_SUPPORT_STORE_UPKEEP_H_

#include <memory>
#include <string>

#include "kv/process/store_registry.h"
#include "kv/process/upkeep.h"
#include "kv/store/store.h"
#include "tests/support/testing.h"

namespace actorkv {

inline void MaintainStore(const std::string& path) {
  std::shared_ptr<Store> store;
  ASSERT_OK(
      StoreRegistry::Instance()->Acquire(path, OpenMode::kExisting, &store));
  const std::shared_ptr<Upkeep> upkeep =
      StoreRegistry::Instance()->UpkeepForTesting(store.get());
  for (bool more = true; more;) ASSERT_OK(upkeep->Maintain(&more));
  // The store's own thread may be at a piece of it, which ends before this
  // returns, or comes back.
  StoreRegistry::Instance()->CloseIdle();
  for (bool more = true; more;) ASSERT_OK(upkeep->Maintain(&more));
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_STORE_UPKEEP_H_
