#include "sql/salvage/legacy_pages.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kv/base/coding.h"
#include "kv/format/database_header.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

constexpr uint32_t kChunksBetweenChecks = 1024;
constexpr size_t kSizeOffset = 2;           // in metadata, behind the version
constexpr uint64_t kMaxPages = 0xfffffffe;  // of SQLite

}  // namespace

Status SizedPairs::Get(std::string_view key,
                       std::optional<std::string>* value) {
  if (key != LegacyMetadataKey(LegacyTag::kMain)) {
    return pairs_->Get(key, value);
  }
  *value = LegacyMetadataValue(size_bytes_);
  return Status::Ok();
}

LegacyPages::LegacyPages(std::shared_ptr<Store> store, LegacyId legacy,
                         std::function<Status()> keep_on)
    : store_(std::move(store)),
      keep_on_(std::move(keep_on)),
      stored_(Target{store_, {}}.engine(), legacy),
      view_(&stored_),
      sized_(&view_) {}

Status LegacyPages::Count(Stored* stored) {
  std::optional<LegacyFile::Chunk> chunk;
  uint32_t looks = 0;
  for (uint32_t next = 0;; next = chunk->index + 1) {
    if (looks++ % kChunksBetweenChecks == 0) {
      if (Status s = keep_on_(); !s.ok()) return s;
    }
    if (Status s = file_->NextChunk(next, &chunk); !s.ok()) return s;
    if (!chunk.has_value()) return Status::Ok();
    stored->bytes += chunk->size_bytes;
    stored->end =
        uint64_t{chunk->index} * kLegacyChunkBytes + chunk->size_bytes;
  }
}

// Reads the size that the metadata say; 0: none that is known.
Status LegacyPages::ClaimedBytes(uint64_t* bytes) {
  std::optional<std::string> value;
  *bytes = 0;
  if (Status s = view_.Get(LegacyMetadataKey(LegacyTag::kMain), &value);
      !s.ok()) {
    return s;
  }
  if (value.has_value() && value->size() == kLegacyMetadataBytes) {
    *bytes = LoadLittle64(value->data() + kSizeOffset);
  }
  return Status::Ok();
}

Status LegacyPages::Open() {
  Stored stored;
  uint64_t claimed = 0;
  file_ = std::make_unique<LegacyFile>(&sized_, LegacyTag::kMain);
  if (Status s = file_->Open(); !s.ok()) return s;
  if (Status s = ClaimedBytes(&claimed); !s.ok()) return s;
  if (Status s = Count(&stored); !s.ok()) return s;
  if (stored.bytes == 0) {
    if (claimed == 0) return Status::Ok();  // there is no database
    return Status::Corruption(
        "no chunk of the database is stored: there is nothing to save");
  }
  std::string first(kHeaderBytes, '\0');
  size_t copied = 0;
  if (Status s = file_->Read(0, first.size(), first.data(), &copied); !s.ok()) {
    return s;
  }
  const DatabaseHeader header = ParseHeader(first);
  page_size_ = header.valid ? header.page_size : uint32_t{kLegacyChunkBytes};
  if (header.page_count != 0) {
    claimed = uint64_t{header.page_count} * page_size_;
  } else if (claimed == 0) {
    claimed = stored.end;
  }
  const uint64_t limit = kMaxStoredFactor * stored.bytes;
  if (claimed > limit) claimed = std::min(stored.end, limit);
  page_count_ = static_cast<PageNo>(
      std::min<uint64_t>((claimed - 1) / page_size_ + 1, kMaxPages));
  sized_.set_size_bytes(uint64_t{page_count_} * page_size_);
  file_ = std::make_unique<LegacyFile>(&sized_, LegacyTag::kMain);
  return file_->Open();
}

Status LegacyPages::Read(PageNo pgno, char* page, bool* sound) {
  const uint64_t begin = uint64_t{pgno - 1} * page_size_;
  if (pgno == LockPage(page_size_)) {
    std::memset(page, 0, page_size_);
    *sound = true;
    return Status::Ok();
  }
  uint64_t hole = 0;
  size_t copied = 0;
  if (Status s = file_->FindHole(begin, begin + page_size_, &hole); !s.ok()) {
    return s;
  }
  *sound = hole == begin + page_size_;
  return file_->Read(begin, page_size_, page, &copied);
}

}  // namespace actorkv
