#include "kv/format/records.h"

#include <algorithm>

#include "kv/base/affix.h"
#include "kv/base/coding.h"
#include "kv/format/keys.h"
#include "kv/format/record_frame.h"

namespace actorkv {

namespace {

constexpr uint8_t kHasStamp = 1;   // a snapshot's flag
constexpr uint8_t kHasParent = 1;  // a branch record's flag
constexpr uint8_t kHasPages = 1;   // a commit record's flag

// The numbers are the newest versions that are written, and those up to which
// records are read.
constexpr RecordKind kCommitKind = {"commit", 3};
constexpr RecordKind kStageKind = {"stage", 2};

// Versions of commit records by the fields that they do not have.
constexpr uint8_t kVersionWithoutReplaced = 2;
constexpr uint8_t kVersionWithoutBase = 1;

// Appends a snapshot: flags(1) branch(8) txid(8) page_count(4) page_size(4)
// stamp(4).
void AppendSnapshot(std::string* out, const Snapshot& snapshot) {
  // A flag tells that there is a stamp, because 0 is one that SQLite may write.
  AppendByte(out, snapshot.stamp.has_value() ? kHasStamp : uint8_t{0});
  AppendLittle64(out, snapshot.branch.value);
  AppendLittle64(out, snapshot.txid.value);
  AppendLittle32(out, snapshot.page_count);
  AppendLittle32(out, snapshot.page_size);
  AppendLittle32(out, snapshot.stamp.value_or(0));
}

Snapshot ReadSnapshot(FieldReader* fields) {
  Snapshot snapshot;
  const bool has_stamp = (fields->Byte() & kHasStamp) != 0;
  snapshot.branch.value = fields->Little64();
  snapshot.txid.value = fields->Little64();
  snapshot.page_count = fields->Little32();
  snapshot.page_size = fields->Little32();
  const uint32_t stamp = fields->Little32();
  if (has_stamp) snapshot.stamp = stamp;
  return snapshot;
}

std::string Named(BranchId branch, TxId txid) {
  return "branch=" + std::to_string(branch.value) +
         " txid=" + std::to_string(txid.value);
}

// Checks the page size of a database that has pages.
Status CheckSnapshot(const char* what, const Snapshot& snapshot) {
  if (snapshot.page_count == 0 || IsLegalPageSize(snapshot.page_size)) {
    return Status::Ok();
  }
  return Status::Corruption(std::string(what) +
                            " record damaged: a page size of " +
                            std::to_string(snapshot.page_size));
}

// Checks a commit against its key and its order: the invariant of the header.
Status CheckPlace(std::string_view key, const CommitRecord& record) {
  BranchId branch;
  TxId txid;
  if (Status s = ParseCommitKey(key, &branch, &txid); !s.ok()) return s;
  const Snapshot& snapshot = record.snapshot;
  if (snapshot.branch != branch || snapshot.txid != txid) {
    return DisagreesWithKey(kCommitKind.name, Named(branch, txid),
                            Named(snapshot.branch, snapshot.txid));
  }
  const TxId replaced = record.replaced_txid.value_or(TxId{});
  if (record.base_txid < txid && replaced < txid) return Status::Ok();
  return DisagreesWithKey(kCommitKind.name, Named(branch, txid),
                          "one that came before it, base=" +
                              std::to_string(record.base_txid.value) +
                              " replaced=" + std::to_string(replaced.value));
}

// Checks a branch against its key and its order: the invariant of the header.
Status CheckPlace(std::string_view key, const BranchRecord& record) {
  BranchId branch;
  if (Status s = ParseBranchRecordKey(key, &branch); !s.ok()) return s;
  if (!record.parent.has_value()) return Status::Ok();
  const BranchPoint& parent = *record.parent;
  if (parent.branch < branch && parent.txid < record.first_txid) {
    return Status::Ok();
  }
  return DisagreesWithKey(
      "branch", Named(branch, record.first_txid),
      "a parent that is not older, " + Named(parent.branch, parent.txid));
}

CommitId ReadCommitId(FieldReader* fields) {
  CommitId id = {};
  std::string_view bytes = fields->Bytes(id.size());
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

void AppendCommitId(std::string* out, const CommitId& id) {
  out->append(id.begin(), id.end());
}

}  // namespace

std::string EncodeRecord(std::string_view key, const StoreRecord& record) {
  std::string body = BeginRecord();
  AppendLittle32(&body, record.format);
  AppendLittle64(&body, record.store_id);
  AppendLittle64(&body, record.created_at_us);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    StoreRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("store", key, value, &fields); !s.ok()) return s;
  StoreRecord decoded;
  decoded.format = fields.Little32();
  decoded.store_id = fields.Little64();
  decoded.created_at_us = fields.Little64();
  if (Status s = CloseRecord("store", fields); !s.ok()) return s;
  *record = decoded;
  return Status::Ok();
}

std::string EncodeRecord(std::string_view key, const ActorEntry& entry) {
  std::string body = BeginRecord();
  AppendLittle64(&body, entry.actor.value);
  AppendByte(&body, static_cast<uint8_t>(entry.state));
  AppendLittle64(&body, entry.created_at_us);
  AppendLittle64(&body, entry.deleted_at_us);
  AppendLittle32(&body, entry.stamp_floor);
  AppendLittle32(&body, entry.cookie_floor);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    ActorEntry* entry) {
  FieldReader fields({});
  if (Status s = OpenRecord("actor", key, value, &fields); !s.ok()) return s;
  ActorEntry decoded;
  decoded.actor.value = fields.Little64();
  const uint8_t state = fields.Byte();
  decoded.state = static_cast<ActorState>(state);
  decoded.created_at_us = fields.Little64();
  decoded.deleted_at_us = fields.Little64();
  decoded.stamp_floor = fields.Little32();
  decoded.cookie_floor = fields.Little32();
  if (Status s = CloseRecord("actor", fields); !s.ok()) return s;
  // An unknown state is that of a newer module: to take such an actor for a
  // live one could write over what the newer one keeps.
  if (decoded.state != ActorState::kLive &&
      decoded.state != ActorState::kDeleted &&
      decoded.state != ActorState::kLegacy) {
    return Status::NotSupported("actor state " + std::to_string(state) +
                                " is not known");
  }
  // The key of another entry is the name, which the entry does not say.
  if (BeginsWith(key, DeletedEntryPrefix())) {
    ActorId actor;
    if (Status s = ParseDeletedEntryKey(key, &actor); !s.ok()) return s;
    if (actor != decoded.actor) {
      return DisagreesWithKey(
          "actor", "actor_id=" + std::to_string(actor.value),
          "actor_id=" + std::to_string(decoded.actor.value));
    }
  }
  *entry = decoded;
  return Status::Ok();
}

std::string EncodeRecord(std::string_view key, const Head& head) {
  std::string body = BeginRecord();
  AppendSnapshot(&body, head.snapshot);
  AppendLittle64(&body, head.generation.value);
  AppendLittle64(&body, head.digest);
  AppendLittle64(&body, head.committed_at_us);
  AppendCommitId(&body, head.commit_id);
  AppendLittle64(&body, head.stored_bytes);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value, Head* head) {
  FieldReader fields({});
  if (Status s = OpenRecord("head", key, value, &fields); !s.ok()) return s;
  Head decoded;
  decoded.snapshot = ReadSnapshot(&fields);
  decoded.generation.value = fields.Little64();
  decoded.digest = fields.Little64();
  decoded.committed_at_us = fields.Little64();
  decoded.commit_id = ReadCommitId(&fields);
  decoded.stored_bytes = fields.Little64();
  if (Status s = CloseRecord("head", fields); !s.ok()) return s;
  if (Status s = CheckSnapshot("head", decoded.snapshot); !s.ok()) return s;
  *head = decoded;
  return Status::Ok();
}

// A record whose replaced commit is not known is written without that field.
std::string EncodeRecord(std::string_view key, const CommitRecord& record) {
  std::string body =
      BeginRecord(record.replaced_txid.has_value() ? kCommitKind.version
                                                   : kVersionWithoutReplaced);
  AppendSnapshot(&body, record.snapshot);
  AppendLittle64(&body, record.generation.value);
  AppendLittle64(&body, record.digest);
  AppendLittle64(&body, record.committed_at_us);
  AppendCommitId(&body, record.commit_id);
  AppendLittle32(&body, record.changed_page_count);
  AppendLittle64(&body, record.written_bytes);
  AppendByte(&body, static_cast<uint8_t>(record.origin));
  AppendLittle64(&body, record.base_txid.value);
  if (record.replaced_txid.has_value()) {
    AppendLittle64(&body, record.replaced_txid->value);
  }
  AppendByte(&body, record.page_list.has_value() ? kHasPages : uint8_t{0});
  body += record.page_list.value_or("");
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    CommitRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord(kCommitKind, key, value, &fields); !s.ok()) {
    return s;
  }
  CommitRecord decoded;
  decoded.snapshot = ReadSnapshot(&fields);
  decoded.generation.value = fields.Little64();
  decoded.digest = fields.Little64();
  decoded.committed_at_us = fields.Little64();
  decoded.commit_id = ReadCommitId(&fields);
  decoded.changed_page_count = fields.Little32();
  decoded.written_bytes = fields.Little64();
  decoded.origin = static_cast<Origin>(fields.Byte());
  // OpenRecord() refused versions that are not known, so every comparison below
  // is between known ones.
  const auto version = static_cast<uint8_t>(value[0]);
  if (version > kVersionWithoutBase) {
    decoded.base_txid.value = fields.Little64();
    if (version > kVersionWithoutReplaced) {
      decoded.replaced_txid = TxId{fields.Little64()};
    }
    const bool has_pages = (fields.Byte() & kHasPages) != 0;
    // The list is the rest of the record, and checked where it is read: a
    // damaged list costs the pages that changed, not the commit.
    if (has_pages) decoded.page_list = fields.Bytes(fields.rest().size());
  }
  if (Status s = CloseRecord(kCommitKind.name, fields); !s.ok()) return s;
  if (Status s = CheckSnapshot(kCommitKind.name, decoded.snapshot); !s.ok()) {
    return s;
  }
  if (Status s = CheckPlace(key, decoded); !s.ok()) return s;
  *record = std::move(decoded);
  return Status::Ok();
}

// Records of versions 1 and 2 do not tell which commit they replaced. There a
// txid without a commit may be of one that failed, which is rare, and counts as
// one that has expired.
bool Replaces(const CommitRecord& next, TxId commit) {
  return next.replaced_txid.has_value()
             ? *next.replaced_txid == commit
             : next.snapshot.txid.value == commit.value + 1;
}

std::string EncodeRecord(std::string_view key, const BranchRecord& record) {
  std::string body = BeginRecord();
  // The fields of a parent are there in any case, so that all that follows has
  // one offset.
  const BranchPoint parent = record.parent.value_or(BranchPoint{});
  AppendByte(&body, record.parent.has_value() ? kHasParent : uint8_t{0});
  AppendLittle64(&body, parent.actor.value);
  AppendLittle64(&body, parent.branch.value);
  AppendLittle64(&body, parent.txid.value);
  AppendLittle64(&body, record.first_txid.value);
  AppendLittle32(&body, record.chunk_count);
  AppendLittle64(&body, record.created_at_us);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    BranchRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("branch", key, value, &fields); !s.ok()) return s;
  BranchRecord decoded;
  const bool has_parent = (fields.Byte() & kHasParent) != 0;
  BranchPoint parent;
  parent.actor.value = fields.Little64();
  parent.branch.value = fields.Little64();
  parent.txid.value = fields.Little64();
  if (has_parent) decoded.parent = parent;
  decoded.first_txid.value = fields.Little64();
  decoded.chunk_count = fields.Little32();
  decoded.created_at_us = fields.Little64();
  if (Status s = CloseRecord("branch", fields); !s.ok()) return s;
  if (Status s = CheckPlace(key, decoded); !s.ok()) return s;
  *record = decoded;
  return Status::Ok();
}

std::string EncodeRecord(std::string_view key, const StageRecord& record) {
  std::string body = BeginRecord(kStageKind.version);
  AppendLittle64(&body, record.actor.value);
  AppendLittle64(&body, record.created_at_us);
  AppendLittle32(&body, record.owner.slot);
  AppendLittle64(&body, record.owner.incarnation);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    StageRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord(kStageKind, key, value, &fields); !s.ok()) return s;
  StageRecord decoded;
  decoded.actor.value = fields.Little64();
  decoded.created_at_us = fields.Little64();
  // A stage of version 1 names no owner, which is nobody: it counts as one that
  // was left behind.
  if (value[0] > 1) {
    decoded.owner.slot = static_cast<uint16_t>(fields.Little32());
    decoded.owner.incarnation = fields.Little64();
  }
  if (Status s = CloseRecord(kStageKind.name, fields); !s.ok()) return s;
  *record = decoded;
  return Status::Ok();
}

}  // namespace actorkv
