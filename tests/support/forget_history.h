// Ends all history of a store, for tests of what stays then.

#ifndef ACTORKV_TESTS_SUPPORT_FORGET_HISTORY_H_
#define ACTORKV_TESTS_SUPPORT_FORGET_HISTORY_H_

#include <cstdint>
#include <optional>

#include "kv/reclaim/reclaim.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"

namespace actorkv {

// Sets the retention of the store to 0.
inline Status KeepNoHistory(Store* store) {
  const SettingInfo* info = nullptr;
  uint64_t previous = 0;
  if (Status s = FindSetting("retention_ms", &info); !s.ok()) return s;
  return store->settings()->Set(ActorId{}, *info, 0, &previous);
}

// The same, and removes all that nobody needs now. *bytes: what was removed.
inline Status ForgetHistory(Store* store, uint64_t* bytes) {
  if (Status s = KeepNoHistory(store); !s.ok()) return s;
  return ReclaimAll(
      store, std::nullopt, [] { return Status::Ok(); }, bytes);
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FORGET_HISTORY_H_
