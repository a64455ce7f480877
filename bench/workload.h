// Workload: something a user does with databases, timed. One object is one
// workload on one backend; main.cc runs those of both backends in turn.
//
// A workload owns the databases that it makes under its directory, and
// nothing else. It knows a backend only as what bench/backend.h tells.

#ifndef ACTORKV_BENCH_WORKLOAD_H_
#define ACTORKV_BENCH_WORKLOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/backend.h"

namespace actorkv::bench {

// What one timed section did.
struct Sample {
  uint64_t op_count = 0;
  double seconds = 0;
  // Of one operation; 0 where single operations are not timed.
  double p50_us = 0;
};

// How long to measure.
struct Effort {
  double seconds = 2;      // one sample, where a workload runs for a time
  int database_count = 0;  // W8
  int migrated_count = 0;  // M2
  uint64_t large_bytes = uint64_t{132} << 20;  // M1
  uint64_t plain_bytes = 150'000'000;          // M3
};

class Workload {
 public:
  virtual ~Workload() = default;

  // Makes the databases and brings them to a steady state. Not timed.
  virtual void SetUp() {}

  // One sample.
  virtual Sample Run() = 0;
};

enum class Unit {
  kOpsPerSecond,  // more is better
  kP50Us,         // less is better
};

struct WorkloadSpec {
  std::string id;    // "W6/8", as in --benchmark_filter
  std::string text;  // for the table
  Unit unit = Unit::kOpsPerSecond;
  double bar = 0;  // ratio to the unix VFS that is asked for; 0: none
  std::function<std::unique_ptr<Workload>(const Backend&, const Effort&)> make;
  double rate_bar = 0;  // operations a second that are asked for; 0: none
};

// Each file workloads_*.cc adds its own, in the order of the table.
void AddCommitWorkloads(std::vector<WorkloadSpec>* specs);
void AddReadWorkloads(std::vector<WorkloadSpec>* specs);
void AddThreadWorkloads(std::vector<WorkloadSpec>* specs);
void AddOpenWorkloads(std::vector<WorkloadSpec>* specs);
void AddMigrateWorkloads(std::vector<WorkloadSpec>* specs);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_WORKLOAD_H_
