// Records are the values of all keys but page chunks (kv/format/chunk.h) and
// those of legacy actors (kv/format/legacy_record.h). Their frame is in
// kv/format/record_frame.h; kv/FORMAT.md has each byte. An unknown version is
// kNotSupported and names it; anything else that does not decode is kCorruption
// and names the record.
//
// Invariant: a record says of its place what its key says, and nothing begins
// at what is not older. DecodeRecord() is where that is looked at, so it is
// true of every record that anybody has: a walk from one to the next, by what
// they say, gets on, and comes to an end.

#ifndef ACTORKV_KV_FORMAT_RECORDS_H_
#define ACTORKV_KV_FORMAT_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kv/base/host_id.h"
#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// StoreRecord: one per store. It says which format the store is in.
struct StoreRecord {
  uint32_t format = kStoreFormat;
  uint64_t store_id = 0;  // random
  uint64_t created_at_us = 0;
};

// DO NOT CHANGE THESE ENUM VALUES: they are embedded in actor entries.
enum class ActorState : uint8_t {
  kLive = 1,
  kDeleted = 2,
  kLegacy = 3,  // it has legacy pairs; it is live as soon as it has a head
};

// ActorEntry: what a name stands for. The floors are the largest change counter
// and schema cookie that any earlier actor of this name had, see
// kv/pages/branch_writer.h.
struct ActorEntry {
  ActorId actor;
  ActorState state = ActorState::kLive;
  uint64_t created_at_us = 0;
  uint64_t deleted_at_us = 0;  // 0: not deleted
  uint32_t stamp_floor = 0;
  uint32_t cookie_floor = 0;
};

// Head: the one record that makes a commit visible.
struct Head {
  Generation generation;
  Snapshot snapshot;
  uint64_t digest = 0;  // sum of page hashes, kv/format/chunk.h
  uint64_t committed_at_us = 0;
  CommitId commit_id = {};
  uint64_t stored_bytes = 0;  // chunk values written for this actor, all told
};

// CommitRecord: one per commit, kept for history.
struct CommitRecord {
  Generation generation;
  Snapshot snapshot;
  uint64_t digest = 0;
  uint64_t committed_at_us = 0;
  CommitId commit_id = {};
  uint32_t changed_page_count = 0;  // chunks that this commit stored
  uint64_t written_bytes = 0;       // bytes of their values
  Origin origin = Origin::kSql;
  // The txid of the commit whose pages it changed; 0: none, or not known. Where
  // commits expired (kv/reclaim/commit_fold.h), that whose pages the oldest of
  // them changed.
  TxId base_txid;
  // The pages that were stored since the base (kv/format/page_list.h): by this
  // commit, and by those between that expired. None: not known, because there
  // are very many, or the record is of version 1.
  std::optional<std::string> page_list;
  // The txid of the head when the commit was made, whatever its base is; 0: the
  // actor had none. Commits that expire change nothing of it, so that a hole in
  // history is known for one (kv/history/history.h). None: not known, because
  // the record is of version 1 or 2.
  std::optional<TxId> replaced_txid;
};

// Returns true when the commit was the head until `next`, of the same actor,
// replaced it.
bool Replaces(const CommitRecord& next, TxId commit);

// The largest list: a commit of pages in disorder has none from some ten
// thousand pages on.
constexpr size_t kMaxPageListBytes = size_t{64} << 10;

// BranchPoint: a point on a branch of an actor.
struct BranchPoint {
  ActorId actor;
  BranchId branch;
  TxId txid;
};

// BranchRecord: where a branch began.
struct BranchRecord {
  std::optional<BranchPoint> parent;  // none: it holds every page itself
  TxId first_txid;                    // its first commit's
  // The number of chunks stored by its first commit, and copied into it by
  // flattening: how costly it is to copy on.
  uint32_t chunk_count = 0;
  uint64_t created_at_us = 0;
};

// StageRecord: a branch that a transaction is writing before it commits; or
// legacy pairs that an import is writing, whose actor is 0 as long as it is not
// known.
struct StageRecord {
  ActorId actor;
  uint64_t created_at_us = 0;
  HostId owner;  // nobody in records of version 1, whose owners are gone
};

std::string EncodeRecord(std::string_view key, const StoreRecord& record);
std::string EncodeRecord(std::string_view key, const ActorEntry& entry);
std::string EncodeRecord(std::string_view key, const Head& head);
std::string EncodeRecord(std::string_view key, const CommitRecord& record);
std::string EncodeRecord(std::string_view key, const BranchRecord& record);
std::string EncodeRecord(std::string_view key, const StageRecord& record);

Status DecodeRecord(std::string_view key, std::string_view value,
                    StoreRecord* record);
Status DecodeRecord(std::string_view key, std::string_view value,
                    ActorEntry* entry);
Status DecodeRecord(std::string_view key, std::string_view value, Head* head);
Status DecodeRecord(std::string_view key, std::string_view value,
                    CommitRecord* record);
Status DecodeRecord(std::string_view key, std::string_view value,
                    BranchRecord* record);
Status DecodeRecord(std::string_view key, std::string_view value,
                    StageRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_RECORDS_H_
