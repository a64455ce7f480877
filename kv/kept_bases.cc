#include "kv/kept_bases.h"

namespace actorkv {

bool KeptBases::Take(TxId txid, VersionUse* use) {
  const auto found = uses_.find(txid.value);
  if (found == uses_.end()) return keeps_all_;
  use->live |= found->second.live;
  use->shared |= found->second.shared;
  uses_.erase(found);
  return true;
}

void KeptBases::Keep(const ChunkId& id, std::string_view value,
                     const VersionUse& use) {
  DecodedChunk chunk;
  if (!DecodeChunk(id, value, &chunk).ok()) {
    keeps_all_ = true;
    return;
  }
  if (chunk.codec != Codec::kDelta) return;
  VersionUse& base = uses_[chunk.delta.form.base.value];
  base.live |= use.live;
  base.shared |= use.shared;
}

}  // namespace actorkv
