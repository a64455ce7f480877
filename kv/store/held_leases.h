// HeldLeases: who works under a lease (kv/legacy/legacy_lease.h) in this
// process, so that a lease whose end could not be stored is still known to be
// over.
//
// Thread-safe. Its mutex is taken last: nothing is called while it is held.

#ifndef ACTORKV_KV_STORE_HELD_LEASES_H_
#define ACTORKV_KV_STORE_HELD_LEASES_H_

#include <mutex>
#include <set>

#include "kv/base/types.h"

namespace actorkv {

class HeldLeases {
 public:
  HeldLeases() = default;
  HeldLeases(const HeldLeases&) = delete;
  HeldLeases& operator=(const HeldLeases&) = delete;

  // From now on `owner` has a lease, or not any more.
  void Note(const CommitId& owner, bool held) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (held) {
      owners_.insert(owner);
    } else {
      owners_.erase(owner);
    }
  }

  bool Holds(const CommitId& owner) {
    std::lock_guard<std::mutex> lock(mutex_);
    return owners_.count(owner) != 0;
  }

 private:
  std::mutex mutex_;
  std::set<CommitId> owners_;  // as many as are held
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_HELD_LEASES_H_
