// The options of every RocksDB database we open, with a why at each.
//
// A store holds any number of actors, so nothing here may grow with them: all
// memory is in one block cache and a few write buffers, all descriptors are
// under one bound.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_OPTIONS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_OPTIONS_H_

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace actorkv {

// Shared by both column families of one store.
inline constexpr size_t kBlockCacheBytes = size_t{256} << 20;
inline constexpr size_t kMinBlockCacheBytes = size_t{8} << 20;
inline constexpr size_t kDefaultWriteBufferBytes = size_t{8} << 20;
inline constexpr size_t kChunksWriteBufferBytes = size_t{32} << 20;
// All write buffers together, also those being flushed.
inline constexpr size_t kAllWriteBufferBytes = size_t{96} << 20;
// Bounds what a reopen, and a follower at each change, has to replay.
inline constexpr uint64_t kMaxLogBytes = uint64_t{64} << 20;
inline constexpr int kMaxOpenFiles = 512;

// A cache of blocks of kBlockCacheBytes, or of what LimitRocksDbCaches() said.
std::shared_ptr<rocksdb::Cache> NewBlockCache();

// Bounds the cache of blocks that each store has beside the page cache, now and
// from now on: `bytes`, and at least 8 and at most 256 MiB, as at first. Also
// of stores that are open.
void LimitRocksDbCaches(size_t bytes);

// Options of the database as a whole. `env` may be null: RocksDB's default.
rocksdb::DBOptions WriterOptions(const std::string& directory,
                                 rocksdb::Env* env);

// Options like WriterOptions(), for DB::OpenForReadOnly beside a live writer.
rocksdb::DBOptions ReadOnlyOptions(rocksdb::Env* env);

// "default" and "chunks", in the order of Family.
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(
    const std::shared_ptr<rocksdb::Cache>& cache);

// Options for table files that are written at once into the family of these
// options: their values are as large as pages, and are mostly read in order.
rocksdb::Options BulkTableOptions(const rocksdb::Options& family);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_OPTIONS_H_
