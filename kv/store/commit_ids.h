// CommitIds: the ids of the commits that one opened store makes. No other
// object, of this process or of another, gives the same ones, and each says
// whose it is:
//
//     incarnation(8) | slot(10 bits), number(54 bits) | both big-endian
//
// Thread-safe, without a lock.

#ifndef ACTORKV_KV_STORE_COMMIT_IDS_H_
#define ACTORKV_KV_STORE_COMMIT_IDS_H_

#include <atomic>
#include <cstdint>

#include "kv/base/host_id.h"
#include "kv/base/types.h"

namespace actorkv {

class CommitIds {
 public:
  explicit CommitIds(const HostId& owner) : owner_(owner) {}
  CommitIds(const CommitIds&) = delete;
  CommitIds& operator=(const CommitIds&) = delete;

  CommitId Next();

  // `id` is one that Next() of this object gave.
  bool IsOwn(const CommitId& id) const;

  // How many were given, so how many commits of transactions began.
  uint64_t count() const { return count_.load(); }

 private:
  const HostId owner_;
  std::atomic<uint64_t> count_{0};
};

// Whose commit it is, or what else has such an id (LeaseMark).
HostId HostOf(const CommitId& id);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_COMMIT_IDS_H_
