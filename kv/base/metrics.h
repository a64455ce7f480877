// Metrics: the numbers that this process always counts about itself.
//
//   counter       only rises
//   level         rises and falls: what is open
//   gauge         looked up when it is asked for (ReadMetrics)
//   distribution  how often which value came: latencies and sizes
//
// Counting takes one line where it happens:
//
//   Add(Metric::kEngineReads);
//   const LatencyTimer timer(Metric::kCommitLatency);
//
// Cost: a counter is one relaxed atomic addition, a distribution two, in a
// shard that the thread shares with few others. No lock, no allocation; the
// clock is read by LatencyTimer alone. So page reads are counted, not timed.
//
// Counters that are under a lock anyway stay there, and ReadMetrics() looks
// them up as well: those of the page cache.
//
// Values are those of the process since it began, or was forked, over all its
// stores. A snapshot is not of one moment: what is counted meanwhile may be in
// it or not.
//
// To add a metric: it takes a line here and one in the table of metrics.cc, in
// the same place.

#ifndef ACTORKV_KV_BASE_METRICS_H_
#define ACTORKV_KV_BASE_METRICS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace actorkv {

enum class Metric : uint8_t {
  // Commits. See the table in metrics.cc for what each is.
  kCommits,
  kCommitConflicts,
  kCommitFailures,
  kCommitsUnknown,
  // Writes to the disk.
  kSyncs,
  kLogBytes,
  kLogPreparedBytes,
  kFlushedBytes,
  kCompactedBytes,
  kIngestedBytes,
  kWriteStalls,
  kWriteStallTime,
  kEngineReopens,
  // Page reads.
  kCacheLooks,
  kCacheHits,
  kCacheMisses,
  kCacheEvictions,
  kEngineReads,
  kReadAheadPages,
  kReadAheadUsed,
  kReadAheadWasted,
  kHintsPreloadedPages,
  kHintsUsedPages,
  // History.
  kReclaimPasses,
  kReclaimedBytes,
  kFlattens,
  // Migrations and imports.
  kMigrations,
  kMigrationInterrupts,
  kMigrationFailures,
  kImports,
  kImportInterrupts,
  kImportFailures,
  kOversizedPairs,
  kRefusedPairs,
  // Opens.
  kFileOpens,
  kOpenStores,
  kOpenActors,
  kOpenFiles,
  // Sharing: of what others ask, in the owner of a store; of what is asked, in
  // the others.
  kSessions,
  kOpenRequests,
  kHeadRequests,
  kGetRequests,
  kSeekRequests,
  kScanRequests,
  kCommitRequests,
  kWaitRequests,
  kCallRequests,
  kOtherRequests,
  kRequestBytes,
  kAnswerBytes,
  kPinsTakenAway,
  kOwnerChanges,
  kCommitsResolved,
  // Gauges.
  kPageCacheBytes,
  kPageCacheCapacityBytes,
  // Distributions, last.
  kCommitLatency,
  kGroupCommits,
  kGroupWriteLatency,
  kMigrationLatency,
  kMigrationLayoutsLatency,
  kMigrationRecoverLatency,
  kMigrationCopyLatency,
  kMigrationCommitLatency,
  kMigrationTablesLatency,
  kImportLatency,
  kImportRecoverLatency,
  kImportReadLatency,
  kImportCommitLatency,
  kColdOpenLatency,
  kFirstReadLatency,
  kRequestLatency,
  kWriterWait,
};

inline constexpr Metric kFirstDistribution = Metric::kCommitLatency;
inline constexpr size_t kMetricCount =
    static_cast<size_t>(Metric::kWriterWait) + 1;
inline constexpr size_t kPlainMetricCount =
    static_cast<size_t>(kFirstDistribution);
inline constexpr size_t kDistributionCount = kMetricCount - kPlainMetricCount;

enum class MetricKind : uint8_t { kCounter, kLevel, kGauge, kDistribution };

// MetricUnit: the thing that a value counts.
enum class MetricUnit : uint8_t { kCount, kBytes, kNanoseconds };

struct MetricInfo {
  Metric metric;
  MetricKind kind;
  MetricUnit unit;
  const char* name;  // lower case and '_'
  const char* help;  // one line without a backslash: no escapes needed
};

const MetricInfo& InfoOf(Metric metric);

// --- Buckets of a distribution ----------------------------------------------
//
// There are eight buckets for each doubling. Bucket b has the values above
// UpperOf(b - 1), up to and with UpperOf(b). Values to 16 have buckets of their
// own, but for 0, which counts as 1; what is above the last bucket's end (2^42:
// 73 minutes) counts there. The middle of a bucket is within 1/16 of every
// other value of it.

inline constexpr unsigned kBucketBits = 3;
inline constexpr size_t kBucketsPerDoubling = size_t{1} << kBucketBits;
inline constexpr unsigned kMaxValueBits = 42;
inline constexpr size_t kBucketCount =
    (kMaxValueBits - kBucketBits + 1) * kBucketsPerDoubling;

constexpr size_t BucketOf(uint64_t value) {
  const uint64_t x = value == 0 ? 0 : value - 1;
  if (x < kBucketsPerDoubling) return x;
  const unsigned shift =
      63 - static_cast<unsigned>(__builtin_clzll(x)) - kBucketBits;
  const size_t bucket = shift * kBucketsPerDoubling + (x >> shift);
  return bucket < kBucketCount ? bucket : kBucketCount - 1;
}

constexpr uint64_t UpperOf(size_t bucket) {
  if (bucket < kBucketsPerDoubling) return bucket + 1;
  const size_t shift = bucket / kBucketsPerDoubling - 1;
  return (bucket % kBucketsPerDoubling + kBucketsPerDoubling + 1) << shift;
}

// --- Counting ---------------------------------------------------------------

namespace metrics_internal {

inline constexpr size_t kShards = 8;

struct DistributionCells {
  std::atomic<uint64_t> sum{0};
  std::array<std::atomic<uint64_t>, kBucketCount> buckets{};
};

// Shard: has cache lines of its own.
struct alignas(128) Shard {
  std::array<std::atomic<uint64_t>, kPlainMetricCount> values{};
  std::array<DistributionCells, kDistributionCount> distributions{};
};

extern std::array<Shard, kShards> shards;

// The number of the thread's shard, plus one; 0: not given yet.
inline thread_local size_t shard_number = 0;
size_t TakeShardNumber();

inline Shard& ThisShard() {
  size_t number = shard_number;
  if (number == 0) number = shard_number = TakeShardNumber();
  return shards[number - 1];
}

}  // namespace metrics_internal

// REQUIRES: a counter or a level.
inline void Add(Metric metric, uint64_t amount = 1) {
  metrics_internal::ThisShard().values[static_cast<size_t>(metric)].fetch_add(
      amount, std::memory_order_relaxed);
}

// REQUIRES: a level.
inline void Subtract(Metric metric, uint64_t amount = 1) {
  Add(metric, ~amount + 1);  // sums are modulo 2^64
}

// Counts `value` once. REQUIRES: a distribution.
void Record(Metric metric, uint64_t value);
inline void Record(Metric metric, std::chrono::nanoseconds value) {
  Record(metric, static_cast<uint64_t>(value.count()));
}

// LatencyTimer: records the time of its life. REQUIRES: a distribution of
// kNanoseconds.
class LatencyTimer {
 public:
  explicit LatencyTimer(Metric metric) : metric_(metric), begin_(Now()) {}
  ~LatencyTimer() { Record(metric_, Now() - begin_); }
  LatencyTimer(const LatencyTimer&) = delete;
  LatencyTimer& operator=(const LatencyTimer&) = delete;

 private:
  static std::chrono::steady_clock::time_point Now() {
    return std::chrono::steady_clock::now();
  }

  const Metric metric_;
  const std::chrono::steady_clock::time_point begin_;
};

// --- Reading ----------------------------------------------------------------

struct Distribution {
  uint64_t count = 0;
  uint64_t sum = 0;
  std::array<uint64_t, kBucketCount> buckets{};

  // The value that a part `q` (0 to 1) of all values does not exceed, within
  // 1/16 of it. 0 when there are no values.
  uint64_t Quantile(double q) const;

  // The number of values up to 2^bits.
  uint64_t CountUpTo(unsigned bits) const;
};

// MetricsSnapshot: all metrics. Those that ReadMetrics() looks up
// (kv/inspect/metrics_report.h) are 0 until they are set.
class MetricsSnapshot {
 public:
  static MetricsSnapshot Take();

  // REQUIRES: not a distribution.
  uint64_t value(Metric metric) const {
    return values_[static_cast<size_t>(metric)];
  }
  void set_value(Metric metric, uint64_t value) {
    values_[static_cast<size_t>(metric)] = value;
  }

  // REQUIRES: a distribution.
  const Distribution& distribution(Metric metric) const {
    return distributions_[static_cast<size_t>(metric) - kPlainMetricCount];
  }

 private:
  std::array<uint64_t, kPlainMetricCount> values_{};
  std::array<Distribution, kDistributionCount> distributions_{};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_METRICS_H_
