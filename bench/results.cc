#include "bench/results.h"

#include "bench/timing.h"

namespace actorkv::bench {

Measured Measure(Unit unit, const Sample& sample, const IoCount& before,
                 const IoCount& after) {
  const auto ops = static_cast<double>(sample.op_count);
  Measured measured;
  measured.value = unit == Unit::kP50Us ? sample.p50_us : ops / sample.seconds;
  measured.syncs_per_op =
      static_cast<double>(after.sync_count - before.sync_count) / ops;
  measured.bytes_per_op =
      static_cast<double>(after.written_bytes - before.written_bytes) / ops;
  return measured;
}

double MedianOf(const std::vector<Measured>& samples, double Measured::*field) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Measured& sample : samples) values.push_back(sample.*field);
  return Median(std::move(values));
}

double Row::Ratio() const {
  const double base = MedianOf(unix_wal, &Measured::value);
  const double ours = MedianOf(actorkv, &Measured::value);
  if (base <= 0 || ours <= 0) return 0;
  return spec->unit == Unit::kP50Us ? base / ours : ours / base;
}

}  // namespace actorkv::bench
