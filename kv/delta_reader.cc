#include "kv/delta_reader.h"

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "kv/keys.h"

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
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(BranchPartition(base_id.branch),
                             {ChunkKey(base_id.pgno, base_id.txid)}, &values);
      !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) {
    return BadBase(id, base_id.txid, "is missing");
  }
  DecodedChunk base;
  if (Status s = DecodeChunk(base_id, *values[0], &base); !s.ok()) {
    return s.WithContext("base of txid=" + std::to_string(id.txid.value));
  }
  if (base.codec == Codec::kDelta) {
    return BadBase(id, base_id.txid, "is a delta");
  }
  return UnpackPage(base_id, base, delta.page_size, page);
}

}  // namespace

Status UnpackDelta(EngineReader* reader, const ChunkId& id,
                   const DecodedChunk& chunk, char* page) {
  const uint32_t page_size = chunk.delta.page_size;
  Status s = ReadBase(reader, id, chunk.delta, page);
  if (s.ok()) s = UnpackPage(id, chunk, page_size, page);
  if (!s.ok()) std::memset(page, 0, page_size);
  return s;
}

}  // namespace actorkv
