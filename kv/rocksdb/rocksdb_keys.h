// Partitions become RocksDB column families and key prefixes here. This is the
// only place that knows the physical keys:
//
//   family "default"  kind(1) | id(8, big-endian) | key   catalog and actors
//   family "chunks"   id(8, big-endian) | key             branches
//
// Two families, because small records and pages want different blocks,
// filters and compression.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_KEYS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_KEYS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "kv/engine/engine.h"

namespace actorkv {

// Index into the handles of an open database.
enum class Family : size_t { kDefault = 0, kChunks = 1 };
inline constexpr size_t kFamilyCount = 2;
inline constexpr char kChunksFamilyName[] = "chunks";

// branch(8) | layout(1) | pgno(4): what all versions of one page share.
// DO NOT CHANGE: filters in stored files are made of prefixes of this length.
inline constexpr size_t kPagePrefixBytes = 13;

Family FamilyOf(Partition partition);

// Bytes of the prefix that a partition's keys begin with.
size_t PartitionPrefixBytes(Partition partition);

// *physical = the partition's prefix and `key`. Reuses its memory.
void SetPhysicalKey(Partition partition, std::string_view key,
                    std::string* physical);
std::string PhysicalKey(Partition partition, std::string_view key);

// A key behind every key of the partition (of up to max_key_bytes), and at or
// before every key of the next one.
std::string PartitionEnd(Partition partition, size_t max_key_bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_KEYS_H_
