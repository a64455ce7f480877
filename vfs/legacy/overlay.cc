#include "vfs/legacy/overlay.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace actorkv {

namespace {

// Blocks have the place in the temporary file that they have in their own: the
// file is sparse, and needs no index.
uint64_t OffsetOf(uint32_t block) {
  return uint64_t{block} * kOverlayBlockBytes;
}

}  // namespace

bool BlockSet::Has(uint32_t block) const {
  const auto region = regions_.find(block / kRegionBlocks);
  if (region == regions_.end()) return false;
  const uint32_t bit = block % kRegionBlocks;
  return ((*region->second)[bit / kWordBits] >> (bit % kWordBits) & 1) != 0;
}

void BlockSet::Add(uint32_t block) {
  std::unique_ptr<Region>& region = regions_[block / kRegionBlocks];
  if (region == nullptr) region = std::make_unique<Region>(Region{});
  const uint32_t bit = block % kRegionBlocks;
  (*region)[bit / kWordBits] |= uint64_t{1} << (bit % kWordBits);
}

void BlockSet::RemoveFrom(uint32_t block) {
  auto region = regions_.lower_bound(block / kRegionBlocks);
  // The region of the block itself keeps what is before it; those behind go as
  // a whole.
  if (region != regions_.end() && region->first == block / kRegionBlocks) {
    const uint32_t bit = block % kRegionBlocks;
    Region& words = *region->second;
    words[bit / kWordBits] &= (uint64_t{1} << (bit % kWordBits)) - 1;
    std::fill(words.begin() + bit / kWordBits + 1, words.end(), 0);
    ++region;
  }
  regions_.erase(region, regions_.end());
}

std::optional<uint32_t> BlockSet::Next(uint32_t block) const {
  auto region = regions_.lower_bound(block / kRegionBlocks);
  for (; region != regions_.end(); ++region) {
    const bool first = region->first == block / kRegionBlocks;
    const uint32_t begin = first ? block % kRegionBlocks : 0;
    // The mask takes the bits before `begin` away.
    uint64_t mask = ~uint64_t{0} << (begin % kWordBits);
    for (uint32_t i = begin / kWordBits; i < region->second->size(); ++i) {
      const uint64_t word = (*region->second)[i] & mask;
      mask = ~uint64_t{0};
      if (word == 0) continue;
      const auto bit = static_cast<uint32_t>(__builtin_ctzll(word));
      return region->first * kRegionBlocks + i * kWordBits + bit;
    }
  }
  return std::nullopt;
}

Status Overlay::Read(uint32_t block, char* buffer) {
  if (disk_file_ == nullptr) {
    std::memcpy(buffer, memory_.find(block)->second.data(), kOverlayBlockBytes);
    return Status::Ok();
  }
  return disk_file_->Read(OffsetOf(block), buffer, kOverlayBlockBytes);
}

Status Overlay::MoveToDisk() {
  std::unique_ptr<ScratchFile> file;
  if (Status s =
          ScratchFile::Create("the recovery of a legacy database", &file);
      !s.ok()) {
    return s;
  }
  for (const auto& [block, bytes] : memory_) {
    if (Status s = file->Write(OffsetOf(block), bytes.data(), bytes.size());
        !s.ok()) {
      return s;
    }
  }
  // The blocks leave memory only when all of them are in the file: an error
  // leaves the overlay as it was.
  disk_file_ = std::move(file);
  memory_.clear();
  return Status::Ok();
}

Status Overlay::Write(uint32_t block, const char* buffer) {
  // A block that is there already takes no more memory.
  const bool full =
      !Has(block) && (memory_.size() + 1) * kOverlayBlockBytes > memory_bytes_;
  // All blocks go to disk at once: what is in memory and what is not would have
  // to be told apart at each read.
  if (!on_disk() && full) {
    if (Status s = MoveToDisk(); !s.ok()) return s;
  }
  if (on_disk()) {
    if (Status s =
            disk_file_->Write(OffsetOf(block), buffer, kOverlayBlockBytes);
        !s.ok()) {
      return s;
    }
  } else {
    memory_[block].assign(buffer, kOverlayBlockBytes);
  }
  blocks_.Add(block);
  return Status::Ok();
}

void Overlay::RemoveFrom(uint32_t block) {
  // On disk the bytes stay; blocks_ says that they do not count.
  memory_.erase(memory_.lower_bound(block), memory_.end());
  blocks_.RemoveFrom(block);
}

}  // namespace actorkv
