#include "vfs/legacy/legacy_wal.h"

#include <algorithm>
#include <optional>
#include <string>

#include "kv/base/coding.h"
#include "kv/base/types.h"

namespace actorkv {

namespace {

constexpr uint32_t kWalMagic = 0x377f0682;  // its low bit: byte order of sums
constexpr size_t kSaltsOffset = 16;
constexpr size_t kFrameSaltsOffset = 8;
constexpr size_t kSaltsBytes = 8;

class WalCheck {
 public:
  explicit WalCheck(LegacyFile* wal) : wal_(wal) {}

  Status ReadHeader();
  Status CountCommits(uint32_t frame_count, uint64_t* count);
  Status CheckBehind(uint32_t frame_count);

 private:
  uint64_t size() const {
    return std::min(wal_->size_bytes(), kMaxLegacyFileBytes);
  }
  uint64_t frame_bytes() const { return kWalFrameHeaderBytes + page_size_; }
  uint64_t FrameOffset(uint64_t frame) const {
    return kWalHeaderBytes + frame * frame_bytes();
  }
  Status ReadFrame(uint64_t frame, std::string* header);
  Status Refuse(uint64_t hole) const;

  LegacyFile* const wal_;
  bool valid_ = false;  // has a header
  uint32_t page_size_ = 0;
  std::string salts_;
};

Status WalCheck::Refuse(uint64_t hole) const {
  return Status::Corruption(
      "the WAL has a hole at byte " + std::to_string(hole) +
      " and committed transactions behind it, which are lost without what is "
      "missing: restore the actor's pairs from a backup");
}

Status WalCheck::ReadHeader() {
  std::string header(kWalHeaderBytes, '\0');
  size_t copied = 0;
  if (Status s = wal_->Read(0, header.size(), header.data(), &copied);
      !s.ok()) {
    return s;
  }
  page_size_ = LoadBig32(header.data() + 8);
  salts_ = header.substr(kSaltsOffset, kSaltsBytes);
  valid_ = copied == header.size() &&
           // The checksum of the header is not looked at here: SQLite did, and
           // counts no frame where it is wrong.
           (LoadBig32(header.data()) & ~uint32_t{1}) == kWalMagic &&
           IsLegalPageSize(page_size_);
  return Status::Ok();
}

Status WalCheck::ReadFrame(uint64_t frame, std::string* header) {
  header->assign(kWalFrameHeaderBytes, '\0');
  size_t copied = 0;
  return wal_->Read(FrameOffset(frame), header->size(), header->data(),
                    &copied);
}

Status WalCheck::CountCommits(uint32_t frame_count, uint64_t* count) {
  *count = 0;
  for (uint64_t i = 0; valid_ && i < frame_count; ++i) {
    std::string header;
    if (Status s = ReadFrame(i, &header); !s.ok()) return s;
    // The field is the size of the database after a commit, and 0 in every
    // other frame (SQLite database file format, section 4.1 "WAL File Format").
    if (LoadBig32(header.data() + 4) != 0) ++*count;
  }
  return Status::Ok();
}

// Looks for commits behind a hole. Loops over chunks that are stored, whatever
// the size says.
Status WalCheck::CheckBehind(uint32_t frame_count) {
  const uint64_t end = valid_ ? FrameOffset(frame_count) : 0;
  uint64_t hole = 0;
  if (Status s = wal_->FindHole(end, size(), &hole); !s.ok()) return s;
  uint64_t at = hole;
  while (at < size()) {
    std::optional<LegacyFile::Chunk> chunk;
    const auto index = static_cast<uint32_t>(at / kLegacyChunkBytes);
    if (Status s = wal_->NextChunk(index, &chunk); !s.ok()) return s;
    if (!chunk.has_value()) break;
    const uint64_t begin = uint64_t{chunk->index} * kLegacyChunkBytes;
    at = std::max(at, begin);
    // In a WAL without a header nobody can tell what the frames are.
    if (!valid_) {
      if (hole < kWalHeaderBytes && begin > hole) return Refuse(hole);
      break;
    }
    const uint64_t frame =
        (at - kWalHeaderBytes + frame_bytes() - 1) / frame_bytes();
    if (FrameOffset(frame) < begin + chunk->size_bytes) {
      std::string header;
      if (Status s = ReadFrame(frame, &header); !s.ok()) return s;
      // Frames of an older use of the WAL have other salts, and may lie behind
      // the end.
      if (LoadBig32(header.data() + 4) != 0 &&
          header.substr(kFrameSaltsOffset, kSaltsBytes) == salts_) {
        return Refuse(hole);
      }
      at = FrameOffset(frame) + 1;
    } else {
      at = begin + kLegacyChunkBytes;
    }
  }
  return Status::Ok();
}

}  // namespace

Status CheckLegacyWal(LegacyFile* wal, uint32_t frame_count,
                      uint64_t* transaction_count) {
  WalCheck check(wal);
  uint64_t commits = 0;
  if (Status s = check.ReadHeader(); !s.ok()) return s;
  if (Status s = check.CountCommits(frame_count, &commits); !s.ok()) return s;
  if (Status s = check.CheckBehind(frame_count); !s.ok()) return s;
  *transaction_count = commits;
  return Status::Ok();
}

}  // namespace actorkv
