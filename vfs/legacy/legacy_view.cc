#include "vfs/legacy/legacy_view.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace actorkv {

namespace {

using Block = std::array<char, kOverlayBlockBytes>;

uint32_t BlockOf(uint64_t offset) {
  return static_cast<uint32_t>(offset / kOverlayBlockBytes);
}

uint64_t BlocksIn(uint64_t size_bytes) {
  return (size_bytes + kOverlayBlockBytes - 1) / kOverlayBlockBytes;
}

}  // namespace

LegacyView::LegacyView(PairReader* pairs, LegacyTag tag, size_t memory_bytes)
    : base_(pairs, tag), overlay_(memory_bytes) {}

Status LegacyView::Open() {
  if (Status s = base_.Open(); !s.ok()) return s;
  exists_ = base_.exists();
  // Pairs cannot hold more: indexes of chunks are 32 bits. A size beyond that
  // is one that its keys do not bear out.
  size_bytes_ = std::min(base_.size_bytes(), kMaxLegacyFileBytes);
  base_bytes_ = size_bytes_;
  return Status::Ok();
}

Status LegacyView::Delete() {
  exists_ = false;
  return Truncate(0);
}

// Fills all of `buffer` with the block; zeros where nothing is.
Status LegacyView::ReadBlock(uint32_t block, char* buffer) {
  if (overlay_.Has(block)) return overlay_.Read(block, buffer);
  std::memset(buffer, 0, kOverlayBlockBytes);
  const uint64_t offset = uint64_t{block} * kOverlayBlockBytes;
  if (offset >= base_bytes_) return Status::Ok();
  const auto size = static_cast<size_t>(
      std::min<uint64_t>(kOverlayBlockBytes, base_bytes_ - offset));
  size_t copied = 0;
  return base_.Read(offset, size, buffer, &copied);
}

Status LegacyView::Read(uint64_t offset, size_t size, char* buffer,
                        size_t* copied) {
  const size_t inside =
      offset >= size_bytes_
          ? 0
          : static_cast<size_t>(std::min<uint64_t>(size, size_bytes_ - offset));
  for (size_t done = 0; done < inside;) {
    const size_t begin = (offset + done) % kOverlayBlockBytes;
    const size_t part = std::min(inside - done, kOverlayBlockBytes - begin);
    const uint32_t block = BlockOf(offset + done);
    Block bytes;
    const bool whole = part == kOverlayBlockBytes;
    // Whole blocks, which are most, are read to where they belong; only the
    // ends of a read are copied.
    char* target = whole ? buffer + done : bytes.data();
    if (Status s = ReadBlock(block, target); !s.ok()) return s;
    if (!whole) std::memcpy(buffer + done, bytes.data() + begin, part);
    done += part;
  }
  *copied = inside;
  return Status::Ok();
}

Status LegacyView::Write(uint64_t offset, const char* bytes, size_t size) {
  // In this form the sum cannot overflow.
  if (offset > kMaxLegacyFileBytes || size > kMaxLegacyFileBytes - offset) {
    return Status::NotSupported("a legacy database cannot have more than " +
                                std::to_string(kMaxLegacyFileBytes) +
                                " bytes: offset=" + std::to_string(offset) +
                                " size=" + std::to_string(size));
  }
  for (size_t done = 0; done < size;) {
    const size_t begin = (offset + done) % kOverlayBlockBytes;
    const size_t part = std::min(size - done, kOverlayBlockBytes - begin);
    const uint32_t block = BlockOf(offset + done);
    Block whole;
    // A block is in the overlay as a whole (invariant 1).
    if (part < kOverlayBlockBytes) {
      if (Status s = ReadBlock(block, whole.data()); !s.ok()) return s;
    }
    std::memcpy(whole.data() + begin, bytes + done, part);
    if (Status s = overlay_.Write(block, whole.data()); !s.ok()) return s;
    done += part;
  }
  exists_ = true;
  size_bytes_ = std::max(size_bytes_, offset + size);
  return Status::Ok();
}

Status LegacyView::Truncate(uint64_t size_bytes) {
  if (size_bytes >= size_bytes_) return Status::Ok();
  const size_t kept = size_bytes % kOverlayBlockBytes;
  const auto last = static_cast<uint32_t>(size_bytes / kOverlayBlockBytes);
  // The bytes behind the new end must read as zeros when the file grows again.
  // Those of the pairs are cut off by base_bytes_.
  if (kept > 0 && overlay_.Has(last)) {
    Block bytes;
    if (Status s = overlay_.Read(last, bytes.data()); !s.ok()) return s;
    std::memset(bytes.data() + kept, 0, kOverlayBlockBytes - kept);
    if (Status s = overlay_.Write(last, bytes.data()); !s.ok()) return s;
  }
  overlay_.RemoveFrom(static_cast<uint32_t>(BlocksIn(size_bytes)));
  size_bytes_ = size_bytes;
  // What was cut off once does not come back: of the pairs only what is below
  // counts from now on.
  base_bytes_ = std::min(base_bytes_, size_bytes);
  return Status::Ok();
}

Status LegacyView::NextStored(uint32_t block,
                              std::optional<LegacyFile::Chunk>* stored) {
  std::optional<LegacyFile::Chunk> below;
  if (Status s = base_.NextChunk(block, &below); !s.ok()) return s;
  if (below.has_value()) {
    const uint64_t offset = uint64_t{below->index} * kOverlayBlockBytes;
    // A pair behind what was cut off is not the file's any more.
    if (offset >= base_bytes_) {
      below.reset();
    } else {
      below->size_bytes = static_cast<size_t>(
          std::min<uint64_t>(below->size_bytes, base_bytes_ - offset));
    }
  }
  const std::optional<uint32_t> above = overlay_.Next(block);
  // The overlay hides the pair of the same block.
  if (above.has_value() && (!below.has_value() || *above <= below->index)) {
    below = LegacyFile::Chunk{*above, kOverlayBlockBytes};
  }
  *stored = below;
  return Status::Ok();
}

}  // namespace actorkv
