// This file has the words of this tree as types, and its named limits.

#ifndef ACTORKV_KV_BASE_TYPES_H_
#define ACTORKV_KV_BASE_TYPES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace actorkv {

// The format of a whole store, in its marker and its record (kv/FORMAT.md).
constexpr uint32_t kStoreFormat = 3;

// Id: a number that must not be mixed up with another kind of number.
template <typename Tag>
struct Id {
  uint64_t value = 0;  // 0: none

  friend bool operator==(Id a, Id b) { return a.value == b.value; }
  friend bool operator!=(Id a, Id b) { return a.value != b.value; }
  friend bool operator<(Id a, Id b) { return a.value < b.value; }
};

using ActorId = Id<struct ActorTag>;
using BranchId = Id<struct BranchTag>;
using LegacyId = Id<struct LegacyIdTag>;      // an actor's legacy pairs
using TxId = Id<struct TxTag>;                // one actor's, over all branches
using Generation = Id<struct GenerationTag>;  // writer epoch of an actor

// The txid behind every commit.
constexpr TxId kLastTxId = {~uint64_t{0}};

using PageNo = uint32_t;  // 1-based, as in SQLite

// CommitId: the same in each actor of one transaction; unique in the world.
using CommitId = std::array<uint8_t, 16>;

// Snapshot: one version of a database: what a reader needs to find every page
// of it.
//
// `stamp` is the change counter of a SQLite database. It changes at every
// commit, so it lives in the head rather than in page 1: readers put it, big
// endian, into bytes 24..27 and 92..95 of page 1 (SQLite database file format,
// section 1.3 "The Database Header"). Without a stamp page 1 is as stored.
struct Snapshot {
  BranchId branch;
  TxId txid;                // 0: the actor does not exist yet
  uint32_t page_count = 0;  // pages
  uint32_t page_size = 0;   // bytes; 0 when page_count is 0
  std::optional<uint32_t> stamp;

  friend bool operator==(const Snapshot& a, const Snapshot& b) {
    return a.branch == b.branch && a.txid == b.txid;
  }
  friend bool operator!=(const Snapshot& a, const Snapshot& b) {
    return !(a == b);
  }
};

// Origin: where a commit came from, as the commits table names it. DO NOT
// CHANGE THESE ENUM VALUES: they are embedded in commit records.
enum class Origin : uint8_t {
  kSql = 1,      // a transaction of a connection
  kImport = 2,   // a database file
  kMigrate = 3,  // legacy pairs (kv/format/legacy_record.h)
  kRestore = 4,  // an older commit of the actor
  kFork = 5,     // a commit of another actor
};

constexpr uint32_t kMinPageSize = 512;    // bytes
constexpr uint32_t kMaxPageSize = 65536;  // bytes

constexpr bool IsLegalPageSize(uint32_t page_size) {
  return page_size >= kMinPageSize && page_size <= kMaxPageSize &&
         (page_size & (page_size - 1)) == 0;
}

// The page that holds byte 2^30 of a database, which is never stored: SQLite
// locks bytes there (PENDING_BYTE, os.h of SQLite 3.40.1) and never writes it.
constexpr PageNo LockPage(uint32_t page_size) {
  return (PageNo{1} << 30) / page_size + 1;
}

// The bytes of page 1 that the stamp stands for.
constexpr size_t kStampOffsets[] = {24, 92};
constexpr size_t kStampBytes = 4;

constexpr size_t kMaxActorNameBytes = 255;

// A transaction keeps this much of what it wrote in memory; the rest is
// staged in the store.
constexpr size_t kTransactionMemoryBytes = size_t{8} << 20;

// Chunks are staged in engine commits of about this size.
constexpr size_t kStageBatchBytes = size_t{8} << 20;

// Actors that nobody has open, of which a store still knows the head: about
// 1 KiB each.
constexpr size_t kMaxIdleActors = 8192;

// An idle actor remembers the changes of at most so many pages: 48 bytes each.
constexpr size_t kMaxIdleChanges = 64;

// A branch with more ancestors than this is flattened in the background, so
// that a page is found with a bounded number of seeks.
constexpr size_t kMaxLineageDepth = 8;

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_TYPES_H_
