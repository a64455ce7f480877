#include "kv/reclaim/kept_bases.h"

namespace actorkv {

bool KeptBases::Take(TxId txid, VersionUse* use) {
  const auto found = uses_.find(txid.value);
  if (found == uses_.end()) return keeps_all_;
  *use = found->second;
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
  const auto [base, is_new] = uses_.emplace(chunk.delta.form.base.value, use);
  if (is_new) return;
  base->second.live |= use.live;
  base->second.shared |= use.shared;
}

}  // namespace actorkv
