// What tests share that use a store on disk through SQLite: the URI of an
// actor in it, and the store closed again, so that another process may open it
// or the next statement finds it cold.

#ifndef ACTORKV_TESTS_SUPPORT_STORE_ACCESS_H_
#define ACTORKV_TESTS_SUPPORT_STORE_ACCESS_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "kv/process/store_registry.h"
#include "kv/store/store.h"

namespace actorkv {

// "file:STORE/ACTOR?vfs=actorkv".
inline std::string ActorUri(const std::string& store,
                            const std::string& actor) {
  return "file:" + store + "/" + actor + "?vfs=actorkv";
}

// Closes the store in this process, and forgets what is cached of it. REQUIRES:
// no connection to it is open, and no other process shares it.
inline void CloseStore(const std::string& store) {
  std::shared_ptr<Store> opened;
  StoreRegistry* const registry = StoreRegistry::Instance();
  if (!registry->Acquire(store, OpenMode::kExisting, &opened).ok()) return;
  const std::weak_ptr<Store> watched = opened->weak_from_this();
  opened.reset();
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!watched.expired()) {
    registry->CloseIdle();
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "somebody uses the store still: " << store;
      return;
    }
  }
  registry->CloseIdle();  // waits for a close that is under way
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_STORE_ACCESS_H_
