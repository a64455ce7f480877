// Results: the samples of all workloads on all backends, their medians, what
// was asked of them, and the ways to show them: a table and a JSON file.

#ifndef ACTORKV_BENCH_RESULTS_H_
#define ACTORKV_BENCH_RESULTS_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/io_count.h"
#include "bench/workload.h"

namespace actorkv::bench {

// One sample in the unit of its workload.
struct Measured {
  double value = 0;
  double syncs_per_op = 0;
  double bytes_per_op = 0;
  // At its peak, over what the process had before the workload was set up.
  double memory_bytes = 0;
  double busy_count = 0;
};

Measured Measure(Unit unit, const Sample& sample, const IoCount& before,
                 const IoCount& after);

// A workload on all backends.
struct Row {
  const WorkloadSpec* spec = nullptr;
  std::array<std::vector<Measured>, Backend::kKindCount> samples;  // by kind

  const std::vector<Measured>& of(Backend::Kind kind) const {
    return samples[static_cast<size_t>(kind)];
  }
  bool has(Backend::Kind kind) const { return !of(kind).empty(); }
  // 0 where there are no samples.
  double Median(Backend::Kind kind, double Measured::*field) const;

  // How many times as good as the unix VFS in WAL mode, whatever the unit. 0
  // where one of the two was not measured.
  double Ratio(Backend::Kind kind) const;
};

// What was asked of a row: in words, and whether actorkv did it.
struct Verdict {
  std::string asked;  // "1.15", "0.9 R1", "1000/s"; empty: nothing
  bool met = true;
  double ratio = 0;  // the ratio that was asked for; 0: something else
};
Verdict Judge(const Row& row, const std::vector<Row>& rows);

// About the machine and the libraries: (name, value).
using Context = std::vector<std::pair<std::string, std::string>>;
Context DescribeMachine(const std::string& directory);

// "12.3k", "4.5M", "0.07": four characters or a little more.
std::string ShortText(double value);

void PrintTable(const Context& context, const std::vector<Row>& rows);

// False when the file cannot be written.
bool WriteJson(const std::string& path, const Context& context,
               const std::vector<Row>& rows);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_RESULTS_H_
