// PairSorter: takes pairs in any order, and gives them in that of their keys.
// So an import of rows in random order costs what one in order does: its
// batches become table files, and a key that comes twice is next to itself.
//
// Pairs are kept in memory up to a size; then they are sorted and written to a
// temporary file, as a run, and what follows begins the next one. Reading
// merges the runs.
//
//   a pair   key bytes(4) | value bytes(4) | row(8) | key | value
//
// in the byte order of the machine: the file goes with the object.
//
// Memory: kPairSorterBytes and the largest pair; while it is read at least 4
// KiB and a key for each run, which is a 2,000th of what was added.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_SQL_TRANSFER_PAIR_SORTER_H_
#define ACTORKV_SQL_TRANSFER_PAIR_SORTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/rivet/pairs.h"
#include "vfs/sqlite/scratch_file.h"

namespace actorkv {

constexpr size_t kPairSorterBytes = size_t{8} << 20;

class PairSorter {
 public:
  explicit PairSorter(size_t memory_bytes = kPairSorterBytes)
      : memory_bytes_(memory_bytes) {}
  PairSorter(const PairSorter&) = delete;
  PairSorter& operator=(const PairSorter&) = delete;

  // Adds a pair of row `row`, which messages name. REQUIRES: key and value have
  // less than 4 GiB each. Errors: kNoSpace and kIOError of the temporary file.
  Status Add(std::string_view key, std::string_view value, uint64_t row);

  uint64_t pair_count() const { return pair_count_; }
  bool on_disk() const { return file_ != nullptr; }

  // Gives all pairs, those with equal keys by their rows. Nothing is to be
  // added any more; it may be called again. The sorter must outlive *pairs.
  // Errors: as Add().
  Status Open(std::unique_ptr<PairSource>* pairs);

 private:
  // Run: a part of the file, whose pairs are in order.
  struct Run {
    uint64_t begin;
    uint64_t end;
  };

  void Sort();
  Status WriteRun();

  const size_t memory_bytes_;
  uint64_t pair_count_ = 0;
  std::string bytes_;            // pairs that are in no run
  std::vector<size_t> offsets_;  // of each, in bytes_
  std::unique_ptr<ScratchFile> file_;
  uint64_t file_bytes_ = 0;
  std::vector<Run> runs_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_PAIR_SORTER_H_
