// These give the metrics as a person and as Prometheus read them.
//
// The text is written here: Debian has prometheus-cpp only as a shared library
// whose package needs a web server and libcurl, and a host that serves metrics
// may well have another version of it in the same process.

#ifndef ACTORKV_KV_INSPECT_METRICS_REPORT_H_
#define ACTORKV_KV_INSPECT_METRICS_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "kv/base/metrics.h"

namespace actorkv {

// Takes a snapshot, with the metrics that are looked up.
MetricsSnapshot ReadMetrics();

// MetricRow: one value. A distribution has several: how many values there were,
// quantiles and the largest (`name`_count, _p50, _p90, _p99, _max).
struct MetricRow {
  std::string name;
  std::optional<double> value;  // none: a quantile of nothing
  const char* unit;             // "count", "bytes" or "us"
  bool is_whole;                // `value` is a whole number
};
std::vector<MetricRow> MetricRows(const MetricsSnapshot& snapshot);

// Writes Prometheus' text format, version 0.0.4. Names begin with actorkv_,
// times are in seconds, counters end in _total, and distributions are
// histograms, so that quantiles of any stretch of time can be computed from
// them.
std::string MetricsText(const MetricsSnapshot& snapshot);

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_METRICS_REPORT_H_
