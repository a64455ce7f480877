// Every key of a store is made and parsed here. No other file knows key bytes;
// kv/FORMAT.md has the same tables for readers of the format.
//
// A key lives in a partition (kv/engine/engine.h). Integers are big-endian, so
// that keys sort as numbers. The first byte of a key is its kind.
//
// Catalog partition (one, id 0)
//
//   'M'                                  store record
//   'N' name                             actor entry: the actor of that name
//   'D' actor(8)                         entry of a deleted actor whose name
//                                        was taken again
//   'S' branch(8)                        stage: a branch being written by a
//                                        transaction that is not committed
//   'I' legacy(8)                        import: legacy pairs being written,
//                                        of no actor yet
//   'T' limit_us(8)                      clock limit
//   'W' begin_us(8)                      clock step
//   'V' name                             setting of the store
//
// Actor partition (id = actor)
//
//   'H'                                  head
//   'I'                                  preload hints, right behind the head
//   'B' branch(8)                        branch record
//   'C' branch(8) ~txid(8)               commit record, newest first
//   'L'                                  legacy record
//   'R' name                             restore point
//   'U' ~txid(8)                         restore that made commit txid, newest
//                                        first
//   'F' branch(8) child(8)               fork: branch `child` of another actor
//                                        begins at a branch of this one
//   'V' name                             setting of the actor
//
// Legacy partition (id = legacy pairs)
//
//   'P' key                              pair, in the order of its key
//
// Branch partition (id = branch)
//
//   layout(1) = 2, pgno(4), ~txid(8)     page chunk, newest first
//
// ~txid is 2^64 - 1 - txid: the version of page p that a snapshot at txid s
// sees is the first key at or after (p, ~s), if that is of page p.

#ifndef ACTORKV_KV_FORMAT_KEYS_H_
#define ACTORKV_KV_FORMAT_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/types.h"
#include "kv/engine/engine.h"

namespace actorkv {

Partition CatalogPartition();
Partition ActorPartition(ActorId actor);
Partition BranchPartition(BranchId branch);
Partition LegacyPartition(LegacyId legacy);

std::string StoreRecordKey();

std::string ActorEntryKey(std::string_view name);
std::string ActorEntryPrefix();
// Errors: kCorruption when `key` is not an actor entry's.
Status ParseActorEntryKey(std::string_view key, std::string* name);

std::string DeletedEntryKey(ActorId actor);
std::string DeletedEntryPrefix();
Status ParseDeletedEntryKey(std::string_view key, ActorId* actor);

std::string StageKey(BranchId branch);
std::string StagePrefix();
Status ParseStageKey(std::string_view key, BranchId* branch);

std::string ImportKey(LegacyId legacy);
std::string ImportPrefix();
Status ParseImportKey(std::string_view key, LegacyId* legacy);

std::string ClockLimitKey(uint64_t limit_us);
std::string ClockLimitPrefix();
Status ParseClockLimitKey(std::string_view key, uint64_t* limit_us);

std::string ClockStepKey(uint64_t begin_us);
std::string ClockStepPrefix();
Status ParseClockStepKey(std::string_view key, uint64_t* begin_us);

std::string HeadKey();
std::string HintsKey();
std::string BranchRecordKey(BranchId branch);
std::string BranchRecordPrefix();
Status ParseBranchRecordKey(std::string_view key, BranchId* branch);
std::string CommitKey(BranchId branch, TxId txid);
// Sorts before every commit key of the branch, whatever its txid.
std::string CommitPrefix(BranchId branch);
std::string CommitPrefix();
Status ParseCommitKey(std::string_view key, BranchId* branch, TxId* txid);

std::string LegacyRecordKey();

std::string RestorePointKey(std::string_view name);
std::string RestorePointPrefix();
Status ParseRestorePointKey(std::string_view key, std::string* name);

std::string RestoreKey(TxId txid);
std::string RestorePrefix();
Status ParseRestoreKey(std::string_view key, TxId* txid);

std::string ForkKey(BranchId branch, BranchId child);
// Sorts before every fork key of the branch.
std::string ForkPrefix(BranchId branch);
std::string ForkPrefix();
Status ParseForkKey(std::string_view key, BranchId* branch, BranchId* child);

// The keys of settings, in the catalog partition or an actor's.
std::string SettingKey(std::string_view name);
std::string SettingPrefix();
Status ParseSettingKey(std::string_view key, std::string* name);

std::string PairKey(std::string_view key);
// Sets *pair_key to a part of `key`.
Status ParsePairKey(std::string_view key, std::string_view* pair_key);

constexpr uint8_t kChunkLayout = 2;
constexpr size_t kChunkKeyBytes = 13;
std::string ChunkKey(PageNo pgno, TxId txid);
// Errors: kCorruption; kNotSupported for another layout, naming it.
Status ParseChunkKey(std::string_view key, PageNo* pgno, TxId* txid);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_KEYS_H_
