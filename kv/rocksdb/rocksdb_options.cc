#include "kv/rocksdb/rocksdb_options.h"

#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/base/per_process.h"
#include "kv/rocksdb/rocksdb_block_memory.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_logger.h"

namespace actorkv {
namespace {

// RocksDB's usual size: about 1 % of the keys that a file does not have are
// looked for in it.
constexpr double kFilterBitsPerKey = 10;

// The size of a block of pages. Scans run twice as fast as with 4 KiB; a point
// read out of the cache costs the same.
constexpr size_t kPageBlockBytes = size_t{16} << 10;

// BlockCaches: the caches of the stores that are open.
struct BlockCaches {
  std::mutex mutex;
  size_t limit_bytes = kBlockCacheBytes;
  std::vector<std::weak_ptr<rocksdb::Cache>> all;

  void DropEnded() {
    const auto ended = [](const auto& cache) { return cache.expired(); };
    all.erase(std::remove_if(all.begin(), all.end(), ended), all.end());
  }
};

PerProcess<BlockCaches> caches_of_process;

// In a child of fork() the limit counts, and the caches are the parent's.
BlockCaches& GetBlockCaches() {
  return *caches_of_process.Get([](const BlockCaches* parents) {
    auto made = std::make_unique<BlockCaches>();
    if (parents != nullptr) made->limit_bytes = parents->limit_bytes;
    return made.release();
  });
}

rocksdb::BlockBasedTableOptions TableOptions(
    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // Indexes and filters are in the cache, so that memory does not grow with the
  // number of files; in its high priority half, so that a scan of pages does
  // not push them out.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  // Level 0 is asked on every read, and is a few files.
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.format_version = 5;
  // The system reads ahead instead (advise_random_on_open), while blocks are
  // used, and in larger pieces of its memory than where it is told to.
  table.max_auto_readahead_size = 0;
  return table;
}

// The family of heads and small records, which are read by whole key.
rocksdb::ColumnFamilyOptions DefaultFamilyOptions(
    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kDefaultWriteBufferBytes;
  options.level_compaction_dynamic_level_bytes = true;  // less dead space
  options.compression = rocksdb::kNoCompression;  // too small to pay for it
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  // A block holds the records of some forty actors, so whoever opens one after
  // the other has all of them after a few reads of the disk.
  table.block_size = 16 << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

bool HasLz4() {
  const auto types = rocksdb::GetSupportedCompressions();
  return std::count(types.begin(), types.end(), rocksdb::kLZ4Compression) > 0;
}

// The family of pages, which are read by "newest version at or before" and
// written once.
rocksdb::ColumnFamilyOptions ChunksFamilyOptions(
    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kChunksWriteBufferBytes;
  options.level_compaction_dynamic_level_bytes = true;
  // Two flushes may queue behind the one being filled before writes wait.
  options.max_write_buffer_number = 3;
  // L0 and the first level behind it stay plain: they are hot, and short lived.
  // The deeper levels of a big store are cold and are 90 % of its bytes; LZ4
  // halves typical pages there and unpacks faster than a disk delivers. In a
  // store of up to 256 MB the first level behind L0 is the last one.
  const rocksdb::CompressionType cold =
      HasLz4() ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  options.compression_per_level = {rocksdb::kNoCompression,
                                   rocksdb::kNoCompression, cold};
  options.bottommost_compression = cold;
  // All versions of a page share a prefix. With filters on it, a read skips
  // the files, and the write buffer, that have no version of the page.
  options.prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(kPagePrefixBytes));
  options.memtable_prefix_bloom_size_ratio = 0.02;
  // No memtable_insert_with_hint_prefix_extractor, here or above: RocksDB 7.8
  // keeps the hints of keys and of range tombstones in one map (MemTable::Add),
  // so that a Drop() goes on at a place in the wrong list.
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  // Nobody asks for a chunk by its whole key without a chance to find it.
  table.whole_key_filtering = false;
  table.block_size = kPageBlockBytes;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Bounds what RocksDB writes about itself.
void BoundHousekeeping(rocksdb::DBOptions* options) {
  options->max_manifest_file_size = 16 << 20;  // 1 GiB as shipped
  // Statistics nobody reads; each period also keeps a thread awake.
  options->stats_dump_period_sec = 0;
  options->stats_persist_period_sec = 0;
}

rocksdb::DBOptions CommonOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  if (env != nullptr) options.env = env;
  BoundHousekeeping(&options);
  options.max_open_files = kMaxOpenFiles;
  options.max_file_opening_threads = 2;  // 16 as shipped, at each open
  options.max_background_jobs = 2;       // one flush, one compaction
  options.db_write_buffer_size = kAllWriteBufferBytes;
  options.max_total_wal_size = kMaxLogBytes;
  // The system reads ahead where blocks are read in order, as it does for a
  // plain file: a cold scan takes half the time. Elsewhere it reads no more
  // than it is asked for.
  options.advise_random_on_open = false;
  // Reading every file's properties at open makes opening slow.
  options.skip_stats_update_on_db_open = true;
  // Files are removed in the background, not by the reader that happens to
  // let go of them last.
  options.avoid_unnecessary_blocking_io = true;
  // Spreads the write-back of table files, so that a commit's fsync does not
  // wait behind a whole one.
  options.bytes_per_sync = 1 << 20;
  // Preallocated logs are not faster here (engine measurements), but take
  // tens of MiB that a small disk does not have.
  options.allow_fallocate = false;
  // A close is quick: the log has everything, and the next open flushes it.
  options.avoid_flush_during_shutdown = true;
  // An open flushes what it recovered, so all that it shows is on the disk.
  // The reopen after a failed sync relies on this (see rocksdb_handle.h).
  options.avoid_flush_during_recovery = false;
  // A power loss leaves a torn last record: cut short, or with a page of zeros
  // inside it. kTolerateCorruptedTailRecords accepts only the first and would
  // refuse to open; kAbsoluteConsistency neither. This mode stops at the first
  // bad record, so that the result is always a prefix of what was committed.
  // Synced records lie before a torn tail. The bytes behind a bad record are
  // cut off, and kept, before RocksDB sees it (log_scan.h).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // No recovery behind our back: every failed write makes us reopen.
  options.max_bgerror_resume_count = 0;
  options.paranoid_checks = true;  // the default; we rely on it
  return options;
}

}  // namespace

rocksdb::Options BulkTableOptions(const rocksdb::Options& family) {
  rocksdb::Options options = family;
  if (!options.compression_per_level.empty()) return options;  // of pages
  if (HasLz4()) options.compression = rocksdb::kLZ4Compression;
  const auto* const table =
      options.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
  if (table == nullptr) return options;
  rocksdb::BlockBasedTableOptions larger = *table;
  larger.block_size = kPageBlockBytes;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(larger));
  return options;
}

std::shared_ptr<rocksdb::Cache> NewBlockCache() {
  BlockCaches& caches = GetBlockCaches();
  const std::lock_guard<std::mutex> lock(caches.mutex);
  rocksdb::LRUCacheOptions options;
  options.capacity = caches.limit_bytes;
  options.memory_allocator = NewBlockMemory();
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options);
  caches.DropEnded();
  caches.all.push_back(cache);
  return cache;
}

void LimitRocksDbCaches(size_t bytes) {
  BlockCaches& caches = GetBlockCaches();
  const std::lock_guard<std::mutex> lock(caches.mutex);
  caches.limit_bytes = std::clamp(bytes, kMinBlockCacheBytes, kBlockCacheBytes);
  caches.DropEnded();
  for (const auto& weak : caches.all) {
    if (const auto cache = weak.lock()) cache->SetCapacity(caches.limit_bytes);
  }
}

rocksdb::DBOptions WriterOptions(const std::string& directory,
                                 rocksdb::Env* env) {
  rocksdb::DBOptions options = CommonOptions(env);
  options.info_log = NewFileLogger(directory);
  return options;
}

rocksdb::DBOptions ReadOnlyOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options = CommonOptions(env);
  // All files are opened at once and stay open: the writer may remove them.
  options.max_open_files = -1;
  options.info_log = NewSilentLogger();
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(
    const std::shared_ptr<rocksdb::Cache>& cache) {
  return {{rocksdb::kDefaultColumnFamilyName, DefaultFamilyOptions(cache)},
          {kChunksFamilyName, ChunksFamilyOptions(cache)}};
}

}  // namespace actorkv
