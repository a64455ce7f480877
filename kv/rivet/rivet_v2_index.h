// RivetV2Index: knows what lies where in a sqlite.bin. Built in one pass over
// the file; holds places, never contents, and each of its lists has a limit.

#ifndef ACTORKV_KV_RIVET_RIVET_V2_INDEX_H_
#define ACTORKV_KV_RIVET_RIVET_V2_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/files/byte_source.h"
#include "kv/rivet/rivet_v2_records.h"

namespace actorkv {

// The limit of an entry, in bytes: a shard of 64 pages that do not compress
// takes 0.27 MB, a piece of a delta 10,000 bytes.
inline constexpr size_t kMaxRivetV2EntryBytes = size_t{1} << 20;
inline constexpr size_t kMaxRivetV2Shards = size_t{1} << 20;  // 256 GiB
inline constexpr size_t kMaxRivetV2Pieces = size_t{1} << 19;  // 5 GB of deltas
inline constexpr size_t kMaxRivetV2DeltaPages = size_t{1} << 20;  // 4 GiB

class RivetV2Index {
 public:
  struct Shard {
    uint64_t offset;  // in the file
    uint32_t size_bytes;
    uint32_t shard;
  };
  struct Piece {
    uint64_t txid;
    uint64_t offset;  // in the file
    uint32_t size_bytes;
    uint32_t chunk;
    uint64_t begin;  // in the blob of the delta
  };
  struct PageEntry {
    uint64_t txid;
    PageNo pgno;
  };

  // Reads all of `source`. Afterwards the lists are sorted, without
  // duplicates; pieces after head_txid and index entries of pages past the
  // database's end are gone; each delta has all its pieces from 0 up to its
  // last. Errors: kCorruption and kInvalidArgument, naming the key.
  Status Build(std::unique_ptr<ByteSource> source);

  const RivetV2Head& head() const { return head_; }
  const std::vector<Shard>& shards() const { return shards_; }    // by shard
  const std::vector<Piece>& pieces() const { return pieces_; }    // txid, chunk
  const std::vector<PageEntry>& pages() const { return pages_; }  // by pgno

 private:
  Status Take(const RivetV2Key& key, std::string_view value, uint64_t offset);
  Status Sort();
  Status JoinPieces();
  Status CheckPages() const;

  RivetV2Head head_;
  bool has_head_ = false;
  std::vector<Shard> shards_;
  std::vector<Piece> pieces_;
  std::vector<PageEntry> pages_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_V2_INDEX_H_
