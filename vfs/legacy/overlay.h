// Overlay: keeps the blocks that were written over a file that must not change:
// in memory up to kOverlayMemoryBytes, then in an unlinked temporary file of
// the base VFS, each block at its own place (a sparse file).
//
// Knows blocks of kOverlayBlockBytes, not what they belong to.

#ifndef ACTORKV_VFS_LEGACY_OVERLAY_H_
#define ACTORKV_VFS_LEGACY_OVERLAY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kv/base/status.h"
#include "kv/rivet/legacy_file.h"
#include "vfs/sqlite/scratch_file.h"

namespace actorkv {

// The size is that of the chunks below, so that a block comes from one place.
constexpr size_t kOverlayBlockBytes = kLegacyChunkBytes;

constexpr size_t kOverlayMemoryBytes = size_t{8} << 20;

// BlockSet: a set of block numbers: one bit for each in the regions of 128 MiB
// where there are any.
class BlockSet {
 public:
  bool Has(uint32_t block) const;
  void Add(uint32_t block);
  // Removes `block` and all behind it.
  void RemoveFrom(uint32_t block);
  // Finds the first one at or after `block`.
  std::optional<uint32_t> Next(uint32_t block) const;

 private:
  static constexpr uint32_t kWordBits = 64;
  static constexpr uint32_t kRegionBlocks = 32768;
  using Region = std::array<uint64_t, kRegionBlocks / kWordBits>;
  std::map<uint32_t, std::unique_ptr<Region>> regions_;
};

// An Overlay belongs to one thread at a time.
class Overlay {
 public:
  explicit Overlay(size_t memory_bytes = kOverlayMemoryBytes)
      : memory_bytes_(memory_bytes) {}
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  bool Has(uint32_t block) const { return blocks_.Has(block); }

  // Reads a whole block. REQUIRES: Has(block).
  Status Read(uint32_t block, char* buffer);

  // Errors: kNoSpace, kIOError of the temporary file.
  Status Write(uint32_t block, const char* buffer);

  // Forgets `block` and all behind it.
  void RemoveFrom(uint32_t block);

  std::optional<uint32_t> Next(uint32_t block) const {
    return blocks_.Next(block);
  }

  bool on_disk() const { return disk_file_ != nullptr; }

 private:
  Status MoveToDisk();

  const size_t memory_bytes_;
  BlockSet blocks_;
  std::map<uint32_t, std::string> memory_;  // while not on disk
  std::unique_ptr<ScratchFile> disk_file_;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_OVERLAY_H_
