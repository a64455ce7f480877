#include "kv/reclaim/kept_bases.h"

namespace actorkv {

bool KeptBases::Take(TxId txid, VersionUse* use) {
  const auto found = uses_.find(txid.value);
  if (found == uses_.end()) return keeps_all_;
  *use = found->second;
  // Each version of a page comes once.
  uses_.erase(found);
  return true;
}

void KeptBases::Keep(const ChunkId& id, std::string_view value,
                     const VersionUse& use) {
  DecodedChunk chunk;
  if (!DecodeChunk(id, value, &chunk).ok()) {
    // Nobody can say which base it needs, so every older version stays.
    keeps_all_ = true;
    return;
  }
  if (chunk.codec != Codec::kDelta) return;
  const auto [base, is_new] = uses_.emplace(chunk.delta.form.base.value, use);
  // Several deltas may have one base: it stays for all of them.
  if (is_new) return;
  base->second.live |= use.live;
  base->second.shared |= use.shared;
}

}  // namespace actorkv
