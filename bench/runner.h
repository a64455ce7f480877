// Runner: takes the samples of all workloads, sample by sample in turn between
// the backends, as benchmarks of Google Benchmark.

#ifndef ACTORKV_BENCH_RUNNER_H_
#define ACTORKV_BENCH_RUNNER_H_

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/results.h"
#include "bench/workload.h"

namespace actorkv::bench {

struct RunOptions {
  std::string directory;
  Effort effort;
  int repetitions = 5;
  int many_repetitions = 20;  // of workloads that ask for it
};

class Runner {
 public:
  explicit Runner(const RunOptions& options);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // A benchmark for each sample, so that Google Benchmark runs them in the
  // order in which they are registered: unix_wal, unix_delete, actorkv, and
  // again.
  void Register();

  // After the last sample: takes the last workload down.
  void Finish();

  const std::vector<Row>& rows() const { return rows_; }

 private:
  class Contest;

  int RepetitionsOf(const WorkloadSpec& spec) const;
  void RegisterSample(size_t index, Backend::Kind kind, int repetition);
  void TakeSample(size_t index, Backend::Kind kind, benchmark::State* state);

  const RunOptions options_;
  const std::vector<WorkloadSpec> specs_;
  std::vector<Row> rows_;  // of specs_, in its order
  std::unique_ptr<Contest> contest_;
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_RUNNER_H_
