#include "kv/rivet/rivet_v2_records.h"

#include "kv/base/coding.h"
#include "kv/rivet/bare.h"

namespace actorkv {

namespace {

constexpr std::string_view kMeta = "/META";
constexpr std::string_view kShard = "/SHARD/";
constexpr std::string_view kDelta = "/DELTA/";
constexpr std::string_view kPageIndex = "/PIDX/delta/";
constexpr size_t kTxidBytes = 8;
constexpr size_t kNumberBytes = 4;
constexpr uint32_t kSchemaVersion = 2;

// Gives what follows `prefix`, if it is `size` bytes.
bool Suffix(std::string_view bytes, std::string_view prefix, size_t size,
            std::string_view* suffix) {
  if (bytes.size() != prefix.size() + size ||
      bytes.substr(0, prefix.size()) != prefix) {
    return false;
  }
  *suffix = bytes.substr(prefix.size());
  return true;
}

Status NotKnown(std::string_view what, uint32_t value, uint32_t known) {
  return Status::NotSupported("/META: " + std::string(what) + " " +
                              std::to_string(value) + ", only " +
                              std::to_string(known) + " is known");
}

// Sizes and the schema are refused with kNotSupported and not taken as they
// are: shards and pieces of other sizes would be put together into pages of
// another database.
Status CheckHead(uint32_t schema_version, const RivetV2Head& head) {
  if (head.page_size != kRivetV2PageSize) {
    return NotKnown("page size", head.page_size, kRivetV2PageSize);
  }
  if (head.shard_size != kRivetV2ShardPages) {
    return NotKnown("shard size", head.shard_size, kRivetV2ShardPages);
  }
  if (schema_version != kSchemaVersion) {
    return NotKnown("schema version", schema_version, kSchemaVersion);
  }
  if (head.head_txid >= head.next_txid) {
    return Status::Corruption("/META: next_txid is not after head_txid");
  }
  if (head.materialized_txid > head.head_txid) {
    return Status::Corruption("/META: materialized_txid is after head_txid");
  }
  return Status::Ok();
}

}  // namespace

// The numbers in keys are bytes and no digits, so that a slash may be one of
// them: only the lengths tell where a field ends.
bool ParseRivetV2Key(std::string_view bytes, RivetV2Key* key) {
  std::string_view suffix;
  if (bytes == kMeta) {
    *key = {RivetV2Key::Kind::kMeta, 0, 0};
  } else if (Suffix(bytes, kShard, kNumberBytes, &suffix)) {
    *key = {RivetV2Key::Kind::kShard, 0, LoadBig32(suffix.data())};
  } else if (Suffix(bytes, kPageIndex, kNumberBytes, &suffix)) {
    *key = {RivetV2Key::Kind::kPageIndex, 0, LoadBig32(suffix.data())};
  } else if (Suffix(bytes, kDelta, kTxidBytes + 1 + kNumberBytes, &suffix) &&
             suffix[kTxidBytes] == '/') {
    *key = {RivetV2Key::Kind::kDelta, LoadBig64(suffix.data()),
            LoadBig32(&suffix[kTxidBytes + 1])};
  } else {
    return false;
  }
  return true;
}

std::string ToText(const RivetV2Key& key) {
  switch (key.kind) {
    case RivetV2Key::Kind::kMeta:
      return std::string(kMeta);
    case RivetV2Key::Kind::kShard:
      return std::string(kShard) + std::to_string(key.number);
    case RivetV2Key::Kind::kDelta:
      return std::string(kDelta) + std::to_string(key.txid) + "/" +
             std::to_string(key.number);
    case RivetV2Key::Kind::kPageIndex:
      break;
  }
  return std::string(kPageIndex) + std::to_string(key.number);
}

Status DecodeRivetV2Head(std::string_view value, RivetV2Head* head) {
  FieldReader fields(value);
  RivetV2Head read;
  const uint32_t schema_version = fields.Little32();
  read.generation = fields.Little64();
  read.head_txid = fields.Little64();
  read.next_txid = fields.Little64();
  read.materialized_txid = fields.Little64();
  read.db_size_pages = fields.Little32();
  read.page_size = fields.Little32();
  read.shard_size = fields.Little32();
  read.creation_ts_ms = static_cast<int64_t>(fields.Little64());
  // The two are passed over: what an actor may store is a matter of its quota
  // here.
  fields.Little64();  // storage_used
  fields.Little64();  // max_storage
  if (!fields.ok()) return Status::Corruption("/META: it is cut short");
  // Older records end before the origin, and count as native.
  if (!fields.rest().empty()) {
    BareReader last(fields.rest());
    const uint64_t origin = last.Uint();
    last.End();
    if (!last.ok() || origin > 2) {
      return Status::Corruption("/META: the origin does not decode");
    }
    read.origin = static_cast<RivetV2Origin>(origin);
  }
  if (Status s = CheckHead(schema_version, read); !s.ok()) return s;
  *head = read;
  return Status::Ok();
}

}  // namespace actorkv
