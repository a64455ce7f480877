// OwnerClaim: says in actorkv.pid (kv/rocksdb/holder_file.h) that a process is
// there to own the store and to serve it to others, for as long as it lives.
//
// It is an exclusive lock of the open file on byte 3. Whoever owns the store
// and may leave it does so when he sees a claim that is not of his process, and
// nobody else takes the store's lock while it is there: so the store goes to
// the one that claims it. The kernel takes the claim away with the process.
//
// Invariants:
//  1. There is at most one claim.
//  2. A claim keeps nobody out of a store: only the lock of the holder does.
//     Who does not see it, as a process of an older version, harms nothing.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_OWNER_CLAIM_H_
#define ACTORKV_KV_ROCKSDB_OWNER_CLAIM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/files/lock_file.h"

namespace actorkv {

// DO NOT CHANGE THIS VALUE: processes of several versions go by it.
constexpr int64_t kClaimByte = 3;

class OwnerClaim {
 public:
  // Claims the store in `directory`. Errors: kAlreadyExists "store is served by
  // process 1234: DIR" where another process, or another statement of this one,
  // claims it; kBusy beside a holder of an older version, which locks all
  // bytes; kNotFound where the store never had a holder; kIOError.
  static Status Make(const std::string& directory,
                     std::unique_ptr<OwnerClaim>* claim);

  // Says whether anybody claims the store in `directory`, also this process;
  // false where that cannot be known. Costs an open of the file.
  static bool IsMade(const std::string& directory);

  // Gives it up.
  ~OwnerClaim() = default;
  OwnerClaim(const OwnerClaim&) = delete;
  OwnerClaim& operator=(const OwnerClaim&) = delete;

 private:
  explicit OwnerClaim(std::unique_ptr<LockFile> file);

  const std::unique_ptr<LockFile> file_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_OWNER_CLAIM_H_
