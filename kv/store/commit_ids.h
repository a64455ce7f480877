// CommitIds: the ids of the commits that one opened store makes. No other
// object, of this process or of another, gives the same ones.
//
// Thread-safe, without a lock.

#ifndef ACTORKV_KV_STORE_COMMIT_IDS_H_
#define ACTORKV_KV_STORE_COMMIT_IDS_H_

#include <atomic>
#include <cstdint>

#include "kv/base/types.h"

namespace actorkv {

// 64 random bits, for an id that is in no other use.
uint64_t RandomId();

class CommitIds {
 public:
  CommitIds() : base_(RandomId()) {}
  CommitIds(const CommitIds&) = delete;
  CommitIds& operator=(const CommitIds&) = delete;

  CommitId Next();

  // `id` is one that Next() of this object gave.
  bool IsOwn(const CommitId& id) const;

  // How many were given, so how many commits of transactions began.
  uint64_t count() const { return count_.load(); }

 private:
  const uint64_t base_;
  std::atomic<uint64_t> count_{0};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_COMMIT_IDS_H_
