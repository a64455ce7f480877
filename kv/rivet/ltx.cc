#include "kv/rivet/ltx.h"

#include <lz4.h>

#include <algorithm>
#include <utility>

#include "kv/base/coding.h"

namespace actorkv {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kMagic = "LTX1";
// The flags of the one variant that is known: of the blob, and of a frame.
constexpr uint32_t kNoChecksum = 2;
constexpr uint16_t kHasLength = 1;
// The mark behind the last page is a frame's number and flags, all zero.
constexpr size_t kEndBytes = 6;
constexpr size_t kIndexLengthBytes = 8;
constexpr size_t kTrailerBytes = 16;
constexpr size_t kSmallestBytes =
    kLtxHeaderBytes + kEndBytes + 1 + kIndexLengthBytes + kTrailerBytes;
// The part of a blob that is in memory at a time, in bytes.
constexpr size_t kWindowBytes = size_t{64} << 10;
constexpr int kMaxUintShift = 63;

Status Bad(uint64_t offset, const std::string& what) {
  return Status::Corruption("LTX, byte " + std::to_string(offset) + ": " +
                            what);
}

// Cursor: reads forward through a part of the blob, a window at a time.
class Cursor {
 public:
  Cursor(LtxInput* input, uint64_t offset, uint64_t end)
      : input_(input), offset_(offset), end_(end) {}

  uint64_t offset() const { return offset_; }
  uint64_t left() const { return end_ - offset_; }

  // Gives the next `size` bytes without passing them; valid until the next
  // call.
  Status Peek(size_t size, std::string_view* bytes) {
    if (size > left()) return Bad(offset_, "it is cut short");
    if (offset_ < window_at_ || offset_ + size > window_at_ + window_.size()) {
      window_.resize(std::min<uint64_t>(left(), kWindowBytes));
      window_at_ = offset_;
      if (Status s = input_->Read(offset_, window_.size(), window_.data());
          !s.ok()) {
        window_.clear();
        return s;
      }
    }
    *bytes = {&window_[offset_ - window_at_], size};
    return Status::Ok();
  }

  // REQUIRES: size <= left().
  void Pass(uint64_t size) { offset_ += size; }

  Status Uint(uint64_t* value) {
    const uint64_t begin = offset_;
    uint64_t read = 0;
    // Seven bits a byte, the lowest first; the tenth byte has the 64th bit
    // alone.
    for (int shift = 0; shift <= kMaxUintShift; shift += 7) {
      std::string_view byte;
      if (Status s = Peek(1, &byte); !s.ok()) return s;
      Pass(1);
      const auto bits = static_cast<unsigned char>(byte[0]);
      if (shift == kMaxUintShift && bits > 1) break;
      read |= uint64_t{bits & 0x7fU} << shift;
      if (bits > 0x7f) continue;
      *value = read;
      return Status::Ok();
    }
    return Bad(begin, "a number has more than 64 bits");
  }

 private:
  LtxInput* const input_;
  uint64_t offset_;
  const uint64_t end_;
  std::string window_;
  uint64_t window_at_ = 0;  // offset of window_ in the blob
};

Status DecodeHeader(std::string_view bytes, LtxHeader* header) {
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return Bad(0, "it does not begin with LTX1");
  }
  const uint32_t flags = LoadBig32(&bytes[4]);
  if (flags != kNoChecksum) {
    return Status::NotSupported("LTX with flags " + std::to_string(flags) +
                                ", only 2 (no checksums) is known");
  }
  LtxHeader read;
  read.page_size = LoadBig32(&bytes[8]);
  read.commit_pages = LoadBig32(&bytes[12]);
  read.min_txid = LoadBig64(&bytes[16]);
  read.max_txid = LoadBig64(&bytes[24]);
  if (!IsLegalPageSize(read.page_size)) {
    return Bad(8, "a page size of " + std::to_string(read.page_size));
  }
  if (read.min_txid > read.max_txid) {
    return Bad(16, "its first transaction is later than its last");
  }
  // The blob says by its flags that nobody counted checksums. One that is there
  // all the same was written by something else.
  if (LoadBig64(&bytes[40]) != 0) {
    return Bad(40, "a checksum where the flags say none");
  }
  *header = read;
  return Status::Ok();
}

// Finds where the index begins; the bytes behind it are checked.
Status FindIndex(LtxInput* input, uint64_t* index_begin) {
  const uint64_t size = input->size_bytes();
  const uint64_t index_end = size - kTrailerBytes - kIndexLengthBytes;
  std::string tail(kIndexLengthBytes + kTrailerBytes, '\0');
  if (Status s = input->Read(index_end, tail.size(), tail.data()); !s.ok()) {
    return s;
  }
  if (tail.find_first_not_of('\0', kIndexLengthBytes) != std::string::npos) {
    return Bad(size - kTrailerBytes, "the last 16 bytes are not zero");
  }
  const uint64_t length = LoadBig64(tail.data());
  // ScanLtx() saw that the blob is long enough, so this does not wrap around.
  if (length > index_end - kLtxHeaderBytes - kEndBytes) {
    return Bad(index_end,
               "an index of " + std::to_string(length) + " bytes does not fit");
  }
  *index_begin = index_end - length;
  return Status::Ok();
}

// Takes the header of the next frame; *more is false at the end mark.
Status NextFrame(Cursor* frames, LtxFrame* frame, bool* more) {
  std::string_view bytes;
  if (Status s = frames->Peek(kEndBytes, &bytes); !s.ok()) return s;
  *more = bytes != "\0\0\0\0\0\0"sv;
  if (!*more) {
    frames->Pass(kEndBytes);
    return Status::Ok();
  }
  const uint64_t begin = frames->offset();
  if (Status s = frames->Peek(kLtxFrameHeaderBytes, &bytes); !s.ok()) return s;
  const PageNo pgno = LoadBig32(bytes.data());
  const uint32_t flags = LoadBig32(&bytes[2]) & 0xffff;
  const uint32_t length = LoadBig32(&bytes[6]);
  // Page numbers begin at 1, so this refuses page 0 of the first frame as well,
  // and a page that comes twice.
  if (pgno <= frame->pgno) return Bad(begin, "pages are not in order");
  if (flags != kHasLength) {
    return Bad(begin, "a page with flags " + std::to_string(flags));
  }
  if (length > kMaxLtxBlockBytes ||
      length > frames->left() - kLtxFrameHeaderBytes) {
    return Bad(begin, "a page of " + std::to_string(length) +
                          " packed bytes does not fit");
  }
  *frame = LtxFrame{pgno, begin,
                    length + static_cast<uint32_t>(kLtxFrameHeaderBytes)};
  frames->Pass(frame->size_bytes);
  return Status::Ok();
}

// Checks that the next entry of the index says what the frame itself says.
Status CheckIndex(Cursor* index, const LtxFrame& frame) {
  const uint64_t begin = index->offset();
  for (const uint64_t wanted :
       {uint64_t{frame.pgno}, frame.offset, uint64_t{frame.size_bytes}}) {
    uint64_t value = 0;
    if (Status s = index->Uint(&value); !s.ok()) return s;
    if (value != wanted) {
      return Bad(begin,
                 "the index is wrong for page " + std::to_string(frame.pgno));
    }
  }
  return Status::Ok();
}

}  // namespace

Status ScanLtx(LtxInput* input, LtxHeader* header, const LtxFrameSink& take) {
  const uint64_t size = input->size_bytes();
  // Every offset from the end below relies on it.
  if (size < kSmallestBytes) {
    return Bad(size, "it is cut short");
  }
  std::string bytes(kLtxHeaderBytes, '\0');
  if (Status s = input->Read(0, bytes.size(), bytes.data()); !s.ok()) return s;
  LtxHeader read;
  if (Status s = DecodeHeader(bytes, &read); !s.ok()) return s;
  uint64_t index_begin = 0;
  if (Status s = FindIndex(input, &index_begin); !s.ok()) return s;
  Cursor frames(input, kLtxHeaderBytes, index_begin);
  Cursor index(input, index_begin, size - kTrailerBytes - kIndexLengthBytes);
  LtxFrame frame;
  while (true) {
    bool more = false;
    if (Status s = NextFrame(&frames, &frame, &more); !s.ok()) return s;
    if (!more) break;
    if (Status s = CheckIndex(&index, frame); !s.ok()) return s;
    if (Status s = take(frame); !s.ok()) return s;
  }
  // Both walks must end together: else some bytes belong to nothing, and the
  // blob is not what it was written as.
  if (frames.left() != 0) {
    return Bad(frames.offset(), "bytes between the pages and the index");
  }
  uint64_t end_mark = 0;
  const uint64_t end_offset = index.offset();
  if (Status s = index.Uint(&end_mark); !s.ok()) return s;
  if (end_mark != 0 || index.left() != 0) {
    return Bad(end_offset, "the index has more than the pages");
  }
  *header = read;
  return Status::Ok();
}

Status DecodeLtxFrame(std::string_view frame, PageNo pgno, uint32_t page_size,
                      std::string* page) {
  if (frame.size() < kLtxFrameHeaderBytes || LoadBig32(frame.data()) != pgno ||
      LoadBig32(&frame[6]) != frame.size() - kLtxFrameHeaderBytes) {
    return Status::Corruption("these are not the bytes of page " +
                              std::to_string(pgno));
  }
  const std::string_view block = frame.substr(kLtxFrameHeaderBytes);
  std::string unpacked(page_size, '\0');
  // The page is unpacked into a buffer of just its size: LZ4 refuses what would
  // be longer, and what is shorter is seen below.
  const int size = LZ4_decompress_safe(block.data(), unpacked.data(),
                                       static_cast<int>(block.size()),
                                       static_cast<int>(unpacked.size()));
  if (size < 0 || static_cast<uint32_t>(size) != page_size) {
    return Status::Corruption("page " + std::to_string(pgno) +
                              " does not unpack to " +
                              std::to_string(page_size) + " bytes");
  }
  *page = std::move(unpacked);
  return Status::Ok();
}

}  // namespace actorkv
