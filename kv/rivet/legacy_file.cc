#include "kv/rivet/legacy_file.h"

#include <algorithm>
#include <cstring>

#include "kv/base/affix.h"
#include "kv/base/coding.h"
#include "kv/base/hex.h"

namespace actorkv {

namespace {

constexpr std::string_view kNamespace("\x08", 1);
constexpr char kVersion = 1;        // of the namespace
constexpr char kTupleStart = 0x15;  // there are traces of layout 0
// The prefixes below which every key should be known: one of layout 1, two of
// layout 0.
constexpr std::string_view kLooksLikeAFile[] = {
    {"\x08\x01", 2}, {"\x09\x00", 2}, {"\x09\x01", 2}};
constexpr std::string_view kMetadataPrefix("\x08\x01\x00", 3);
constexpr std::string_view kChunkPrefix("\x08\x01\x01", 3);
constexpr size_t kMetadataKeyBytes = 4;
constexpr size_t kChunkKeyBytes = 8;
// An index is 32 bits, so this is none of a chunk: there is no chunk at or
// after the place that was looked at.
constexpr uint64_t kPastChunks = uint64_t{1} << 32;
constexpr auto kLastTag = static_cast<uint8_t>(LegacyTag::kShm);

// The size that a value in a message is cut to, in bytes.
constexpr size_t kShownBytes = 32;

std::string Hex(std::string_view bytes) {
  return ToHex(bytes.substr(0, kShownBytes)) +
         (bytes.size() > kShownBytes ? "..." : "");
}

std::string WithTag(std::string_view prefix, LegacyTag tag) {
  return std::string(prefix) + static_cast<char>(tag);
}

bool IsKnown(std::string_view key) {
  const bool has_tag = key.size() >= kMetadataKeyBytes &&
                       static_cast<uint8_t>(key[3]) <= kLastTag;
  if (BeginsWith(key, kMetadataPrefix)) {
    return has_tag && key.size() == kMetadataKeyBytes;
  }
  return BeginsWith(key, kChunkPrefix) && has_tag &&
         key.size() == kChunkKeyBytes;
}

// Checks that all keys of the namespace are of the version that is known, or
// are none of its keys. Costs a few seeks, one for each version that is there.
Status CheckVersions(PairReader* pairs) {
  std::string from(kNamespace);
  for (;;) {
    std::optional<KeyValue> pair;
    if (Status s = pairs->Seek(from, &pair); !s.ok()) return s;
    if (!pair.has_value() || !BeginsWith(pair->key, kNamespace)) {
      return Status::Ok();
    }
    if (pair->key.size() == kNamespace.size()) {
      from = pair->key + '\0';
      continue;
    }
    const char version = pair->key[kNamespace.size()];
    // In layout 0 the same first byte begins traces, whose second byte is the
    // start of a tuple.
    if (version != kVersion && version != kTupleStart) {
      return Status::NotSupported(
          "the database is kept in version " +
          std::to_string(static_cast<uint8_t>(version)) +
          " of its namespace, and only version 1 is known: key=" +
          Hex(pair->key) +
          ": the pairs stay as they are; use a version of actorkv that knows "
          "it");
    }
    // One seek passes over all keys of this version, which may be many pairs.
    from = std::string(kNamespace) + static_cast<char>(version + 1);
  }
}

Status ParseMetadata(LegacyTag tag, std::string_view value,
                     uint64_t* size_bytes) {
  const auto where = [&] {
    return std::string(" of the SQLite file '") + LegacyTagName(tag) +
           "': key=" + Hex(LegacyMetadataKey(tag)) + " value=" + Hex(value);
  };
  if (value.size() != kLegacyMetadataBytes) {
    return Status::Corruption("metadata of " + std::to_string(value.size()) +
                              " bytes, not " +
                              std::to_string(kLegacyMetadataBytes) + where());
  }
  FieldReader fields(value);
  const uint32_t low = fields.Byte();
  const uint32_t version = low | uint32_t{fields.Byte()} << 8;
  // A version that is not known may have another meaning for the size:
  // kNotSupported says that a newer module may read the file, where kCorruption
  // says that nobody can.
  if (version != kLegacyFileVersion) {
    return Status::NotSupported("metadata of version " +
                                std::to_string(version) + ", not " +
                                std::to_string(kLegacyFileVersion) + where());
  }
  *size_bytes = fields.Little64();
  return Status::Ok();
}

}  // namespace

const char* LegacyTagName(LegacyTag tag) {
  switch (tag) {
    case LegacyTag::kMain:
      return "main";
    case LegacyTag::kJournal:
      return "journal";
    case LegacyTag::kWal:
      return "wal";
    case LegacyTag::kShm:
      return "shm";
  }
  return "?";
}

std::string LegacyMetadataKey(LegacyTag tag) {
  return WithTag(kMetadataPrefix, tag);
}

std::string LegacyMetadataValue(uint64_t size_bytes) {
  std::string value;
  AppendLittle32(&value, kLegacyFileVersion);
  // The version is 16 bits, and little-endian: the two bytes above it are cut
  // off.
  value.resize(sizeof kLegacyFileVersion);
  AppendLittle64(&value, size_bytes);
  return value;
}

std::string LegacyChunkKey(LegacyTag tag, uint32_t index) {
  std::string key = WithTag(kChunkPrefix, tag);
  AppendBig32(&key, index);
  return key;
}

LegacyFile::LegacyFile(PairReader* pairs, LegacyTag tag)
    : pairs_(pairs), tag_(tag) {}

Status LegacyFile::Open() {
  std::optional<std::string> value;
  if (Status s = pairs_->Get(LegacyMetadataKey(tag_), &value); !s.ok()) {
    return s;
  }
  uint64_t size_bytes = 0;
  if (value.has_value()) {
    if (Status s = ParseMetadata(tag_, *value, &size_bytes); !s.ok()) return s;
  } else if (tag_ == LegacyTag::kMain) {
    if (Status s = Look(0); !s.ok()) return s;
    // Chunks without metadata: invariant 3.
    if (next_index_ != kPastChunks) {
      return Status::Corruption(
          "the database has chunks but no metadata, which have its size: key=" +
          Hex(LegacyMetadataKey(tag_)));
    }
  }
  exists_ = value.has_value();
  size_bytes_ = size_bytes;
  return Status::Ok();
}

size_t LegacyFile::BytesInside(uint32_t index) const {
  const uint64_t begin = uint64_t{index} * kLegacyChunkBytes;
  if (begin >= size_bytes_) return 0;
  return static_cast<size_t>(
      std::min<uint64_t>(kLegacyChunkBytes, size_bytes_ - begin));
}

Status LegacyFile::Look(uint32_t index) {
  // What was found last answers for every index up to it: a scan of a file
  // costs a seek for each chunk, and a hole none.
  if (seen_from_ <= index && index <= next_index_) return Status::Ok();
  const std::string prefix = WithTag(kChunkPrefix, tag_);
  std::string from = LegacyChunkKey(tag_, index);
  for (;;) {
    std::optional<KeyValue> pair;
    if (Status s = pairs_->Seek(from, &pair); !s.ok()) return s;
    if (!pair.has_value() || !BeginsWith(pair->key, prefix)) {
      next_index_ = kPastChunks;
      next_.clear();
      break;
    }
    if (pair->key.size() == kChunkKeyBytes) {
      next_index_ = LoadBig32(pair->key.data() + kMetadataKeyBytes);
      next_ = std::move(pair->value);
      break;
    }
    // A key of another length is none of a chunk, and is passed over.
    from = std::move(pair->key);
    from += '\0';
  }
  seen_from_ = index;
  return Status::Ok();
}

Status LegacyFile::Read(uint64_t offset, size_t size, char* buffer,
                        size_t* copied) {
  const size_t inside =
      offset >= size_bytes_
          ? 0
          : static_cast<size_t>(std::min<uint64_t>(size, size_bytes_ - offset));
  for (size_t done = 0; done < inside;) {
    const uint64_t at = offset + done;
    const size_t begin = at % kLegacyChunkBytes;
    const size_t part = std::min(inside - done, kLegacyChunkBytes - begin);
    std::memset(buffer + done, 0, part);
    const uint64_t index = at / kLegacyChunkBytes;
    // The size may claim more than keys can hold (invariant 2): there it reads
    // as zeros.
    if (index < kPastChunks) {
      if (Status s = Look(static_cast<uint32_t>(index)); !s.ok()) return s;
      // Bytes that a short chunk lacks stay zeros (invariant 1); those past
      // 4096 are never asked for.
      if (index == next_index_ && begin < next_.size()) {
        std::memcpy(buffer + done, next_.data() + begin,
                    std::min(part, next_.size() - begin));
      }
    }
    done += part;
  }
  *copied = inside;
  return Status::Ok();
}

Status LegacyFile::NextChunk(uint32_t index, std::optional<Chunk>* chunk) {
  if (Status s = Look(index); !s.ok()) return s;
  chunk->reset();
  if (next_index_ == kPastChunks) return Status::Ok();
  const auto next = static_cast<uint32_t>(next_index_);
  const size_t inside = BytesInside(next);
  if (inside > 0) *chunk = Chunk{next, std::min(inside, next_.size())};
  return Status::Ok();
}

Status LegacyFile::FindHole(uint64_t begin, uint64_t end, uint64_t* hole) {
  const uint64_t last = std::min({end, size_bytes_, kMaxLegacyFileBytes});
  uint64_t at = begin;
  while (at < last) {
    const auto index = static_cast<uint32_t>(at / kLegacyChunkBytes);
    if (Status s = Look(index); !s.ok()) return s;
    if (index != next_index_) break;
    const uint64_t stored = uint64_t{index} * kLegacyChunkBytes + next_.size();
    if (stored <= at) break;
    at = std::min(stored, (uint64_t{index} + 1) * kLegacyChunkBytes);
    // A chunk that is short ends in a hole, although the next one may be there.
    if (at % kLegacyChunkBytes != 0) break;
  }
  *hole = begin < last ? std::min(at, last) : std::min(begin, end);
  return Status::Ok();
}

Status CheckDatabaseKeys(PairReader* pairs, bool has_main) {
  // Where the main file is there, its own keys were found, and others are not
  // taken for pieces of one.
  if (Status s = CheckVersions(pairs); !s.ok() || has_main) return s;
  for (const std::string_view start : kLooksLikeAFile) {
    std::string from(start);
    for (;;) {
      std::optional<KeyValue> pair;
      if (Status s = pairs->Seek(from, &pair); !s.ok()) return s;
      if (!pair.has_value() || !BeginsWith(pair->key, start)) break;
      if (!IsKnown(pair->key)) {
        return Status::Corruption(
            "there is no database, but a key that looks like a piece of one: "
            "key=" +
            Hex(pair->key) + ": restore the actor's pairs from a backup");
      }
      from = std::move(pair->key);
      from += '\0';
    }
  }
  return Status::Ok();
}

}  // namespace actorkv
