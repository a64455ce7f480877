// Workload: something a user does with databases, timed. One object is one
// workload on one backend; runner.cc runs those of all backends in turn.
//
// A workload owns the databases that it makes under its directory, and
// nothing else. It knows a backend only as what bench/backend.h tells.

#ifndef ACTORKV_BENCH_WORKLOAD_H_
#define ACTORKV_BENCH_WORKLOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/backend.h"

namespace actorkv::bench {

// What one timed section did.
struct Sample {
  uint64_t op_count = 0;
  double seconds = 0;
  // Of one operation; 0 where single operations are not timed.
  double p50_us = 0;
  // What is not a time, in the unit of the workload.
  double amount = 0;
  // Calls that SQLite answered with SQLITE_BUSY.
  uint64_t busy_count = 0;
};

// How long to measure, and on how much.
struct Effort {
  double seconds = 1.5;         // one sample, where a workload runs for a time
  int database_count = 0;       // W8
  int wake_count = 0;           // W8/wake: databases
  int migrated_count = 0;       // M2
  int pair_count = 0;           // M5
  uint64_t large_bytes = 0;     // M1
  uint64_t plain_bytes = 0;     // W4, W5, W10, M3, M4, S1
  double long_seconds = 10;     // W6 with 64 databases
  int open_count = 0;           // C1: connections
  int actor_count = 0;          // A1
  double process_seconds = 1;   // P1 to P3: one sample
  int64_t process_rows = 1000;  // P1 to P5: of a database
  int process_looks = 0;        // P3/first
  int process_opens = 0;        // P4
  double idle_seconds = 1;      // P4/idle
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
  kOpsPerSecond,
  kMbPerSecond,
  // Of these, less is better.
  kP50Us,
  kMilliseconds,
  kBytes,
  kCount,
};

bool LessIsBetter(Unit unit);
const char* UnitText(Unit unit);

// Which backends a workload runs on.
enum class Sides {
  kWalAndActorkv,
  kAll,          // and the unix VFS in DELETE mode
  kWalOnly,      // what says something of the machine alone
  kActorkvOnly,  // what only actorkv has
};

struct WorkloadSpec {
  std::string id;    // "W6/8", as in --benchmark_filter
  std::string text;  // for the table
  Unit unit = Unit::kOpsPerSecond;
  double bar = 0;  // ratio to the first side that is asked for; 0: none
  std::function<std::unique_ptr<Workload>(const Backend&, const Effort&)> make;
  double rate_bar = 0;  // operations a second that are asked for; 0: none
  double limit = 0;     // value of actorkv that is asked for; 0: none
  Sides sides = Sides::kWalAndActorkv;
  // 0.9 of the disk's own rate (kRawDiskId) will do where that is less.
  bool raw_rate_will_do = false;
  bool no_busy = false;  // actorkv must never answer SQLITE_BUSY
  bool once = false;     // comes out the same each time: one sample
  bool many = false;     // comes out differently each time: more samples
};

// The workload that measures the disk's own rate of durable writes of 4 KiB.
inline constexpr char kRawDiskId[] = "R1";

// Adds the workload W, which is made of a backend and an effort; the caller may
// say more of it.
template <typename W>
WorkloadSpec* AddWorkload(const char* id, const char* text,
                          std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.make = [](const Backend& backend, const Effort& effort) {
    return std::make_unique<W>(backend, effort);
  };
  specs->push_back(std::move(spec));
  return &specs->back();
}

// Each file workloads_*.cc adds its own, in the order of the table.
void AddDiskWorkloads(std::vector<WorkloadSpec>* specs);
void AddCommitWorkloads(std::vector<WorkloadSpec>* specs);
void AddReadWorkloads(std::vector<WorkloadSpec>* specs);
void AddScanWorkloads(std::vector<WorkloadSpec>* specs);
void AddThreadWorkloads(std::vector<WorkloadSpec>* specs);
void AddOpenWorkloads(std::vector<WorkloadSpec>* specs);
void AddMixedWorkloads(std::vector<WorkloadSpec>* specs);
void AddCopyWorkloads(std::vector<WorkloadSpec>* specs);
void AddMigrateWorkloads(std::vector<WorkloadSpec>* specs);
void AddSalvageWorkloads(std::vector<WorkloadSpec>* specs);
void AddPairWorkloads(std::vector<WorkloadSpec>* specs);
void AddHistoryWorkloads(std::vector<WorkloadSpec>* specs);
void AddScaleWorkloads(std::vector<WorkloadSpec>* specs);
void AddProcessWorkloads(std::vector<WorkloadSpec>* specs);
void AddOwnerWorkloads(std::vector<WorkloadSpec>* specs);

// All of them, in the order of the table.
std::vector<WorkloadSpec> AllWorkloads();

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_WORKLOAD_H_
