// These decode the keys and the head record of sqlite.bin: a database in
// Rivet's own next layout ("v2"). Integers in keys are big-endian.
//
//     /META                           the head, below
//     /SHARD/ shard:u32               LTX of the pages shard * 64 .. + 63
//     /DELTA/ txid:u64 / chunk:u32    a piece of the LTX of one transaction
//     /PIDX/delta/ pgno:u32           txid:u64, big-endian: the delta that has
//                                     the newest version of the page

#ifndef ACTORKV_KV_RIVET_RIVET_V2_RECORDS_H_
#define ACTORKV_KV_RIVET_RIVET_V2_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

struct RivetV2Key {
  enum class Kind { kMeta, kShard, kDelta, kPageIndex };
  Kind kind = Kind::kMeta;
  uint64_t txid = 0;    // only kDelta has one
  uint32_t number = 0;  // shard; chunk; page number
};

// Returns false for what is no such key.
bool ParseRivetV2Key(std::string_view bytes, RivetV2Key* key);

// Names the key as messages do, numbers in decimal: "/DELTA/3/0".
std::string ToText(const RivetV2Key& key);

// DO NOT CHANGE THESE ENUM VALUES: they are embedded in head records.
enum class RivetV2Origin : uint8_t {
  kNative = 0,
  kMigratedFromV1 = 1,
  kMigratingFromV1 = 2,  // not done: the pairs of layout 1 still count
};

// RivetV2Head: BARE, little-endian integers one after another, the origin as
// LEB128. Older records end before the origin.
struct RivetV2Head {
  uint64_t generation = 0;
  uint64_t head_txid = 0;  // the last commit; later deltas do not count
  uint64_t next_txid = 0;
  uint64_t materialized_txid = 0;  // up to here deltas are in shards
  uint32_t db_size_pages = 0;
  uint32_t page_size = 0;   // bytes; always 4096
  uint32_t shard_size = 0;  // pages; always 64
  int64_t creation_ts_ms = 0;
  RivetV2Origin origin = RivetV2Origin::kNative;
};

inline constexpr uint32_t kRivetV2PageSize = 4096;
inline constexpr uint32_t kRivetV2ShardPages = 64;

// Errors: kCorruption; kNotSupported for another schema version, page size or
// shard size.
Status DecodeRivetV2Head(std::string_view value, RivetV2Head* head);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_V2_RECORDS_H_
