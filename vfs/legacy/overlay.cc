#include "vfs/legacy/overlay.h"

#include <algorithm>
#include <cstring>

#include "vfs/sqlite/default_vfs.h"

namespace actorkv {

namespace {

constexpr int kTemporaryFlags =
    SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
    SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;

sqlite3_file* AsFile(const std::unique_ptr<char[]>& buffer) {
  return reinterpret_cast<sqlite3_file*>(buffer.get());
}

// Blocks have the place in the temporary file that they have in their own: the
// file is sparse, and needs no index.
sqlite3_int64 OffsetOf(uint32_t block) {
  return sqlite3_int64{block} * static_cast<sqlite3_int64>(kOverlayBlockBytes);
}

Status TemporaryFileError(const char* verb, int code) {
  const std::string text = std::string("cannot ") + verb +
                           " a temporary file for the recovery of a legacy "
                           "database: " +
                           sqlite3_errstr(code);
  return (code & 0xff) == SQLITE_FULL ? Status::NoSpace(text)
                                      : Status::IOError(text);
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

Overlay::~Overlay() {
  if (disk_file_ != nullptr) {
    AsFile(disk_file_)->pMethods->xClose(AsFile(disk_file_));
  }
}

Status Overlay::Read(uint32_t block, char* buffer) {
  if (disk_file_ == nullptr) {
    std::memcpy(buffer, memory_.find(block)->second.data(), kOverlayBlockBytes);
    return Status::Ok();
  }
  sqlite3_file* file = AsFile(disk_file_);
  const int code = file->pMethods->xRead(
      file, buffer, static_cast<int>(kOverlayBlockBytes), OffsetOf(block));
  return code == SQLITE_OK ? Status::Ok() : TemporaryFileError("read", code);
}

Status Overlay::WriteToDisk(uint32_t block, const char* buffer) {
  sqlite3_file* file = AsFile(disk_file_);
  const int code = file->pMethods->xWrite(
      file, buffer, static_cast<int>(kOverlayBlockBytes), OffsetOf(block));
  return code == SQLITE_OK ? Status::Ok() : TemporaryFileError("write", code);
}

Status Overlay::MoveToDisk() {
  sqlite3_vfs* base = sqlite3_vfs_find(BaseVfsName());
  if (base == nullptr) {
    return Status::IOError("no VFS for temporary files");
  }
  disk_file_ = std::make_unique<char[]>(static_cast<size_t>(base->szOsFile));
  int flags = 0;
  const int code =
      // A file without a name is a temporary one, which the base VFS removes
      // when it is closed (sqlite3_vfs, xOpen).
      base->xOpen(base, nullptr, AsFile(disk_file_), kTemporaryFlags, &flags);
  if (code != SQLITE_OK) {
    disk_file_.reset();
    return TemporaryFileError("make", code);
  }
  for (const auto& [block, bytes] : memory_) {
    if (Status s = WriteToDisk(block, bytes.data()); !s.ok()) {
      AsFile(disk_file_)->pMethods->xClose(AsFile(disk_file_));
      disk_file_.reset();
      return s;
    }
  }
  // The blocks leave memory only when all of them are in the file: an error
  // leaves the overlay as it was.
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
    if (Status s = WriteToDisk(block, buffer); !s.ok()) return s;
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
