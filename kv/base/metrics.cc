#include "kv/base/metrics.h"

#include <pthread.h>

#include <algorithm>
#include <cmath>

namespace actorkv {

namespace {

using Kind = MetricKind;
using Unit = MetricUnit;

constexpr std::array<MetricInfo, kMetricCount> kInfos = {{
    {Metric::kCommits, Kind::kCounter, Unit::kCount, "commits",
     "Transactions committed; one over several actors counts once."},
    {Metric::kCommitConflicts, Kind::kCounter, Unit::kCount, "commit_conflicts",
     "Commits refused because another writer came first or took over."},
    {Metric::kCommitFailures, Kind::kCounter, Unit::kCount, "commit_failures",
     "Commits of which the engine wrote nothing."},
    {Metric::kCommitsUnknown, Kind::kCounter, Unit::kCount, "commits_unknown",
     "Commits whose outcome the engine did not know."},
    {Metric::kSyncs, Kind::kCounter, Unit::kCount, "syncs",
     "Writes and syncs of the engine that waited for the disk."},
    {Metric::kLogBytes, Kind::kCounter, Unit::kBytes, "log_bytes",
     "Bytes appended to the engine's log."},
    {Metric::kLogPreparedBytes, Kind::kCounter, Unit::kBytes,
     "log_prepared_bytes", "Zeros written to prepare logs."},
    {Metric::kFlushedBytes, Kind::kCounter, Unit::kBytes, "flushed_bytes",
     "Bytes of table files written from memory."},
    {Metric::kCompactedBytes, Kind::kCounter, Unit::kBytes, "compacted_bytes",
     "Bytes of table files written by compactions."},
    {Metric::kIngestedBytes, Kind::kCounter, Unit::kBytes, "ingested_bytes",
     "Bytes of table files that large transactions made."},
    {Metric::kWriteStalls, Kind::kCounter, Unit::kCount, "write_stalls",
     "Times that the engine began to slow or stop writes."},
    {Metric::kWriteStallTime, Kind::kCounter, Unit::kNanoseconds,
     "write_stall_time", "Time in which the engine slowed or stopped writes."},
    {Metric::kEngineReopens, Kind::kCounter, Unit::kCount, "engine_reopens",
     "Times that the engine was opened anew after a failed write."},
    {Metric::kCacheLooks, Kind::kCounter, Unit::kCount, "cache_looks",
     "Searches of the page cache for a page, whoever wants it."},
    {Metric::kCacheHits, Kind::kCounter, Unit::kCount, "cache_hits",
     "Pages read from the page cache."},
    {Metric::kCacheMisses, Kind::kCounter, Unit::kCount, "cache_misses",
     "Pages that were looked for in the page cache and not found."},
    {Metric::kCacheEvictions, Kind::kCounter, Unit::kCount, "cache_evictions",
     "Pages that the page cache dropped for others."},
    {Metric::kEngineReads, Kind::kCounter, Unit::kCount, "engine_reads",
     "Pages read from the engine, with or without the page cache."},
    {Metric::kReadAheadPages, Kind::kCounter, Unit::kCount, "read_ahead_pages",
     "Pages read before they were asked for."},
    {Metric::kReadAheadUsed, Kind::kCounter, Unit::kCount, "read_ahead_used",
     "Pages of them that were asked for."},
    {Metric::kReadAheadWasted, Kind::kCounter, Unit::kCount,
     "read_ahead_wasted", "Pages of them that were dropped unused."},
    {Metric::kHintsPreloadedPages, Kind::kCounter, Unit::kCount,
     "hints_preloaded_pages",
     "Pages read together when an actor was opened, because it used them "
     "before."},
    {Metric::kHintsUsedPages, Kind::kCounter, Unit::kCount, "hints_used_pages",
     "Pages of them that were asked for."},
    {Metric::kReclaimPasses, Kind::kCounter, Unit::kCount, "reclaim_passes",
     "Passes of reclaim over an actor."},
    {Metric::kReclaimedBytes, Kind::kCounter, Unit::kBytes, "reclaimed_bytes",
     "Bytes of page versions that reclaim removed."},
    {Metric::kFlattens, Kind::kCounter, Unit::kCount, "flattens",
     "Branches made independent of some of their ancestors."},
    {Metric::kMigrations, Kind::kCounter, Unit::kCount, "migrations",
     "Actors of Rivet that became live."},
    {Metric::kMigrationInterrupts, Kind::kCounter, Unit::kCount,
     "migration_interrupts", "Migrations that their caller ended."},
    {Metric::kMigrationFailures, Kind::kCounter, Unit::kCount,
     "migration_failures", "Migrations that ended with an error."},
    {Metric::kImports, Kind::kCounter, Unit::kCount, "imports",
     "Actors that were imported."},
    {Metric::kImportInterrupts, Kind::kCounter, Unit::kCount,
     "import_interrupts", "Imports that their caller ended."},
    {Metric::kImportFailures, Kind::kCounter, Unit::kCount, "import_failures",
     "Imports that ended with an error."},
    {Metric::kOversizedPairs, Kind::kCounter, Unit::kCount, "oversized_pairs",
     "Pairs above the limits of imports that were kept."},
    {Metric::kRefusedPairs, Kind::kCounter, Unit::kCount, "refused_pairs",
     "Pairs that ended an import: too large, or with a key that came before."},
    {Metric::kFileOpens, Kind::kCounter, Unit::kCount, "file_opens",
     "Connections opened to actors."},
    {Metric::kOpenStores, Kind::kLevel, Unit::kCount, "open_stores",
     "Stores that are open."},
    {Metric::kOpenActors, Kind::kLevel, Unit::kCount, "open_actors",
     "Actors that connections have open."},
    {Metric::kOpenFiles, Kind::kLevel, Unit::kCount, "open_files",
     "Connections that are open to actors."},
    {Metric::kSessions, Kind::kLevel, Unit::kCount, "sessions",
     "Sessions that other processes have with this one."},
    {Metric::kOpenRequests, Kind::kCounter, Unit::kCount, "open_requests",
     "Requests of other processes to open an actor."},
    {Metric::kHeadRequests, Kind::kCounter, Unit::kCount, "head_requests",
     "Requests for the newest commit of an actor."},
    {Metric::kGetRequests, Kind::kCounter, Unit::kCount, "get_requests",
     "Requests for values by their keys."},
    {Metric::kSeekRequests, Kind::kCounter, Unit::kCount, "seek_requests",
     "Requests for page versions and other pairs at or before a key."},
    {Metric::kScanRequests, Kind::kCounter, Unit::kCount, "scan_requests",
     "Requests for pairs in order."},
    {Metric::kCommitRequests, Kind::kCounter, Unit::kCount, "commit_requests",
     "Requests to commit."},
    {Metric::kWaitRequests, Kind::kCounter, Unit::kCount, "wait_requests",
     "Requests to wait for another writer."},
    {Metric::kCallRequests, Kind::kCounter, Unit::kCount, "call_requests",
     "Requests to run a function."},
    {Metric::kOtherRequests, Kind::kCounter, Unit::kCount, "other_requests",
     "All other requests of other processes."},
    {Metric::kRequestBytes, Kind::kCounter, Unit::kBytes, "request_bytes",
     "Bytes of requests of other processes."},
    {Metric::kAnswerBytes, Kind::kCounter, Unit::kBytes, "answer_bytes",
     "Bytes of the answers to them."},
    {Metric::kPinsTakenAway, Kind::kCounter, Unit::kCount, "pins_taken_away",
     "Snapshots that stopped processes read and that are not kept for them any "
     "longer."},
    {Metric::kOwnerChanges, Kind::kCounter, Unit::kCount, "owner_changes",
     "Times that another process became the owner of a store that this one "
     "shares."},
    {Metric::kCommitsResolved, Kind::kCounter, Unit::kCount, "commits_resolved",
     "Commits in flight when an owner ended of which it was found out what "
     "became of them."},
    {Metric::kPageCacheBytes, Kind::kGauge, Unit::kBytes, "page_cache_bytes",
     "Memory of the page cache."},
    {Metric::kPageCacheCapacityBytes, Kind::kGauge, Unit::kBytes,
     "page_cache_capacity_bytes", "Limit of the memory of the page cache."},
    {Metric::kCommitLatency, Kind::kDistribution, Unit::kNanoseconds,
     "commit_latency", "Time of a commit, durable or not, refused or not."},
    {Metric::kGroupCommits, Kind::kDistribution, Unit::kCount, "group_commits",
     "Durable commits written together."},
    {Metric::kGroupWriteLatency, Kind::kDistribution, Unit::kNanoseconds,
     "group_write_latency", "Time of one durable write of a group."},
    {Metric::kMigrationLatency, Kind::kDistribution, Unit::kNanoseconds,
     "migration_latency", "Time of a migration, whatever came of it."},
    {Metric::kMigrationLayoutsLatency, Kind::kDistribution, Unit::kNanoseconds,
     "migration_layouts_latency", "Time to look at the keys of an actor."},
    {Metric::kMigrationRecoverLatency, Kind::kDistribution, Unit::kNanoseconds,
     "migration_recover_latency", "Time to recover and check its database."},
    {Metric::kMigrationCopyLatency, Kind::kDistribution, Unit::kNanoseconds,
     "migration_copy_latency", "Time to store the pages of its database."},
    {Metric::kMigrationCommitLatency, Kind::kDistribution, Unit::kNanoseconds,
     "migration_commit_latency", "Time of the commit of a migration."},
    {Metric::kMigrationTablesLatency, Kind::kDistribution, Unit::kNanoseconds,
     "migration_tables_latency", "Time to make tables of an actor's pairs."},
    {Metric::kImportLatency, Kind::kDistribution, Unit::kNanoseconds,
     "import_latency", "Time of the import of one actor, whatever came of it."},
    {Metric::kImportRecoverLatency, Kind::kDistribution, Unit::kNanoseconds,
     "import_recover_latency", "Time to recover a database that comes in."},
    {Metric::kImportReadLatency, Kind::kDistribution, Unit::kNanoseconds,
     "import_read_latency", "Time to read what comes in, and to store it."},
    {Metric::kImportCommitLatency, Kind::kDistribution, Unit::kNanoseconds,
     "import_commit_latency", "Time of the commit of an import."},
    {Metric::kColdOpenLatency, Kind::kDistribution, Unit::kNanoseconds,
     "cold_open_latency",
     "Time to open an actor of which nothing was in memory."},
    {Metric::kFirstReadLatency, Kind::kDistribution, Unit::kNanoseconds,
     "first_read_latency",
     "Time of the first page that an open actor reads from the engine."},
    {Metric::kRequestLatency, Kind::kDistribution, Unit::kNanoseconds,
     "request_latency",
     "Time to serve a request of another process, but for waits and "
     "functions."},
    {Metric::kWriterWait, Kind::kDistribution, Unit::kNanoseconds,
     "writer_wait", "Time that a process waited for one that was writing."},
}};

// The table is indexed by the metric, and distributions have arrays of their
// own: both are checked when this is compiled.
constexpr bool IsInOrder() {
  for (size_t i = 0; i < kInfos.size(); ++i) {
    if (static_cast<size_t>(kInfos[i].metric) != i) return false;
    if ((kInfos[i].kind == Kind::kDistribution) != (i >= kPlainMetricCount)) {
      return false;
    }
  }
  return true;
}
static_assert(IsInOrder());

uint64_t MiddleOf(size_t bucket) {
  const uint64_t first = bucket == 0 ? 1 : UpperOf(bucket - 1) + 1;
  return (first + UpperOf(bucket)) / 2;
}

}  // namespace

const MetricInfo& InfoOf(Metric metric) {
  return kInfos[static_cast<size_t>(metric)];
}

namespace metrics_internal {

std::array<Shard, kShards> shards;

namespace {

// A child of fork() counts what it does itself: what its parent has open is
// not open there. Writes only where there is something, as the memory is shared
// until then.
void ForgetAllInChild() {
  const auto forget = [](std::atomic<uint64_t>* cell) {
    if (cell->load(std::memory_order_relaxed) != 0) *cell = 0;
  };
  for (Shard& shard : shards) {
    for (auto& value : shard.values) forget(&value);
    for (DistributionCells& cells : shard.distributions) {
      forget(&cells.sum);
      for (auto& bucket : cells.buckets) forget(&bucket);
    }
  }
}

// Registered while the library is loaded: a fork() that has begun before would
// not know of it.
[[maybe_unused]] const bool forgets_in_child =
    pthread_atfork(nullptr, nullptr, ForgetAllInChild) == 0;

}  // namespace

size_t TakeShardNumber() {
  static std::atomic<size_t> thread_count{0};
  // Threads take turns, so each shard has about as many.
  return thread_count.fetch_add(1, std::memory_order_relaxed) % kShards + 1;
}

}  // namespace metrics_internal

void Record(Metric metric, uint64_t value) {
  metrics_internal::DistributionCells& cells =
      metrics_internal::ThisShard()
          .distributions[static_cast<size_t>(metric) - kPlainMetricCount];
  cells.sum.fetch_add(value, std::memory_order_relaxed);
  cells.buckets[BucketOf(value)].fetch_add(1, std::memory_order_relaxed);
}

uint64_t Distribution::Quantile(double q) const {
  if (count == 0) return 0;
  const auto rank = static_cast<uint64_t>(
      std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBucketCount; ++bucket) {
    seen += buckets[bucket];
    if (seen > 0 && seen >= rank) return MiddleOf(bucket);
  }
  return MiddleOf(kBucketCount - 1);
}

uint64_t Distribution::CountUpTo(unsigned bits) const {
  const size_t last = BucketOf(uint64_t{1} << bits);
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket <= last; ++bucket) seen += buckets[bucket];
  return seen;
}

MetricsSnapshot MetricsSnapshot::Take() {
  MetricsSnapshot snapshot;
  for (const metrics_internal::Shard& shard : metrics_internal::shards) {
    for (size_t i = 0; i < kPlainMetricCount; ++i) {
      snapshot.values_[i] += shard.values[i].load(std::memory_order_relaxed);
    }
    for (size_t i = 0; i < kDistributionCount; ++i) {
      const metrics_internal::DistributionCells& cells = shard.distributions[i];
      Distribution& sum = snapshot.distributions_[i];
      sum.sum += cells.sum.load(std::memory_order_relaxed);
      for (size_t bucket = 0; bucket < kBucketCount; ++bucket) {
        const uint64_t count =
            cells.buckets[bucket].load(std::memory_order_relaxed);
        sum.buckets[bucket] += count;
        sum.count += count;
      }
    }
  }
  for (const MetricInfo& info : kInfos) {
    if (info.kind != Kind::kLevel) continue;
    // A level may look negative: the shard that something closed in was read
    // after it, the one that it opened in before.
    const auto i = static_cast<size_t>(info.metric);
    if (snapshot.values_[i] > UINT64_MAX / 2) snapshot.values_[i] = 0;
  }
  return snapshot;
}

}  // namespace actorkv
