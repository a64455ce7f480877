#include "bench/results.h"

#include <cmath>
#include <cstdio>

#include "bench/timing.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;

// What of the disk's own rate is as good as any ratio.
constexpr double kRawPart = 0.9;

std::string Format(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

double RawRate(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (row.spec->id == kRawDiskId) {
      return row.Median(Kind::kUnixWal, &Measured::value);
    }
  }
  return 0;
}

Verdict JudgeRatio(const Row& row, const std::vector<Row>& rows) {
  Verdict verdict;
  verdict.ratio = row.spec->bar;
  verdict.asked = ShortText(row.spec->bar);
  const double base = row.Median(Kind::kUnixWal, &Measured::value);
  const double raw = RawRate(rows) * kRawPart;
  if (row.spec->raw_rate_will_do && base > 0 && raw > 0 &&
      raw / base < verdict.ratio) {
    verdict.ratio = raw / base;
    verdict.asked = Format("%.2f", verdict.ratio) + " raw";
  }
  verdict.met = row.Ratio(Kind::kActorkv) >= verdict.ratio;
  return verdict;
}

}  // namespace

Measured Measure(Unit unit, const Sample& sample, const IoCount& before,
                 const IoCount& after) {
  constexpr double kMsPerSecond = 1e3;
  const auto ops = static_cast<double>(sample.op_count);
  Measured measured;
  switch (unit) {
    case Unit::kOpsPerSecond:
    case Unit::kMbPerSecond:
      measured.value = sample.seconds > 0 ? ops / sample.seconds : 0;
      break;
    case Unit::kP50Us:
      measured.value = sample.p50_us;
      break;
    case Unit::kMilliseconds:
      measured.value = sample.seconds * kMsPerSecond;
      break;
    case Unit::kBytes:
    case Unit::kCount:
      measured.value = sample.amount;
      break;
  }
  measured.busy_count = static_cast<double>(sample.busy_count);
  if (sample.op_count == 0) return measured;
  measured.syncs_per_op =
      static_cast<double>(after.sync_count - before.sync_count) / ops;
  measured.bytes_per_op =
      static_cast<double>(after.written_bytes - before.written_bytes) / ops;
  return measured;
}

double Row::Median(Backend::Kind kind, double Measured::*field) const {
  std::vector<double> values;
  for (const Measured& sample : of(kind)) values.push_back(sample.*field);
  return bench::Median(std::move(values));
}

double Row::Ratio(Backend::Kind kind) const {
  const double base = Median(Kind::kUnixWal, &Measured::value);
  const double value = Median(kind, &Measured::value);
  if (base <= 0 || value <= 0) return 0;
  return LessIsBetter(spec->unit) ? base / value : value / base;
}

Verdict Judge(const Row& row, const std::vector<Row>& rows) {
  const WorkloadSpec& spec = *row.spec;
  Verdict verdict;
  const double value = row.Median(Kind::kActorkv, &Measured::value);
  if (!row.has(Kind::kActorkv)) return verdict;
  if (spec.limit > 0) {
    verdict.asked = "< " + ShortText(spec.limit);
    verdict.met = value < spec.limit;
  } else if (spec.rate_bar > 0) {
    verdict.asked = ShortText(spec.rate_bar) + "/s";
    verdict.met = value >= spec.rate_bar;
  } else if (spec.bar > 0) {
    verdict = JudgeRatio(row, rows);
  }
  if (spec.no_busy) {
    verdict.asked += ", 0 busy";
    for (const Measured& sample : row.of(Kind::kActorkv)) {
      if (sample.busy_count > 0) verdict.met = false;
    }
  }
  return verdict;
}

std::string ShortText(double value) {
  constexpr double kKilo = 1e3;
  constexpr double kMega = 1e6;
  if (value == 0) return "0";
  if (value >= 100 * kMega) return Format("%.0fM", value / kMega);
  if (value >= kMega) return Format("%.1fM", value / kMega);
  if (value >= 100 * kKilo) return Format("%.0fk", value / kKilo);
  if (value >= 10 * kKilo) return Format("%.1fk", value / kKilo);
  if (value >= 100 || value == std::floor(value)) return Format("%.0f", value);
  if (value >= 10) return Format("%.1f", value);
  return Format("%.2f", value);
}

}  // namespace actorkv::bench
