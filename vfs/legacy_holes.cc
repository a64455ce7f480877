#include "vfs/legacy_holes.h"

#include <algorithm>
#include <optional>
#include <string>

#include "kv/coding.h"
#include "kv/types.h"
#include "vfs/database_header.h"

namespace actorkv {

namespace {

constexpr size_t kReservedOffset = 20;
constexpr size_t kFirstTrunkOffset = 32;
constexpr size_t kFreeCountOffset = 36;

// A trunk of the free list begins with the next trunk and its number of leaves.
constexpr size_t kTrunkHeaderBytes = 8;
constexpr size_t kLeafBytes = 4;

constexpr uint32_t kChunksBetweenLooks = 4096;

class HoleCheck {
 public:
  HoleCheck(LegacyView* main, const LegacyDatabase& database,
            const std::function<Status()>& keep_on)
      : main_(main), database_(database), keep_on_(keep_on) {}

  Status Count();
  Status Explain();
  uint64_t missing_count() const { return missing_count_; }

 private:
  Status KeepOn();
  Status IsMissing(PageNo pgno, bool* missing);
  Status ReadTrunk(PageNo pgno, std::string* page);
  Status Refuse(const std::string& why) const;
  // Of a page, or part of one, in chunks.
  uint32_t chunks_per_page() const {
    return std::max<uint32_t>(database_.page_size / kLegacyChunkBytes, 1);
  }

  LegacyView* const main_;
  const LegacyDatabase& database_;
  const std::function<Status()>& keep_on_;
  uint32_t looks_ = 0;
  uint64_t stored_chunk_count_ = 0;
  uint64_t stored_pages_ = 0;
  uint64_t missing_count_ = 0;
};

Status HoleCheck::KeepOn() {
  if (!keep_on_ || ++looks_ % kChunksBetweenLooks != 0) return Status::Ok();
  return keep_on_();
}

Status HoleCheck::Refuse(const std::string& why) const {
  return Status::Corruption(std::to_string(missing_count_) + " of " +
                            std::to_string(database_.page_count) +
                            " pages are not stored, " + why +
                            ": restore the actor's pairs from a backup");
}

// Counts pages that are stored, so as not to loop over those that are not.
Status HoleCheck::Count() {
  const uint64_t end = uint64_t{database_.page_count} * database_.page_size;
  PageNo page = 0;              // of which chunks are being counted
  uint32_t chunks_of_page = 0;  // seen
  for (uint64_t at = 0; at < end;) {
    if (Status s = KeepOn(); !s.ok()) return s;
    std::optional<LegacyFile::Chunk> chunk;
    const auto from = static_cast<uint32_t>(at / kLegacyChunkBytes);
    if (Status s = main_->NextStored(from, &chunk); !s.ok()) return s;
    if (!chunk.has_value()) break;
    const uint64_t begin = uint64_t{chunk->index} * kLegacyChunkBytes;
    if (begin >= end) break;
    ++stored_chunk_count_;
    if (database_.page_size < kLegacyChunkBytes) {
      // A page counts when a byte of it is stored.
      const uint64_t bytes = std::min<uint64_t>(chunk->size_bytes, end - begin);
      stored_pages_ += (bytes + database_.page_size - 1) / database_.page_size;
    } else {
      const PageNo of = chunk->index / chunks_per_page() + 1;
      chunks_of_page = of == page ? chunks_of_page + 1 : 1;
      page = of;
      if (chunks_of_page == chunks_per_page()) ++stored_pages_;
    }
    at = begin + kLegacyChunkBytes;
  }
  missing_count_ = database_.page_count - stored_pages_;
  const PageNo lock_page = LockPage(database_.page_size);
  if (lock_page > database_.page_count) return Status::Ok();
  bool missing = false;
  if (Status s = IsMissing(lock_page, &missing); !s.ok()) return s;
  if (missing) --missing_count_;
  return Status::Ok();
}

Status HoleCheck::IsMissing(PageNo pgno, bool* missing) {
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

Status HoleCheck::ReadTrunk(PageNo pgno, std::string* page) {
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

// Walks the free list, whose length is bounded by what is stored.
Status HoleCheck::Explain() {
  const uint64_t max_leaves = database_.usable_bytes / kLeafBytes;
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

}  // namespace

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

Status CheckLegacyHoles(LegacyView* main, const LegacyDatabase& database,
                        const std::function<Status()>& keep_on,
                        uint64_t* missing_count) {
  *missing_count = 0;
  if (database.page_count == 0) return Status::Ok();
  HoleCheck check(main, database, keep_on);
  if (Status s = check.Count(); !s.ok()) return s;
  if (check.missing_count() > 0) {
    if (Status s = check.Explain(); !s.ok()) return s;
  }
  *missing_count = check.missing_count();
  return Status::Ok();
}

}  // namespace actorkv
