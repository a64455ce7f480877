#include "kv/format/chunk.h"

#include <cstring>

#include "kv/base/coding.h"
#include "kv/base/hash.h"
#include "kv/format/zero_gap.h"

namespace actorkv {

namespace {

// The layout of the header is drawn in kv/format/chunk.h.
constexpr size_t kChecksumOffset = 16;

// The bytes that bind the checksum to the place: branch, pgno and txid, and the
// header up to the checksum.
constexpr size_t kIdBytes = 20;
constexpr size_t kPlaceBytes = kIdBytes + kChecksumOffset;

bool AllZero(std::string_view page) {
  // The page is compared with itself, shifted by one byte: memcmp() runs at
  // memory speed.
  return page[0] == 0 &&
         std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

// Computes the checksum of `value`, the whole chunk, of which the field of the
// checksum does not count.
uint64_t Checksum(const ChunkId& id, std::string_view value) {
  char place[kPlaceBytes];
  StoreBig64(place, id.branch.value);
  StoreBig32(place + 8, id.pgno);
  StoreBig64(place + 12, id.txid.value);
  std::memcpy(place + kIdBytes, value.data(), kChecksumOffset);
  // The place is hashed first and is the seed, so that no copy of the payload
  // is made to put the two beside each other.
  return Hash64(value.substr(kChunkHeaderBytes),
                Hash64({place, sizeof place}, 0));
}

bool IsKnown(uint8_t codec) {
  switch (static_cast<Codec>(codec)) {
    case Codec::kEmpty:
    case Codec::kRaw:
    case Codec::kDelta:
    case Codec::kGap:
      return true;
  }
  return false;
}

// Writes the checksum into the header of `chunk`.
void Seal(const ChunkId& id, std::string_view chunk, char* header) {
  StoreLittle64(header + kChecksumOffset, Checksum(id, chunk));
}

// Writes into a buffer that has other chunks already: a batch has one buffer
// for all.
void Append(const ChunkId& id, Codec codec, std::string_view payload,
            uint64_t page_hash, std::string* out) {
  const size_t begin = out->size();
  out->push_back(static_cast<char>(kChunkVersion));
  out->push_back(static_cast<char>(codec));
  out->append(2, '\0');
  AppendLittle32(out, static_cast<uint32_t>(payload.size()));
  AppendLittle64(out, page_hash);
  // The checksum's own bytes come in between, and are filled in by Seal().
  out->append(8, '\0');
  out->append(payload);
  const std::string_view all = *out;
  Seal(id, all.substr(begin), out->data() + begin);
}

Status Damaged(const ChunkId& id, const std::string& what) {
  return Status::Corruption("page chunk damaged: " + what + ": " +
                            ChunkName(id));
}

Status WrongPageSize(const ChunkId& id, const std::string& bytes,
                     uint32_t page_size) {
  return Damaged(id, bytes + ", page size " + std::to_string(page_size));
}

// Makes the page of a delta in the place of `page`, which is the base.
Status UnpackDeltaOver(const ChunkId& id, const DecodedChunk& chunk,
                       uint32_t page_size, char* page) {
  if (chunk.delta.page_size != page_size) {
    return WrongPageSize(
        id, "delta of " + std::to_string(chunk.delta.page_size) + " bytes",
        page_size);
  }
  // The hash is of the page that comes out: it proves that the base is the
  // right one, too.
  ApplyDelta(chunk.delta, page);
  if (PageHash(id.pgno, {page, page_size}) == chunk.page_hash) {
    return Status::Ok();
  }
  return Damaged(id, "the delta and its base, txid=" +
                         std::to_string(chunk.delta.form.base.value) +
                         ", do not make the page");
}

}  // namespace

std::string ChunkName(const ChunkId& id) {
  return "branch=" + std::to_string(id.branch.value) +
         " pgno=" + std::to_string(id.pgno) +
         " txid=" + std::to_string(id.txid.value);
}

uint64_t PageHash(PageNo pgno, std::string_view page) {
  return Hash64(page, pgno);
}

void AppendChunk(const ChunkId& id, std::string_view page, uint64_t page_hash,
                 std::string* out) {
  // Growth stores a version of every page (kv/README.md, invariant 3), and most
  // of those are zeros: they are a header each.
  if (AllZero(page)) return Append(id, Codec::kEmpty, {}, page_hash, out);
  const ZeroGap gap = FindZeroGap(page);
  if (gap.empty()) return Append(id, Codec::kRaw, page, page_hash, out);
  Append(id, Codec::kGap, EncodeWithoutGap(page, gap), page_hash, out);
}

std::string EncodeChunk(const ChunkId& id, std::string_view page,
                        uint64_t page_hash) {
  std::string value;
  value.reserve(kChunkHeaderBytes + page.size());
  AppendChunk(id, page, page_hash, &value);
  return value;
}

std::string EncodeDeltaChunk(const ChunkId& id, std::string_view payload,
                             uint64_t page_hash) {
  std::string value;
  value.reserve(kChunkHeaderBytes + payload.size());
  Append(id, Codec::kDelta, payload, page_hash, &value);
  return value;
}

// A copy has the same bytes but for the checksum, which knows the place. It is
// not unpacked: what was verified when it was read goes on as it is.
std::string CopyOfChunk(const ChunkId& id, std::string_view value) {
  std::string copy(value);
  Seal(id, copy, copy.data());
  return copy;
}

Status DecodeChunk(const ChunkId& id, std::string_view value,
                   DecodedChunk* chunk) {
  if (value.size() < kChunkHeaderBytes) return Damaged(id, "shorter than 24");
  auto version = static_cast<uint8_t>(value[0]);
  if (version != kChunkVersion) {
    return Status::NotSupported(
        "chunk version " + std::to_string(version) +
        " is not known; this version reads 1: " + ChunkName(id));
  }
  // The checksum comes before the codec: a flipped bit is damage, not a newer
  // format. The version comes first, as another one may have another checksum.
  if (LoadLittle64(value.data() + kChecksumOffset) != Checksum(id, value)) {
    return Damaged(id, "checksum mismatch");
  }
  auto codec = static_cast<uint8_t>(value[1]);
  if (!IsKnown(codec)) {
    return Status::NotSupported("chunk codec " + std::to_string(codec) +
                                " is not known: " + ChunkName(id));
  }
  DecodedChunk decoded;
  decoded.codec = static_cast<Codec>(codec);
  decoded.page_hash = LoadLittle64(value.data() + 8);
  decoded.payload = value.substr(kChunkHeaderBytes);
  if (LoadLittle32(value.data() + 4) != decoded.payload.size()) {
    return Damaged(id, "payload size mismatch");
  }
  if (decoded.codec == Codec::kDelta &&
      !DecodeDelta(decoded.payload, &decoded.delta)) {
    return Damaged(id, "no delta of a page");
  }
  // The base has a key of its own, which is before the delta's: else a reader
  // could go in a circle.
  if (decoded.codec == Codec::kDelta && !(decoded.delta.form.base < id.txid)) {
    return Damaged(id, "a base that is not older, txid=" +
                           std::to_string(decoded.delta.form.base.value));
  }
  *chunk = decoded;
  return Status::Ok();
}

Status UnpackPage(const ChunkId& id, const DecodedChunk& chunk,
                  uint32_t page_size, char* page) {
  bool fits = true;
  switch (chunk.codec) {
    case Codec::kEmpty:
      std::memset(page, 0, page_size);
      break;
    case Codec::kRaw:
      fits = chunk.payload.size() == page_size;
      if (fits) std::memcpy(page, chunk.payload.data(), page_size);
      break;
    case Codec::kGap:
      fits = DecodeWithoutGap(chunk.payload, page_size, page);
      break;
    case Codec::kDelta:
      return UnpackDeltaOver(id, chunk, page_size, page);
  }
  if (fits) return Status::Ok();
  return WrongPageSize(
      id, "payload of " + std::to_string(chunk.payload.size()) + " bytes",
      page_size);
}

}  // namespace actorkv
