// RivetV2Database: reads the pages of a database in a sqlite.bin
// (kv/rivet/rivet_v2_records.h), in order or at will.
//
// Page p is in the delta that the page index names; else in its shard; else it
// is zeros. The parts are checked against each other when the file is opened
// (deltas and the page index) or when they are read (shards).
//
// Memory: places of pages, a buffer, and one shard as it is in the file.

#ifndef ACTORKV_KV_RIVET_RIVET_V2_H_
#define ACTORKV_KV_RIVET_RIVET_V2_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/files/random_file.h"
#include "kv/rivet/ltx.h"
#include "kv/rivet/rivet_v2_index.h"

namespace actorkv {

class RivetV2Database {
 public:
  // Errors: kCorruption, kNotSupported and kInvalidArgument with the file and
  // the key. kInvalidArgument also for a database whose move from layout 1
  // had not finished (RivetV2Origin): its content is in kv.bin still.
  static Status Open(const std::string& path,
                     std::unique_ptr<RivetV2Database>* database);

  uint32_t page_size() const { return index_.head().page_size; }
  uint32_t page_count() const { return index_.head().db_size_pages; }
  const RivetV2Head& head() const { return index_.head(); }

  // REQUIRES: 1 <= pgno <= page_count().
  Status ReadPage(PageNo pgno, std::string* page);

 private:
  // Delta: the pieces of one delta, pieces()[first .. first + count).
  struct Delta {
    uint64_t txid;
    size_t first;
    size_t count;
  };
  class DeltaInput;

  explicit RivetV2Database(std::string path);
  Status Load();
  Status LoadDeltas();
  Status ScanDelta(uint32_t delta);
  Status CheckPageOfDelta(const LtxFrame& frame, uint32_t delta);
  Status LoadShard(uint32_t shard);
  Status ReadPageOfDelta(size_t entry, std::string* page);
  Status ReadPageOfShard(PageNo pgno, std::string* page);
  // Returns the place of `pgno` in pages(), nullopt where it has none.
  std::optional<size_t> FindEntry(PageNo pgno) const;

  const std::string path_;
  std::unique_ptr<RandomFile> file_;
  RivetV2Index index_;
  std::vector<Delta> deltas_;  // by txid
  // The offset at which the frame of each of pages() begins in the blob of its
  // delta; 0 is not found yet, as blobs begin with a header.
  std::vector<uint64_t> frame_offsets_;

  std::optional<uint32_t> shard_;       // the one that is loaded
  std::string shard_bytes_;             // its blob
  std::vector<LtxFrame> shard_frames_;  // its pages
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_V2_H_
