// Results: the samples of all workloads on both backends, their medians, and
// the ways to show them: a table and a JSON file.

#ifndef ACTORKV_BENCH_RESULTS_H_
#define ACTORKV_BENCH_RESULTS_H_

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
};

Measured Measure(Unit unit, const Sample& sample, const IoCount& before,
                 const IoCount& after);

// A workload on both backends.
struct Row {
  const WorkloadSpec* spec = nullptr;
  std::vector<Measured> unix_wal;
  std::vector<Measured> actorkv;

  // How many times as good as the unix VFS, whatever the unit.
  double Ratio() const;
};

double MedianOf(const std::vector<Measured>& samples, double Measured::*field);

// About the machine and the libraries: (name, value).
using Context = std::vector<std::pair<std::string, std::string>>;
Context DescribeMachine(const std::string& directory);

void PrintTable(const Context& context, const std::vector<Row>& rows);

// False when the file cannot be written.
bool WriteJson(const std::string& path, const Context& context,
               const std::vector<Row>& rows);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_RESULTS_H_
