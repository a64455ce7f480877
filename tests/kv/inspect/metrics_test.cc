// Metrics: buckets and quantiles, counting in many threads, rows and text.

#include "kv/base/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "kv/inspect/metrics_report.h"
#include "tests/support/forked_child.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

uint64_t ValueNow(Metric metric) {
  return MetricsSnapshot::Take().value(metric);
}

Distribution DistributionNow(Metric metric) {
  return MetricsSnapshot::Take().distribution(metric);
}

// Of a distribution with these values alone.
Distribution DistributionOf(const std::vector<uint64_t>& values) {
  Distribution distribution;
  for (const uint64_t value : values) {
    ++distribution.buckets[BucketOf(value)];
    ++distribution.count;
    distribution.sum += value;
  }
  return distribution;
}

TEST(MetricsTest, BucketsFollowEachOtherWithoutAGap) {
  EXPECT_EQ(BucketOf(0), 0u);
  for (size_t bucket = 0; bucket < kBucketCount; ++bucket) {
    SCOPED_TRACE(bucket);
    EXPECT_EQ(BucketOf(UpperOf(bucket)), bucket);
    const size_t next = std::min(bucket + 1, kBucketCount - 1);
    EXPECT_EQ(BucketOf(UpperOf(bucket) + 1), next);
  }
  EXPECT_EQ(UpperOf(kBucketCount - 1), uint64_t{1} << kMaxValueBits);
  EXPECT_EQ(BucketOf(UINT64_MAX), kBucketCount - 1);
}

// What its parent has open is not open in a child, and what it did was done
// once.
TEST(MetricsTest, AChildOfForkCountsItsOwn) {
  Add(Metric::kCommits, 3);
  Record(Metric::kCommitLatency, 7);
  ForkedChild child([] {
    if (ValueNow(Metric::kCommits) != 0) return 1;
    if (DistributionNow(Metric::kCommitLatency).count != 0) return 2;
    Add(Metric::kCommits);
    return ValueNow(Metric::kCommits) == 1 ? 0 : 3;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_GE(ValueNow(Metric::kCommits), 3U);
}

TEST(MetricsTest, SmallValuesHaveBucketsOfTheirOwn) {
  for (uint64_t value = 1; value <= 16; ++value) {
    EXPECT_EQ(DistributionOf({value}).Quantile(0.5), value);
  }
}

TEST(MetricsTest, QuantilesAreWithinASixteenth) {
  std::mt19937_64 generator(20261127);
  std::lognormal_distribution<double> latency(std::log(1e5), 2);
  std::vector<uint64_t> values;
  values.reserve(20000);
  for (int i = 0; i < 20000; ++i) {
    values.push_back(std::min(static_cast<uint64_t>(latency(generator)) + 1,
                              uint64_t{1} << kMaxValueBits));
  }
  const Distribution distribution = DistributionOf(values);
  std::sort(values.begin(), values.end());
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    SCOPED_TRACE(q);
    const auto rank =
        static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank == 0 ? 0 : rank - 1]);
    const auto got = static_cast<double>(distribution.Quantile(q));
    EXPECT_LE(std::abs(got - exact), exact / 16) << exact << " " << got;
  }
}

TEST(MetricsTest, QuantilesOfFewValues) {
  EXPECT_EQ(DistributionOf({}).Quantile(0.5), 0u);
  const Distribution two = DistributionOf({3, 9});
  EXPECT_EQ(two.Quantile(0), 3u);
  EXPECT_EQ(two.Quantile(0.5), 3u);
  EXPECT_EQ(two.Quantile(0.51), 9u);
  EXPECT_EQ(two.Quantile(1), 9u);
}

TEST(MetricsTest, CountsUpToAPowerOfTwoWithIt) {
  const Distribution distribution =
      DistributionOf({0, 1, 2, 1023, 1024, 1025, uint64_t{1} << 40});
  EXPECT_EQ(distribution.CountUpTo(0), 2u);
  EXPECT_EQ(distribution.CountUpTo(1), 3u);
  EXPECT_EQ(distribution.CountUpTo(10), 5u);
  EXPECT_EQ(distribution.CountUpTo(11), 6u);
}

TEST(MetricsTest, NothingIsLostWhereManyThreadsCount) {
  constexpr int kThreads = 20;  // more than shards
  constexpr uint64_t kRounds = 5000;
  const uint64_t flattens = ValueNow(Metric::kFlattens);
  const uint64_t stores = ValueNow(Metric::kOpenStores);
  const Distribution before = DistributionNow(Metric::kGroupCommits);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([] {
      for (uint64_t i = 0; i < kRounds; ++i) {
        Add(Metric::kOpenStores);
        Add(Metric::kFlattens, 2);
        Record(Metric::kGroupCommits, i % 10 + 1);
        Subtract(Metric::kOpenStores);
      }
    });
  }
  // A reader beside them never sees a level below zero.
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(ValueNow(Metric::kOpenStores), stores + kThreads);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ValueNow(Metric::kFlattens) - flattens, kThreads * kRounds * 2);
  EXPECT_EQ(ValueNow(Metric::kOpenStores), stores);
  const Distribution after = DistributionNow(Metric::kGroupCommits);
  EXPECT_EQ(after.count - before.count, kThreads * kRounds);
  EXPECT_EQ(after.sum - before.sum, kThreads * kRounds * 55 / 10);
  EXPECT_EQ(after.buckets[BucketOf(7)] - before.buckets[BucketOf(7)],
            kThreads * kRounds / 10);
}

TEST(MetricsTest, ATimerRecordsItsLife) {
  constexpr std::chrono::milliseconds kSleep{20};
  const Distribution before = DistributionNow(Metric::kCommitLatency);
  {
    const LatencyTimer timer(Metric::kCommitLatency);
    std::this_thread::sleep_for(kSleep);
  }
  const Distribution after = DistributionNow(Metric::kCommitLatency);
  EXPECT_EQ(after.count - before.count, 1u);
  const std::chrono::nanoseconds recorded(after.sum - before.sum);
  EXPECT_GE(recorded, kSleep);
  EXPECT_LT(recorded, kSleep * 500);
}

TEST(MetricsTest, NamesAndHelpSuitBothForms) {
  const std::regex name_form("[a-z][a-z0-9]*(_[a-z0-9]+)*");
  std::set<std::string> names;
  for (size_t i = 0; i < kMetricCount; ++i) {
    const MetricInfo& info = InfoOf(static_cast<Metric>(i));
    SCOPED_TRACE(info.name);
    EXPECT_TRUE(std::regex_match(info.name, name_form));
    EXPECT_TRUE(names.insert(info.name).second);
    const std::string help = info.help;
    EXPECT_FALSE(help.empty());
    EXPECT_EQ(help.back(), '.');
    EXPECT_EQ(help.find_first_of("\\\n"), std::string::npos);
  }
}

TEST(MetricsTest, RowsOfADistribution) {
  const auto row_named = [](const std::vector<MetricRow>& rows,
                            const std::string& name) {
    const auto found =
        std::find_if(rows.begin(), rows.end(),
                     [&](const MetricRow& row) { return row.name == name; });
    EXPECT_NE(found, rows.end()) << name;
    return *found;
  };
  const std::vector<MetricRow> none = MetricRows(MetricsSnapshot());
  EXPECT_EQ(row_named(none, "commit_latency_count").value, 0.0);
  EXPECT_FALSE(row_named(none, "commit_latency_p50").value.has_value());
  EXPECT_EQ(row_named(none, "write_stall_time").value, 0.0);
  Record(Metric::kCommitLatency, std::chrono::milliseconds(1));
  const std::vector<MetricRow> some = MetricRows(MetricsSnapshot::Take());
  const MetricRow max = row_named(some, "commit_latency_max");
  EXPECT_STREQ(max.unit, "us");
  EXPECT_FALSE(max.is_whole);
  EXPECT_GE(max.value.value_or(0), 900);
  EXPECT_STREQ(row_named(some, "log_bytes").unit, "bytes");
  EXPECT_TRUE(row_named(some, "log_bytes").is_whole);
}

// What Prometheus' parser takes, version 0.0.4 of the format, as far as we use
// it: reads line by line, and fails on everything else.
class TextReader {
 public:
  explicit TextReader(const std::string& text) {
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.back(), '\n');
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) ReadLine(line);
  }

  // Samples by name with labels.
  const std::map<std::string, double>& samples() const { return samples_; }
  const std::map<std::string, std::string>& types() const { return types_; }

 private:
  void ReadLine(const std::string& line) {
    static const std::regex help_form("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)");
    static const std::regex type_form(
        "# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)");
    static const std::regex sample_form(
        "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{le=\"([^\"\\\\]+)\"\\})? ([0-9.e+-]+)");
    std::smatch match;
    if (std::regex_match(line, match, help_form)) {
      family_ = match[1];
      EXPECT_EQ(types_.count(family_), 0u) << "two families " << family_;
    } else if (std::regex_match(line, match, type_form)) {
      EXPECT_EQ(match[1], family_) << "TYPE must follow its HELP";
      types_[family_] = match[2];
    } else if (std::regex_match(line, match, sample_form)) {
      const std::string name = match[1];
      EXPECT_EQ(name.rfind(family_, 0), 0u) << line;
      const std::string rest = name.substr(family_.size());
      const bool is_part =
          rest == "_bucket" || rest == "_sum" || rest == "_count";
      EXPECT_TRUE(types_[family_] == "histogram" ? is_part : rest.empty())
          << line;
      const std::string key = name + match[2].str();
      EXPECT_EQ(samples_.count(key), 0u) << line;
      samples_[key] = std::stod(match[4]);
    } else {
      ADD_FAILURE() << "cannot be read: " << line;
    }
  }

  std::string family_;
  std::map<std::string, double> samples_;
  std::map<std::string, std::string> types_;
};

TEST(MetricsTest, TextIsPrometheus) {
  MetricsSnapshot snapshot = MetricsSnapshot::Take();
  snapshot.set_value(Metric::kCommits, (uint64_t{1} << 53) - 1);
  snapshot.set_value(Metric::kWriteStallTime, 1'500'000'000);
  const TextReader read(MetricsText(snapshot));
  EXPECT_EQ(read.types().size(), kMetricCount);
  EXPECT_EQ(read.samples().at("actorkv_commits_total"), 9007199254740991.0);
  EXPECT_EQ(read.samples().at("actorkv_write_stall_time_seconds_total"), 1.5);
  EXPECT_EQ(read.types().at("actorkv_commits_total"), "counter");
  EXPECT_EQ(read.types().at("actorkv_open_files"), "gauge");
  EXPECT_EQ(read.types().at("actorkv_commit_latency_seconds"), "histogram");
}

TEST(MetricsTest, HistogramsOfTheTextAddUp) {
  Record(Metric::kCommitLatency, std::chrono::microseconds(3));
  Record(Metric::kCommitLatency, std::chrono::minutes(30));
  const MetricsSnapshot snapshot = MetricsSnapshot::Take();
  const TextReader read(MetricsText(snapshot));
  const std::string name = "actorkv_commit_latency_seconds";
  std::map<double, double> buckets;  // by upper bound
  for (const auto& [key, value] : read.samples()) {
    const std::string begin = name + "_bucket{le=\"";
    if (key.rfind(begin, 0) != 0) continue;
    buckets[std::stod(key.substr(begin.size()))] = value;
  }
  double last = 0;
  for (const auto& [bound, count] : buckets) {
    EXPECT_GE(count, last) << bound;
    last = count;
  }
  EXPECT_TRUE(std::isinf(buckets.rbegin()->first));
  EXPECT_EQ(last, read.samples().at(name + "_count"));
  EXPECT_GT(last, std::prev(buckets.end(), 2)->second) << "the slow one";
  EXPECT_GE(buckets.at(4.096e-06), 1);
  EXPECT_GE(read.samples().at(name + "_sum"), 1800);
}

}  // namespace
}  // namespace actorkv
