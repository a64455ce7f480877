#include "kv/rivet/rivet_v2.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "kv/base/coding.h"
#include "kv/files/byte_source.h"

namespace actorkv {

namespace {

using Kind = RivetV2Key::Kind;

std::string ShardName(uint32_t shard) {
  return ToText({Kind::kShard, 0, shard});
}

// The name of a delta as a whole: its pieces have numbers behind this.
std::string DeltaName(uint64_t txid) {
  return "/DELTA/" + std::to_string(txid);
}

std::string EntryName(PageNo pgno) {
  return ToText({Kind::kPageIndex, 0, pgno});
}

class StringInput : public LtxInput {
 public:
  explicit StringInput(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size_bytes() const override { return bytes_.size(); }
  Status Read(uint64_t offset, size_t size, char* buffer) override {
    std::memcpy(buffer, &bytes_[offset], size);
    return Status::Ok();
  }

 private:
  const std::string_view bytes_;
};

Status CheckPageSize(const LtxHeader& header, const RivetV2Head& head) {
  if (header.page_size == head.page_size) return Status::Ok();
  return Status::Corruption(
      "a page size of " + std::to_string(header.page_size) +
      ", the database has " + std::to_string(head.page_size));
}

Status CheckDeltaHeader(const LtxHeader& header, const RivetV2Head& head,
                        uint64_t txid) {
  if (header.min_txid != txid || header.max_txid != txid) {
    return Status::Corruption("it says that it is of transactions " +
                              std::to_string(header.min_txid) + " to " +
                              std::to_string(header.max_txid));
  }
  // Only the last commit's size can be compared: of earlier ones the head says
  // nothing.
  if (txid == head.head_txid && header.commit_pages != head.db_size_pages) {
    return Status::Corruption(
        "the last commit left " + std::to_string(header.commit_pages) +
        " pages, /META says " + std::to_string(head.db_size_pages));
  }
  return CheckPageSize(header, head);
}

}  // namespace

// DeltaInput: the blob of a delta, put together from its pieces in the file.
class RivetV2Database::DeltaInput : public LtxInput {
 public:
  DeltaInput(const RivetV2Database& database, uint32_t delta)
      : file_(database.file_.get()),
        pieces_(&database.index_.pieces()[database.deltas_[delta].first]),
        end_(pieces_ + database.deltas_[delta].count) {}

  uint64_t size_bytes() const override {
    return end_[-1].begin + end_[-1].size_bytes;
  }

  Status Read(uint64_t offset, size_t size, char* buffer) override {
    // The last piece that begins at or before the offset. There is one: the
    // first begins at 0.
    const auto* piece =
        std::upper_bound(pieces_, end_, offset,
                         [](uint64_t wanted, const RivetV2Index::Piece& p) {
                           return wanted < p.begin;
                         }) -
        1;
    for (; size > 0; ++piece) {
      const uint64_t skip = offset - piece->begin;
      const size_t part = std::min<uint64_t>(size, piece->size_bytes - skip);
      if (Status s = file_->Read(piece->offset + skip, part, buffer); !s.ok()) {
        return s;
      }
      offset += part;
      buffer += part;
      size -= part;
    }
    return Status::Ok();
  }

 private:
  RandomFile* const file_;
  const RivetV2Index::Piece* const pieces_;
  const RivetV2Index::Piece* const end_;
};

RivetV2Database::RivetV2Database(std::string path) : path_(std::move(path)) {}

Status RivetV2Database::Open(const std::string& path,
                             std::unique_ptr<RivetV2Database>* database) {
  std::unique_ptr<RivetV2Database> opened(new RivetV2Database(path));
  if (Status s = opened->Load(); !s.ok()) return s.WithContext(path);
  *database = std::move(opened);
  return Status::Ok();
}

Status RivetV2Database::Load() {
  std::unique_ptr<ByteSource> source;
  if (Status s = OpenFileBytes(path_, &source); !s.ok()) return s;
  // The file is opened twice: it is read through once, for the index, and then
  // at the places that the index names.
  if (Status s = RandomFile::Open(path_, &file_); !s.ok()) return s;
  if (Status s = index_.Build(std::move(source)); !s.ok()) return s;
  // What there is of it may be half of the database.
  if (head().origin == RivetV2Origin::kMigratingFromV1) {
    return Status::InvalidArgument(
        "its move from layout 1 had not finished: the database is the one in "
        "kv.bin");
  }
  return LoadDeltas();
}

Status RivetV2Database::LoadDeltas() {
  const auto& pieces = index_.pieces();
  for (size_t i = 0; i < pieces.size(); ++i) {
    // JoinPieces() saw that each delta begins with piece 0.
    if (pieces[i].chunk == 0) deltas_.push_back({pieces[i].txid, i, 0});
    ++deltas_.back().count;
  }
  // An offset of 0 means that no frame was found: the header of a blob is
  // there, so no frame is.
  frame_offsets_.resize(index_.pages().size());
  for (uint32_t i = 0; i < deltas_.size(); ++i) {
    if (Status s = ScanDelta(i); !s.ok()) {
      return s.WithContext(DeltaName(deltas_[i].txid));
    }
  }
  for (size_t i = 0; i < frame_offsets_.size(); ++i) {
    // The index says that this delta has the page; to read it from a shard
    // instead would give an older version.
    if (frame_offsets_[i] != 0) continue;
    const auto& entry = index_.pages()[i];
    return Status::Corruption(EntryName(entry.pgno) + ": " +
                              DeltaName(entry.txid) +
                              " does not have the page");
  }
  return Status::Ok();
}

Status RivetV2Database::ScanDelta(uint32_t delta) {
  DeltaInput input(*this, delta);
  LtxHeader header;
  if (Status s = ScanLtx(&input, &header,
                         [&](const LtxFrame& frame) {
                           return CheckPageOfDelta(frame, delta);
                         });
      !s.ok()) {
    return s;
  }
  return CheckDeltaHeader(header, head(), deltas_[delta].txid);
}

Status RivetV2Database::CheckPageOfDelta(const LtxFrame& frame,
                                         uint32_t delta) {
  const std::optional<size_t> entry = FindEntry(frame.pgno);
  // the page is in a shard by then
  if (!entry.has_value()) return Status::Ok();
  const uint64_t newest = index_.pages()[*entry].txid;
  // Older deltas may have the page as well: what counts is the one that the
  // index names.
  if (newest == deltas_[delta].txid) frame_offsets_[*entry] = frame.offset;
  if (newest >= deltas_[delta].txid) return Status::Ok();
  return Status::Corruption("it has page " + std::to_string(frame.pgno) +
                            ", but " + EntryName(frame.pgno) +
                            " names the older delta " + std::to_string(newest));
}

std::optional<size_t> RivetV2Database::FindEntry(PageNo pgno) const {
  const auto& pages = index_.pages();
  const auto found = std::lower_bound(
      pages.begin(), pages.end(), pgno,
      [](const auto& entry, PageNo wanted) { return entry.pgno < wanted; });
  if (found == pages.end() || found->pgno != pgno) return std::nullopt;
  return static_cast<size_t>(found - pages.begin());
}

Status RivetV2Database::ReadPage(PageNo pgno, std::string* page) {
  assert(pgno >= 1 && pgno <= page_count());
  const std::optional<size_t> entry = FindEntry(pgno);
  const Status s = entry.has_value() ? ReadPageOfDelta(*entry, page)
                                     : ReadPageOfShard(pgno, page);
  return s.WithContext(path_);
}

Status RivetV2Database::ReadPageOfDelta(size_t entry, std::string* page) {
  const RivetV2Index::PageEntry& wanted = index_.pages()[entry];
  const auto delta = std::lower_bound(
      deltas_.begin(), deltas_.end(), wanted.txid,
      [](const Delta& d, uint64_t txid) { return d.txid < txid; });
  DeltaInput input(*this, static_cast<uint32_t>(delta - deltas_.begin()));
  std::string frame(kLtxFrameHeaderBytes, '\0');
  const uint64_t offset = frame_offsets_[entry];
  if (Status s = input.Read(offset, frame.size(), frame.data()); !s.ok()) {
    return s;
  }
  const uint32_t length = LoadBig32(&frame[6]);
  if (length > kMaxLtxBlockBytes ||
      offset + kLtxFrameHeaderBytes + length > input.size_bytes()) {
    // The length was in bounds when the file was opened.
    return Status::IOError("the file changed while it was read");
  }
  frame.resize(kLtxFrameHeaderBytes + length);
  if (Status s = input.Read(offset + kLtxFrameHeaderBytes, length,
                            &frame[kLtxFrameHeaderBytes]);
      !s.ok()) {
    return s;
  }
  return DecodeLtxFrame(frame, wanted.pgno, page_size(), page)
      .WithContext(DeltaName(wanted.txid));
}

Status RivetV2Database::ReadPageOfShard(PageNo pgno, std::string* page) {
  const uint32_t shard = pgno / head().shard_size;
  // One shard is kept: pages are read in their order, so the next one is most
  // often in it.
  if (shard_ != shard) {
    if (Status s = LoadShard(shard); !s.ok()) {
      return s.WithContext(ShardName(shard));
    }
  }
  for (const LtxFrame& frame : shard_frames_) {
    if (frame.pgno != pgno) continue;
    return DecodeLtxFrame({&shard_bytes_[frame.offset], frame.size_bytes}, pgno,
                          page_size(), page)
        .WithContext(ShardName(shard));
  }
  // A page in neither was never written: it is zeros.
  page->assign(page_size(), '\0');
  return Status::Ok();
}

Status RivetV2Database::LoadShard(uint32_t shard) {
  // Nothing is loaded while the next shard is: an error below must not leave a
  // shard that is half one and half the other.
  shard_.reset();
  shard_frames_.clear();
  const auto& shards = index_.shards();
  const auto found = std::lower_bound(
      shards.begin(), shards.end(), shard,
      [](const auto& entry, uint32_t wanted) { return entry.shard < wanted; });
  if (found == shards.end() || found->shard != shard) {
    shard_ = shard;
    return Status::Ok();
  }
  shard_bytes_.resize(found->size_bytes);
  if (Status s =
          file_->Read(found->offset, shard_bytes_.size(), shard_bytes_.data());
      !s.ok()) {
    return s;
  }
  StringInput input(shard_bytes_);
  LtxHeader header;
  const auto take = [&](const LtxFrame& frame) {
    if (frame.pgno / head().shard_size != shard) {
      return Status::Corruption("page " + std::to_string(frame.pgno) +
                                " does not belong to it");
    }
    shard_frames_.push_back(frame);
    return Status::Ok();
  };
  if (Status s = ScanLtx(&input, &header, take); !s.ok()) return s;
  if (Status s = CheckPageSize(header, head()); !s.ok()) return s;
  // A shard that is ahead of the head holds pages of a commit that the head
  // does not have: the two were not copied at one moment.
  if (header.max_txid > head().head_txid) {
    return Status::Corruption(
        "it is of transaction " + std::to_string(header.max_txid) +
        ", the last commit is " + std::to_string(head().head_txid));
  }
  shard_ = shard;
  return Status::Ok();
}

}  // namespace actorkv
