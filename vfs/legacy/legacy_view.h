// LegacyView: a file of legacy pairs that can be written to without changing a
// byte of them: the pairs below, an Overlay of what was written above.
//
// Invariants:
//  1. A block is in the overlay as a whole or not at all.
//  2. Bytes that a truncation cut off never come back: below base_bytes_, the
//     smallest size that the file ever had, the pairs show through; behind it
//     is only the overlay.

#ifndef ACTORKV_VFS_LEGACY_LEGACY_VIEW_H_
#define ACTORKV_VFS_LEGACY_LEGACY_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kv/base/status.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/pairs.h"
#include "vfs/legacy/overlay.h"

namespace actorkv {

// A LegacyView belongs to one thread at a time.
class LegacyView {
 public:
  // `pairs` must outlive the view.
  LegacyView(PairReader* pairs, LegacyTag tag, size_t memory_bytes);

  // Errors: of LegacyFile::Open().
  Status Open();

  // A file that does not exist is empty; writing to it makes it.
  bool exists() const { return exists_; }
  uint64_t size_bytes() const { return size_bytes_; }
  void Create() { exists_ = true; }
  Status Delete();

  // *copied is smaller than `size` at the end of the file.
  Status Read(uint64_t offset, size_t size, char* buffer, size_t* copied);
  // Errors: kNotSupported past kMaxLegacyFileBytes; of the overlay.
  Status Write(uint64_t offset, const char* bytes, size_t size);
  // Makes the file shorter, never longer.
  Status Truncate(uint64_t size_bytes);

  // Finds the first block at or after `block` that is stored, below or above,
  // and how many bytes of it are; nullopt: none.
  Status NextStored(uint32_t block, std::optional<LegacyFile::Chunk>* stored);

  // The file that the pairs hold, whatever was written since.
  LegacyFile* base() { return &base_; }

 private:
  Status ReadBlock(uint32_t block, char* buffer);

  LegacyFile base_;
  Overlay overlay_;
  bool exists_ = false;
  uint64_t size_bytes_ = 0;
  uint64_t base_bytes_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_VIEW_H_
