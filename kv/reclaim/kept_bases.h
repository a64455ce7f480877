// KeptBases: knows, while a reclaim goes through the versions of a branch,
// newest first, which of those to come are bases of deltas that stay
// (kv/format/page_delta.h).

#ifndef ACTORKV_KV_RECLAIM_KEPT_BASES_H_
#define ACTORKV_KV_RECLAIM_KEPT_BASES_H_

#include <cstdint>
#include <map>
#include <string_view>

#include "kv/format/chunk.h"
#include "kv/reclaim/keepers.h"

namespace actorkv {

// VersionUse: for whom a version is kept. A base is kept for the same.
struct VersionUse {
  bool live = false;                   // the head reads it
  bool shared = false;                 // a fork does
  Keeper keeper = Keeper::kRetention;  // where the head does not read it
};

class KeptBases {
 public:
  // Tells that the versions to come are of another page or branch.
  void BeginPage() {
    uses_.clear();
    keeps_all_ = false;
  }

  // Returns true when a version that stays needs this one, for *use.
  bool Take(TxId txid, VersionUse* use);

  // Tells that this version stays. One that cannot be decoded may need any
  // older one.
  void Keep(const ChunkId& id, std::string_view value, const VersionUse& use);

 private:
  std::map<uint64_t, VersionUse> uses_;  // by txid of the base
  bool keeps_all_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_KEPT_BASES_H_
