// The records of an actor's history, beside its commits and branches: restore
// points, restores, forks, and settings. Their frame is in
// kv/format/record_frame.h, their keys in kv/format/keys.h; kv/FORMAT.md has
// each byte. Errors of DecodeRecord() are as in kv/format/records.h.

#ifndef ACTORKV_KV_FORMAT_HISTORY_RECORDS_H_
#define ACTORKV_KV_FORMAT_HISTORY_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// The prefix of names that restores give to the head that they leave, with the
// txid of the commit that they make behind it; nobody else can give one.
inline constexpr char kUndoPrefix[] = "undo-";

// RestorePointRecord: a name for a commit. As long as it is there, and has not
// expired, the commit can be restored. Both times are the store's; the end is
// as long after the beginning as was asked for, and on the wall too (EndOf() in
// kv/store/time_map.h).
struct RestorePointRecord {
  BranchId branch;
  TxId txid;
  uint64_t created_at_us = 0;
  uint64_t expires_at_us = 0;  // 0: never
};

// RestoreRecord: one restore of an actor. Its key has the txid of the commit
// that it made.
struct RestoreRecord {
  BranchId from_branch;  // the head before it...
  TxId from_txid;
  BranchId source_branch;  // ...and the commit that was restored
  TxId source_txid;
  uint64_t restored_at_us = 0;
  std::string undo_name;  // names the restore point of the head before it
};

// ForkRecord: a branch of another actor that begins at a branch of this one.
// Its key has both branches.
struct ForkRecord {
  ActorId child;
  TxId txid;  // this actor's, at which the child begins
  uint64_t created_at_us = 0;
};

// SettingRecord: the value of a setting, of the store or of an actor. Its key
// has the name.
struct SettingRecord {
  uint64_t value = 0;
};

constexpr size_t kMaxRestorePointNameBytes = 255;

std::string EncodeRecord(std::string_view key,
                         const RestorePointRecord& record);
std::string EncodeRecord(std::string_view key, const RestoreRecord& record);
std::string EncodeRecord(std::string_view key, const ForkRecord& record);
std::string EncodeRecord(std::string_view key, const SettingRecord& record);

Status DecodeRecord(std::string_view key, std::string_view value,
                    RestorePointRecord* record);
Status DecodeRecord(std::string_view key, std::string_view value,
                    RestoreRecord* record);
Status DecodeRecord(std::string_view key, std::string_view value,
                    ForkRecord* record);
Status DecodeRecord(std::string_view key, std::string_view value,
                    SettingRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_HISTORY_RECORDS_H_
