// A chunk is the value of a chunk key: one page of a database, with its
// checksums.
//
//   offset  bytes  field
//        0      1  version = 1
//        1      1  codec: 0 empty (a page of zeros, no payload), 1 raw,
//                  2 delta (kv/format/page_delta.h),
//                  3 without the zeros in the middle (kv/format/zero_gap.h)
//        2      2  reserved = 0
//        4      4  payload_size, bytes, little-endian
//        8      8  page_hash: XXH3_64bits(page, seed = pgno), little-endian
//       16      8  checksum, little-endian: XXH3_64bits(payload, seed), where
//                  seed = XXH3_64bits of branch(8) pgno(4) txid(8), big-endian,
//                  and the 16 bytes of this header before the checksum
//       24      n  payload
//
// The checksum binds the bytes to their place: a chunk that turns up under
// another branch, page or txid does not verify. The page hash speaks of the
// page alone, whatever its codec, and is what the digest of a database is
// made of: digest = sum of page_hash over all pages, modulo 2^64. The page of
// a delta is checked against it after its blocks were put into the base.

#ifndef ACTORKV_KV_FORMAT_CHUNK_H_
#define ACTORKV_KV_FORMAT_CHUNK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/format/page_delta.h"

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: they are embedded in chunks.
enum class Codec : uint8_t { kEmpty = 0, kRaw = 1, kDelta = 2, kGap = 3 };

constexpr uint8_t kChunkVersion = 1;
constexpr size_t kChunkHeaderBytes = 24;

// ChunkId: the place of a chunk.
struct ChunkId {
  BranchId branch;
  PageNo pgno = 0;
  TxId txid;
};

std::string ChunkName(const ChunkId& id);  // "branch=7 pgno=12 txid=340"

uint64_t PageHash(PageNo pgno, std::string_view page);

// Encodes a page. One of zeros becomes an empty chunk, one with a gap
// (kv/format/zero_gap.h) a chunk without it. page_hash must be PageHash(...).
std::string EncodeChunk(const ChunkId& id, std::string_view page,
                        uint64_t page_hash);

// Encodes it at the end of *out.
void AppendChunk(const ChunkId& id, std::string_view page, uint64_t page_hash,
                 std::string* out);

// Encodes a chunk with the payload of EncodeDelta(). page_hash is that of the
// page.
std::string EncodeDeltaChunk(const ChunkId& id, std::string_view payload,
                             uint64_t page_hash);

// Returns the same page for another place. REQUIRES: `value` decodes, and is no
// delta or goes to where its base is.
std::string CopyOfChunk(const ChunkId& id, std::string_view value);

struct DecodedChunk {
  Codec codec = Codec::kEmpty;
  uint64_t page_hash = 0;
  std::string_view payload;  // into the value
  DecodedDelta delta;        // the codec kDelta has one
};

// Checks everything the value says of itself. Errors: kCorruption;
// kNotSupported for an unknown version or codec, naming it.
Status DecodeChunk(const ChunkId& id, std::string_view value,
                   DecodedChunk* chunk);

// Writes the page, `page_size` bytes, to `page`; a delta REQUIRES the base
// there, and its page is checked against its hash. Errors: kCorruption when the
// payload is not of a page of that size, or the hash is another one.
Status UnpackPage(const ChunkId& id, const DecodedChunk& chunk,
                  uint32_t page_size, char* page);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_CHUNK_H_
