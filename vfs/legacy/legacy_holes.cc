#include "vfs/legacy/legacy_holes.h"

#include <algorithm>
#include <optional>
#include <string>

#include "kv/base/coding.h"
#include "kv/base/types.h"
#include "kv/format/database_header.h"

namespace actorkv {

namespace {

constexpr size_t kFirstTrunkOffset = 32;
constexpr size_t kFreeCountOffset = 36;

// A trunk of the free list begins with the next trunk and its number of leaves.
constexpr size_t kTrunkHeaderBytes = 8;
constexpr size_t kLeafBytes = 4;

constexpr uint32_t kChunksBetweenLooks = 4096;

}  // namespace

// Pages are smaller than a chunk, or several chunks: both are powers of two.
uint32_t LegacyHoles::chunks_per_page() const {
  return std::max<uint32_t>(database_.page_size / kLegacyChunkBytes, 1);
}

Status LegacyHoles::KeepOn() {
  if (!keep_on_ || ++looks_ % kChunksBetweenLooks != 0) return Status::Ok();
  return keep_on_();
}

Status LegacyHoles::Refuse(const std::string& why) const {
  return Status::Corruption(std::to_string(missing_count_) + " of " +
                            std::to_string(database_.page_count) +
                            " pages are not stored, " + why +
                            ": restore the actor's pairs from a backup");
}

// Counts a stored chunk. Stored pages are counted, so that nothing loops over
// those that are not.
void LegacyHoles::CountChunk(const LegacyFile::Chunk& chunk) {
  const uint64_t begin = uint64_t{chunk.index} * kLegacyChunkBytes;
  ++stored_chunk_count_;
  if (database_.page_size < kLegacyChunkBytes) {
    // A page counts when a byte of it is stored.
    const uint64_t bytes = std::min<uint64_t>(chunk.size_bytes, end() - begin);
    stored_pages_ += (bytes + database_.page_size - 1) / database_.page_size;
    return;
  }
  const PageNo of = chunk.index / chunks_per_page() + 1;
  // A page of several chunks counts when the last of them was met.
  page_chunks_ = of == page_ ? page_chunks_ + 1 : 1;
  page_ = of;
  if (page_chunks_ == chunks_per_page()) ++stored_pages_;
}

Status LegacyHoles::Pass(uint32_t chunk_index) {
  const uint64_t begin = uint64_t{chunk_index} * kLegacyChunkBytes;
  // Only chunks in order are counted; whoever reads otherwise has all of them
  // looked at by Check().
  if (chunk_index != passed_ || begin >= end()) return Status::Ok();
  std::optional<LegacyFile::Chunk> chunk;
  if (Status s = main_->NextStored(chunk_index, &chunk); !s.ok()) return s;
  if (chunk.has_value() && chunk->index == chunk_index) CountChunk(*chunk);
  ++passed_;
  return Status::Ok();
}

Status LegacyHoles::CountAll() {
  page_ = 0;
  stored_chunk_count_ = 0;
  stored_pages_ = 0;
  for (uint64_t at = 0; at < end();) {
    if (Status s = KeepOn(); !s.ok()) return s;
    std::optional<LegacyFile::Chunk> chunk;
    const auto from = static_cast<uint32_t>(at / kLegacyChunkBytes);
    if (Status s = main_->NextStored(from, &chunk); !s.ok()) return s;
    if (!chunk.has_value()) break;
    const uint64_t begin = uint64_t{chunk->index} * kLegacyChunkBytes;
    if (begin >= end()) break;
    CountChunk(*chunk);
    at = begin + kLegacyChunkBytes;
  }
  return Status::Ok();
}

Status LegacyHoles::CountMissing() {
  missing_count_ = database_.page_count - stored_pages_;
  // SQLite never writes the page at its lock bytes, so it may be missing.
  const PageNo lock_page = LockPage(database_.page_size);
  if (lock_page > database_.page_count) return Status::Ok();
  bool missing = false;
  if (Status s = IsMissing(lock_page, &missing); !s.ok()) return s;
  if (missing) --missing_count_;
  return Status::Ok();
}

Status LegacyHoles::IsMissing(PageNo pgno, bool* missing) {
  const uint64_t offset = uint64_t{pgno - 1} * database_.page_size;
  const auto first = static_cast<uint32_t>(offset / kLegacyChunkBytes);
  *missing = false;
  for (uint32_t i = 0; i < chunks_per_page() && !*missing; ++i) {
    std::optional<LegacyFile::Chunk> chunk;
    if (Status s = main_->NextStored(first + i, &chunk); !s.ok()) return s;
    *missing = !chunk.has_value() || chunk->index != first + i ||
               (database_.page_size < kLegacyChunkBytes &&
                chunk->size_bytes <= offset % kLegacyChunkBytes);
  }
  return Status::Ok();
}

Status LegacyHoles::ReadTrunk(PageNo pgno, std::string* page) {
  bool missing = true;
  if (pgno <= database_.page_count) {
    if (Status s = IsMissing(pgno, &missing); !s.ok()) return s;
  }
  if (missing) {
    return Refuse("among them page " + std::to_string(pgno) +
                  ", which the free list needs");
  }
  page->assign(database_.page_size, '\0');
  size_t copied = 0;
  return main_->Read(uint64_t{pgno - 1} * database_.page_size, page->size(),
                     page->data(), &copied);
}

// Looks whether the missing pages are free. Walks the free list, whose length
// is bounded by what is stored.
Status LegacyHoles::Explain() {
  const uint64_t max_leaves = database_.usable_bytes / kLeafBytes;
  // Both bounds are cheap, and keep a page count that is not true from being
  // believed.
  if (missing_count_ > database_.free_count ||
      missing_count_ > stored_chunk_count_ * max_leaves) {
    return Refuse("and the free list, which could explain them, has " +
                  std::to_string(database_.free_count) + " pages (" +
                  std::to_string(stored_chunk_count_) +
                  " chunks of the database are stored)");
  }
  uint64_t explained = 0;
  uint64_t visited = 0;
  uint64_t trunks = 0;  // each is stored, so more than stored means a circle
  PageNo trunk = database_.first_trunk;
  while (trunk != 0 && visited < database_.free_count &&
         explained < missing_count_ && trunks++ < stored_pages_) {
    if (Status s = KeepOn(); !s.ok()) return s;
    std::string page;
    if (Status s = ReadTrunk(trunk, &page); !s.ok()) return s;
    const uint64_t count =
        // A trunk has at most so many leaves; a larger number is damage, and no
        // reason to read past the page.
        std::min<uint64_t>(LoadBig32(page.data() + 4), max_leaves - 2);
    for (uint64_t i = 0; i < count; ++i) {
      if (Status s = KeepOn(); !s.ok()) return s;
      const PageNo leaf =
          LoadBig32(page.data() + kTrunkHeaderBytes + i * kLeafBytes);
      if (leaf == 0 || leaf > database_.page_count) continue;
      bool missing = false;
      if (Status s = IsMissing(leaf, &missing); !s.ok()) return s;
      if (missing) ++explained;
    }
    visited += count + 1;
    trunk = LoadBig32(page.data());
  }
  if (explained >= missing_count_) return Status::Ok();
  return Refuse("and only " + std::to_string(explained) +
                " of them are free: the others were in use");
}

Status ReadLegacyDatabase(LegacyView* main, LegacyDatabase* database) {
  *database = LegacyDatabase();
  if (main->size_bytes() == 0) return Status::Ok();
  std::string bytes(kHeaderBytes, '\0');
  size_t copied = 0;
  if (Status s = main->Read(0, bytes.size(), bytes.data(), &copied); !s.ok()) {
    return s;
  }
  const DatabaseHeader header = ParseHeader(bytes);
  if (!header.valid) {
    return Status::Corruption(
        "it does not begin with the header of a SQLite "
        "database");
  }
  LegacyDatabase found;
  found.page_size = header.page_size;
  found.page_count = header.page_count;
  // A header that is older than the file says nothing of its size: then SQLite
  // takes the file's (btree.c lockBtree, 3.40.1).
  if (found.page_count == 0) {
    found.page_count = static_cast<uint32_t>(std::min<uint64_t>(
        (main->size_bytes() - 1) / header.page_size + 1, 0xfffffffe));
  }
  found.usable_bytes =
      header.page_size - static_cast<uint8_t>(bytes[kReservedOffset]);
  found.first_trunk = LoadBig32(bytes.data() + kFirstTrunkOffset);
  found.free_count = LoadBig32(bytes.data() + kFreeCountOffset);
  found.write_version = header.write_version;
  found.read_version = header.read_version;
  *database = found;
  return Status::Ok();
}

Status LegacyHoles::Check(const std::function<Status()>& keep_on,
                          uint64_t* missing_count) {
  *missing_count = 0;
  if (database_.page_count == 0) return Status::Ok();
  keep_on_ = keep_on;
  // Whoever read all pages in their order has counted already.
  if (passed_ * kLegacyChunkBytes < end()) {
    if (Status s = CountAll(); !s.ok()) return s;
  }
  if (Status s = CountMissing(); !s.ok()) return s;
  if (missing_count_ > 0) {
    if (Status s = Explain(); !s.ok()) return s;
  }
  *missing_count = missing_count_;
  return Status::Ok();
}

std::string UnwrittenPages(uint64_t page_count) {
  if (page_count == 1) {
    return "1 free page that was never written reads as zeros";
  }
  return std::to_string(page_count) +
         " free pages that were never written read as zeros";
}

}  // namespace actorkv
