#include "kv/format/keys.h"

#include "kv/base/coding.h"
#include "kv/base/hex.h"

namespace actorkv {

namespace {

// DO NOT CHANGE THESE BYTES: they are embedded in the keys of stores.
constexpr char kStoreRecord = 'M';
constexpr char kActorEntry = 'N';
constexpr char kDeletedEntry = 'D';
constexpr char kStage = 'S';
constexpr char kImport = 'I';
constexpr char kClockLimit = 'T';
constexpr char kClockStep = 'W';
constexpr char kHead = 'H';
constexpr char kHints = 'I';
constexpr char kBranchRecord = 'B';
constexpr char kCommit = 'C';
constexpr char kLegacyRecord = 'L';
constexpr char kPair = 'P';
constexpr char kRestorePoint = 'R';
constexpr char kRestore = 'U';
constexpr char kFork = 'F';
constexpr char kSetting = 'V';

// The bytes of a key that a message shows.
constexpr size_t kShownBytes = 32;

// Keys of one kind lie together, because the kind is the first byte: a prefix
// is a whole kind, and a scan over it meets no other.
std::string Prefix(char kind) { return std::string(1, kind); }

std::string KindAndId(char kind, uint64_t id) {
  std::string key(1, kind);
  AppendBig64(&key, id);
  return key;
}

Status BadKey(const char* what, std::string_view key) {
  return Status::Corruption(std::string("malformed key: not a ") + what +
                            ": bytes=" + ToHex(key.substr(0, kShownBytes)));
}

// Parses kind(1) | id(8).
Status ParseKindAndId(std::string_view key, char kind, const char* what,
                      uint64_t* id) {
  if (key.size() != 9 || key[0] != kind) return BadKey(what, key);
  *id = LoadBig64(key.data() + 1);
  return Status::Ok();
}

// Parses kind(1) | name.
Status ParseKindAndName(std::string_view key, char kind, const char* what,
                        std::string* name) {
  if (key.size() < 2 || key[0] != kind) return BadKey(what, key);
  *name = std::string(key.substr(1));
  return Status::Ok();
}

}  // namespace

Partition CatalogPartition() { return {PartitionKind::kCatalog, 0}; }
Partition ActorPartition(ActorId actor) {
  return {PartitionKind::kActor, actor.value};
}
Partition BranchPartition(BranchId branch) {
  return {PartitionKind::kBranch, branch.value};
}
Partition LegacyPartition(LegacyId legacy) {
  return {PartitionKind::kLegacy, legacy.value};
}

std::string StoreRecordKey() { return Prefix(kStoreRecord); }

std::string ActorEntryPrefix() { return Prefix(kActorEntry); }
std::string ActorEntryKey(std::string_view name) {
  return ActorEntryPrefix().append(name);
}
Status ParseActorEntryKey(std::string_view key, std::string* name) {
  return ParseKindAndName(key, kActorEntry, "actor entry", name);
}

// The id and not the name makes the key: a name can be deleted more often than
// once, and each of its actors is kept until it expires.
std::string DeletedEntryKey(ActorId actor) {
  return KindAndId(kDeletedEntry, actor.value);
}
std::string DeletedEntryPrefix() { return Prefix(kDeletedEntry); }
Status ParseDeletedEntryKey(std::string_view key, ActorId* actor) {
  return ParseKindAndId(key, kDeletedEntry, "deleted entry", &actor->value);
}

std::string StagePrefix() { return Prefix(kStage); }
// Stages are in the catalog and not beside the actor's records: the next
// process finds all that were left behind in one scan.
std::string StageKey(BranchId branch) {
  return KindAndId(kStage, branch.value);
}
Status ParseStageKey(std::string_view key, BranchId* branch) {
  return ParseKindAndId(key, kStage, "stage", &branch->value);
}

std::string ImportPrefix() { return Prefix(kImport); }
std::string ImportKey(LegacyId legacy) {
  return KindAndId(kImport, legacy.value);
}
Status ParseImportKey(std::string_view key, LegacyId* legacy) {
  return ParseKindAndId(key, kImport, "import", &legacy->value);
}

std::string ClockLimitPrefix() { return Prefix(kClockLimit); }
// The time is the key and the value is empty: owners of slots that share a
// store have limits of their own, and none overwrites another's.
std::string ClockLimitKey(uint64_t limit_us) {
  return KindAndId(kClockLimit, limit_us);
}
Status ParseClockLimitKey(std::string_view key, uint64_t* limit_us) {
  return ParseKindAndId(key, kClockLimit, "clock limit", limit_us);
}

// Steps are in the order in which they began: the map between the store's time
// and that on the wall is one scan.
std::string ClockStepKey(uint64_t begin_us) {
  return KindAndId(kClockStep, begin_us);
}
std::string ClockStepPrefix() { return Prefix(kClockStep); }
Status ParseClockStepKey(std::string_view key, uint64_t* begin_us) {
  return ParseKindAndId(key, kClockStep, "clock step", begin_us);
}

std::string HeadKey() { return Prefix(kHead); }
// The hints' byte follows the head's, so that the block which holds the head of
// an actor has its hints as well (kv/README.md, "Preload hints").
std::string HintsKey() { return Prefix(kHints); }
std::string BranchRecordKey(BranchId branch) {
  return KindAndId(kBranchRecord, branch.value);
}
std::string BranchRecordPrefix() { return Prefix(kBranchRecord); }
Status ParseBranchRecordKey(std::string_view key, BranchId* branch) {
  return ParseKindAndId(key, kBranchRecord, "branch record", &branch->value);
}

std::string CommitPrefix() { return Prefix(kCommit); }
std::string CommitPrefix(BranchId branch) {
  return KindAndId(kCommit, branch.value);
}
std::string CommitKey(BranchId branch, TxId txid) {
  std::string key = CommitPrefix(branch);
  // Inverted, so that the newest comes first: see the header.
  AppendBig64(&key, ~txid.value);
  return key;
}
Status ParseCommitKey(std::string_view key, BranchId* branch, TxId* txid) {
  if (key.size() != 17 || key[0] != kCommit) return BadKey("commit", key);
  branch->value = LoadBig64(key.data() + 1);
  txid->value = ~LoadBig64(key.data() + 9);
  return Status::Ok();
}

std::string LegacyRecordKey() { return Prefix(kLegacyRecord); }

std::string RestorePointPrefix() { return Prefix(kRestorePoint); }
std::string RestorePointKey(std::string_view name) {
  return RestorePointPrefix().append(name);
}
Status ParseRestorePointKey(std::string_view key, std::string* name) {
  return ParseKindAndName(key, kRestorePoint, "restore point", name);
}

std::string RestorePrefix() { return Prefix(kRestore); }
// Inverted as in a commit's key: the newest restore comes first.
std::string RestoreKey(TxId txid) { return KindAndId(kRestore, ~txid.value); }
Status ParseRestoreKey(std::string_view key, TxId* txid) {
  uint64_t inverted = 0;
  if (Status s = ParseKindAndId(key, kRestore, "restore", &inverted); !s.ok()) {
    return s;
  }
  txid->value = ~inverted;
  return Status::Ok();
}

std::string ForkPrefix() { return Prefix(kFork); }
std::string ForkPrefix(BranchId branch) {
  return KindAndId(kFork, branch.value);
}
// The parent's branch comes first: reclaim asks which forks a branch has, and
// that is one scan of a prefix.
std::string ForkKey(BranchId branch, BranchId child) {
  std::string key = ForkPrefix(branch);
  AppendBig64(&key, child.value);
  return key;
}
Status ParseForkKey(std::string_view key, BranchId* branch, BranchId* child) {
  if (key.size() != 17 || key[0] != kFork) return BadKey("fork", key);
  branch->value = LoadBig64(key.data() + 1);
  child->value = LoadBig64(key.data() + 9);
  return Status::Ok();
}

std::string SettingPrefix() { return Prefix(kSetting); }
std::string SettingKey(std::string_view name) {
  return SettingPrefix().append(name);
}
Status ParseSettingKey(std::string_view key, std::string* name) {
  return ParseKindAndName(key, kSetting, "setting", name);
}

// The keys of pairs are any bytes, also none at all: behind a byte of ours each
// is a key that is not empty, and in the order of the pairs.
std::string PairKey(std::string_view key) { return Prefix(kPair).append(key); }
Status ParsePairKey(std::string_view key, std::string_view* pair_key) {
  if (key.empty() || key[0] != kPair) return BadKey("legacy pair", key);
  *pair_key = key.substr(1);
  return Status::Ok();
}

std::string ChunkKey(PageNo pgno, TxId txid) {
  std::string key;
  key.reserve(kChunkKeyBytes);
  key.push_back(static_cast<char>(kChunkLayout));
  AppendBig32(&key, pgno);
  AppendBig64(&key, ~txid.value);
  return key;
}
Status ParseChunkKey(std::string_view key, PageNo* pgno, TxId* txid) {
  if (key.size() != kChunkKeyBytes) return BadKey("page chunk", key);
  // The layout is looked at after the length, which all known layouts share:
  // another length is damage, another layout a newer store.
  auto layout = static_cast<uint8_t>(key[0]);
  if (layout != kChunkLayout) {
    return Status::NotSupported("chunk layout " + std::to_string(layout) +
                                " is not known; this version reads layout 2");
  }
  *pgno = LoadBig32(key.data() + 1);
  txid->value = ~LoadBig64(key.data() + 5);
  return Status::Ok();
}

}  // namespace actorkv
