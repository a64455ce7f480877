#include "kv/pages/delta_reader.h"

#include <cstring>
#include <string>
#include <string_view>

#include "kv/format/keys.h"

namespace actorkv {

namespace {

Status BadBase(const ChunkId& id, TxId base, const std::string& what) {
  return Status::Corruption(
      "page chunk damaged: its base, txid=" + std::to_string(base.value) +
      ", " + what + ": " + ChunkName(id));
}

Status ReadBase(EngineReader* reader, const ChunkId& id,
                const DecodedDelta& delta, char* page) {
  const ChunkId base_id{id.branch, id.pgno, delta.form.base};
  // Sought, not got: it lies close behind the delta, where `reader` is.
  const std::string wanted = ChunkKey(base_id.pgno, base_id.txid);
  bool found = false;
  std::string_view key;
  std::string_view value;
  if (Status s = reader->SeekOne(BranchPartition(base_id.branch), wanted,
                                 &found, &key, &value);
      !s.ok()) {
    return s;
  }
  if (!found || key != wanted) {
    return BadBase(id, base_id.txid, "is missing");
  }
  return UnpackBase(id, delta, value, page);
}

}  // namespace

Status UnpackBase(const ChunkId& id, const DecodedDelta& delta,
                  std::string_view value, char* page) {
  const ChunkId base_id{id.branch, id.pgno, delta.form.base};
  DecodedChunk base;
  if (Status s = DecodeChunk(base_id, value, &base); !s.ok()) {
    return s.WithContext("base of txid=" + std::to_string(id.txid.value));
  }
  // A base that is a delta would be a chain, and its end nobody's duty to keep.
  if (base.codec == Codec::kDelta) {
    return BadBase(id, base_id.txid, "is a delta");
  }
  return UnpackPage(base_id, base, delta.page_size, page);
}

Status UnpackDelta(EngineReader* reader, const ChunkId& id,
                   const DecodedChunk& chunk, char* page) {
  const uint32_t page_size = chunk.delta.page_size;
  Status s = ReadBase(reader, id, chunk.delta, page);
  if (s.ok()) s = UnpackPage(id, chunk, page_size, page);
  // The page is half made: the caller must not take bytes of the base for it.
  if (!s.ok()) std::memset(page, 0, page_size);
  return s;
}

}  // namespace actorkv
