#include "kv/inspect/metrics_report.h"

#include <array>
#include <charconv>

#include "kv/cache/page_cache.h"

namespace actorkv {

namespace {

constexpr double kNanosecondsPerSecond = 1e9;
constexpr double kNanosecondsPerUs = 1e3;

// The bounds of the histograms in the text, as powers of two: 1 us to 18
// minutes, and 1 to 1024 commits.
constexpr unsigned kFirstTimeBits = 10;
constexpr unsigned kLastTimeBits = 40;
constexpr unsigned kLastCountBits = 10;

struct Part {
  const char* suffix;
  double q;
};
constexpr Part kQuantiles[] = {
    {"_p50", 0.5}, {"_p90", 0.9}, {"_p99", 0.99}, {"_max", 1}};

const char* UnitText(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::kCount:
      return "count";
    case MetricUnit::kBytes:
      return "bytes";
    case MetricUnit::kNanoseconds:
      return "us";
  }
  return "";
}

// Times are counted in nanoseconds and shown in microseconds, which is what
// people compare; only those are fractions.
MetricRow RowOf(const MetricInfo& info, std::string name, uint64_t value) {
  const bool is_time = info.unit == MetricUnit::kNanoseconds;
  const auto number = static_cast<double>(value);
  return {std::move(name), is_time ? number / kNanosecondsPerUs : number,
          UnitText(info.unit), !is_time};
}

// A distribution is several rows, so that each is a number which SQL can
// compare.
void AddDistribution(const MetricInfo& info, const Distribution& distribution,
                     std::vector<MetricRow>* rows) {
  const std::string name = info.name;
  rows->push_back({name + "_count", static_cast<double>(distribution.count),
                   UnitText(MetricUnit::kCount), true});
  for (const Part& part : kQuantiles) {
    rows->push_back(
        RowOf(info, name + part.suffix, distribution.Quantile(part.q)));
    // A quantile of nothing is NULL, not 0.
    if (distribution.count == 0) rows->back().value.reset();
  }
}

// --- Text --------------------------------------------------------------------

// Writes the shortest text that reads back as the same number, whatever the
// locale.
std::string NumberText(double number) {
  std::array<char, 32> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

std::string ValueText(MetricUnit unit, uint64_t value) {
  if (unit != MetricUnit::kNanoseconds) return std::to_string(value);
  return NumberText(static_cast<double>(value) / kNanosecondsPerSecond);
}

const char* TypeText(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kLevel:
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kDistribution:
      return "histogram";
  }
  return "";
}

// The text follows the format of Prometheus: times in seconds, the unit and
// `_total` in the name, so that its tools know what they have.
std::string TextName(const MetricInfo& info) {
  std::string name = std::string("actorkv_") + info.name;
  if (info.unit == MetricUnit::kNanoseconds) name += "_seconds";
  if (info.kind == MetricKind::kCounter) name += "_total";
  return name;
}

void AppendHistogram(const std::string& name, MetricUnit unit,
                     const Distribution& distribution, std::string* text) {
  const bool is_time = unit == MetricUnit::kNanoseconds;
  const unsigned first = is_time ? kFirstTimeBits : 0;
  const unsigned last = is_time ? kLastTimeBits : kLastCountBits;
  // Buckets are cumulative, and their bounds never change: series of two
  // versions can be added up.
  for (unsigned bits = first; bits <= last; ++bits) {
    *text += name + "_bucket{le=\"" + ValueText(unit, uint64_t{1} << bits) +
             "\"} " + std::to_string(distribution.CountUpTo(bits)) + "\n";
  }
  // Prometheus asks for the last bucket without a bound, and for the sum and
  // the count behind it.
  const std::string count = std::to_string(distribution.count);
  *text += name + "_bucket{le=\"+Inf\"} " + count + "\n";
  *text += name + "_sum " + ValueText(unit, distribution.sum) + "\n";
  *text += name + "_count " + count + "\n";
}

}  // namespace

MetricsSnapshot ReadMetrics() {
  MetricsSnapshot snapshot = MetricsSnapshot::Take();
  PageCache* const cache = PageCache::Instance();
  // The cache counts under the locks that it takes anyway.
  const PageCacheCounts counts = cache->counts();
  snapshot.set_value(Metric::kCacheLooks, counts.looks);
  snapshot.set_value(Metric::kCacheHits, counts.hits);
  snapshot.set_value(Metric::kCacheMisses, counts.misses);
  snapshot.set_value(Metric::kCacheEvictions, counts.evicted);
  snapshot.set_value(Metric::kReadAheadUsed, counts.ahead_used);
  snapshot.set_value(Metric::kReadAheadWasted, counts.ahead_wasted);
  snapshot.set_value(Metric::kHintsUsedPages, counts.hinted_used);
  snapshot.set_value(Metric::kPageCacheBytes, counts.size_bytes);
  snapshot.set_value(Metric::kPageCacheCapacityBytes, cache->capacity_bytes());
  return snapshot;
}

std::vector<MetricRow> MetricRows(const MetricsSnapshot& snapshot) {
  std::vector<MetricRow> rows;
  for (size_t i = 0; i < kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    const MetricInfo& info = InfoOf(metric);
    if (info.kind == MetricKind::kDistribution) {
      AddDistribution(info, snapshot.distribution(metric), &rows);
    } else {
      rows.push_back(RowOf(info, info.name, snapshot.value(metric)));
    }
  }
  return rows;
}

std::string MetricsText(const MetricsSnapshot& snapshot) {
  std::string text;
  for (size_t i = 0; i < kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    const MetricInfo& info = InfoOf(metric);
    const std::string name = TextName(info);
    text += "# HELP " + name + " " + info.help + "\n";
    text += "# TYPE " + name + " " + TypeText(info.kind) + "\n";
    if (info.kind == MetricKind::kDistribution) {
      AppendHistogram(name, info.unit, snapshot.distribution(metric), &text);
    } else {
      text += name + " " + ValueText(info.unit, snapshot.value(metric)) + "\n";
    }
  }
  return text;
}

}  // namespace actorkv
