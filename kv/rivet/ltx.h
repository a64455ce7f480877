// These read LTX, in the one variant that Rivet writes: pages of a database as
// of a transaction, each compressed by itself, without checksums.
//
//     header   100 bytes, big-endian
//              magic "LTX1" | flags:u32 = 2 | page_size:u32
//              commit:u32, the pages of the database | min_txid:u64
//              max_txid:u64 | timestamp_ms:i64 | pre_apply_checksum:u64 = 0
//              wal_offset:i64 wal_size:i64 wal_salt1:u32 wal_salt2:u32
//              node_id:u64 | reserved: 20 bytes
//     frame    pgno:u32 | flags:u16 = 1 | length:u32 | LZ4 block of `length`
//     ...      in rising order of pgno
//     end      6 bytes of zero
//     index    pgno, offset, size of each frame, LEB128 | 0
//     length   of the index:u64
//     trailer  16 bytes of zero
//
// All of it is checked against itself. It must not know where blobs lie.

#ifndef ACTORKV_KV_RIVET_LTX_H_
#define ACTORKV_KV_RIVET_LTX_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// LtxInput: a blob, read at will.
class LtxInput {
 public:
  virtual ~LtxInput() = default;
  virtual uint64_t size_bytes() const = 0;
  // REQUIRES: offset + size <= size_bytes().
  virtual Status Read(uint64_t offset, size_t size, char* buffer) = 0;
};

struct LtxHeader {
  uint32_t page_size = 0;     // bytes
  uint32_t commit_pages = 0;  // size of the database after max_txid
  uint64_t min_txid = 0;
  uint64_t max_txid = 0;
};

// LtxFrame: where one page lies in the blob, its frame's header included.
struct LtxFrame {
  PageNo pgno = 0;
  uint64_t offset = 0;
  uint32_t size_bytes = 0;
};

inline constexpr size_t kLtxHeaderBytes = 100;
inline constexpr size_t kLtxFrameHeaderBytes = 10;
// The largest packed page: LZ4 makes a page of 64 KiB that much longer at worst
// (LZ4_COMPRESSBOUND).
inline constexpr uint32_t kMaxLtxBlockBytes = 65536 + 65536 / 255 + 16;

using LtxFrameSink = std::function<Status(const LtxFrame& frame)>;

// Walks through all of the blob but the pages themselves. `take` gets each
// frame; an error of it ends the walk. Memory: two buffers, whatever the
// size. Errors: kCorruption with the offset of what is wrong; kNotSupported
// for another variant of LTX.
Status ScanLtx(LtxInput* input, LtxHeader* header, const LtxFrameSink& take);

// Unpacks the page in `frame`, which is the bytes that a LtxFrame describes.
// Errors: kCorruption when they are another page's, or unpack to another size.
Status DecodeLtxFrame(std::string_view frame, PageNo pgno, uint32_t page_size,
                      std::string* page);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_LTX_H_
