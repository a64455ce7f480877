#include "kv/format/history_records.h"

#include <utility>

#include "kv/format/keys.h"
#include "kv/format/record_frame.h"

namespace actorkv {

namespace {

// Checks a restore against its key: the commits that it restored and left came
// before the one that it made, after which the restore point of the head before
// it is named.
Status CheckPlace(std::string_view key, const RestoreRecord& record) {
  TxId txid;
  if (Status s = ParseRestoreKey(key, &txid); !s.ok()) return s;
  const std::string number = std::to_string(txid.value);
  if (record.from_txid < txid && record.source_txid < txid &&
      record.undo_name == kUndoPrefix + number) {
    return Status::Ok();
  }
  return DisagreesWithKey(
      "restore", "txid=" + number,
      "from=" + std::to_string(record.from_txid.value) +
          " to=" + std::to_string(record.source_txid.value) +
          " undo=" + record.undo_name);
}

// Checks that a fork leads to a younger branch. Ids are given in their order,
// so a fork that leads back is forged, and who follows forks would go in a
// circle.
Status CheckForkKey(std::string_view key) {
  BranchId branch;
  BranchId child;
  if (Status s = ParseForkKey(key, &branch, &child); !s.ok()) return s;
  if (branch < child) return Status::Ok();
  return DisagreesWithKey(
      "fork", "branch=" + std::to_string(branch.value),
      "a child that is not younger, branch=" + std::to_string(child.value));
}

}  // namespace

std::string EncodeRecord(std::string_view key,
                         const RestorePointRecord& record) {
  std::string body = BeginRecord();
  AppendLittle64(&body, record.branch.value);
  AppendLittle64(&body, record.txid.value);
  AppendLittle64(&body, record.created_at_us);
  AppendLittle64(&body, record.expires_at_us);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    RestorePointRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("restore point", key, value, &fields); !s.ok()) {
    return s;
  }
  RestorePointRecord decoded;
  decoded.branch.value = fields.Little64();
  decoded.txid.value = fields.Little64();
  decoded.created_at_us = fields.Little64();
  decoded.expires_at_us = fields.Little64();
  if (Status s = CloseRecord("restore point", fields); !s.ok()) return s;
  *record = decoded;
  return Status::Ok();
}

// Both sides of a restore have their branch: the head may have gone to another
// one with it, and either may be gone when somebody looks.
std::string EncodeRecord(std::string_view key, const RestoreRecord& record) {
  std::string body = BeginRecord();
  AppendLittle64(&body, record.from_branch.value);
  AppendLittle64(&body, record.from_txid.value);
  AppendLittle64(&body, record.source_branch.value);
  AppendLittle64(&body, record.source_txid.value);
  AppendLittle64(&body, record.restored_at_us);
  AppendLittle32(&body, static_cast<uint32_t>(record.undo_name.size()));
  body += record.undo_name;
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    RestoreRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("restore", key, value, &fields); !s.ok()) return s;
  RestoreRecord decoded;
  decoded.from_branch.value = fields.Little64();
  decoded.from_txid.value = fields.Little64();
  decoded.source_branch.value = fields.Little64();
  decoded.source_txid.value = fields.Little64();
  decoded.restored_at_us = fields.Little64();
  // A length past the end fails in Bytes(): it gives nothing, and CloseRecord()
  // says so.
  decoded.undo_name = fields.Bytes(fields.Little32());
  if (Status s = CloseRecord("restore", fields); !s.ok()) return s;
  if (Status s = CheckPlace(key, decoded); !s.ok()) return s;
  *record = std::move(decoded);
  return Status::Ok();
}

std::string EncodeRecord(std::string_view key, const ForkRecord& record) {
  std::string body = BeginRecord();
  AppendLittle64(&body, record.child.value);
  AppendLittle64(&body, record.txid.value);
  AppendLittle64(&body, record.created_at_us);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    ForkRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("fork", key, value, &fields); !s.ok()) return s;
  ForkRecord decoded;
  decoded.child.value = fields.Little64();
  decoded.txid.value = fields.Little64();
  decoded.created_at_us = fields.Little64();
  if (Status s = CloseRecord("fork", fields); !s.ok()) return s;
  // The record has nothing that its key does not say, except for the point of
  // the fork, so the key alone is checked.
  if (Status s = CheckForkKey(key); !s.ok()) return s;
  *record = decoded;
  return Status::Ok();
}

std::string EncodeRecord(std::string_view key, const SettingRecord& record) {
  std::string body = BeginRecord();
  AppendLittle64(&body, record.value);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    SettingRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("setting", key, value, &fields); !s.ok()) return s;
  // The value is not compared with a limit here: who reads settings knows which
  // one it is (kv/store/retention.cc), and an old store may have one that is
  // too large.
  SettingRecord decoded;
  decoded.value = fields.Little64();
  if (Status s = CloseRecord("setting", fields); !s.ok()) return s;
  *record = decoded;
  return Status::Ok();
}

}  // namespace actorkv
