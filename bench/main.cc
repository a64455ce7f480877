// The benchmarks: each workload on the unix VFS in WAL mode and on actorkv,
// in the same run, sample by sample in turn. See bench/README.md.
//
//   actorkv_bench [--quick] [--json=FILE] [--benchmark_filter=REGEX ...]
//
// The databases are made in ACTORKV_BENCH_DIR (build/bench-data unless set),
// which must be on a disk, and are removed afterwards.

#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench/die.h"
#include "bench/results.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

struct Options {
  bool quick = false;
  std::string json = "build/bench.json";
  std::string directory = "build/bench-data";

  int repetitions() const { return quick ? 3 : 5; }
  Effort effort() const {
    return quick ? Effort{0.4, 500, 1000} : Effort{2, 5000, 10000};
  }
};

// Takes our own flags out of the command line.
Options TakeOptions(int* argc, char** argv) {
  Options options;
  if (const char* directory = std::getenv("ACTORKV_BENCH_DIR")) {
    options.directory = directory;
  }
  int kept = 1;
  for (int i = 1; i < *argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      options.quick = true;
    } else if (std::strncmp(argv[i], "--json=", 7) == 0) {
      options.json = argv[i] + 7;
    } else {
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
  return options;
}

// The two sides of one workload. They are set up before the first sample and
// taken down, with their databases, before the next workload begins.
class Pair {
 public:
  Pair(const WorkloadSpec& spec, const Options& options)
      : root_(options.directory + "/" + std::to_string(getpid())) {
    RemoveOnDeath(root_);
    for (Backend::Kind kind :
         {Backend::Kind::kUnixWal, Backend::Kind::kActorkv}) {
      const std::string directory =
          root_ + (kind == Backend::Kind::kUnixWal ? "/unix" : "/actorkv");
      std::filesystem::create_directories(directory);
      sides_.push_back({Backend(kind, directory), nullptr});
      Side& side = sides_.back();
      side.workload = spec.make(side.backend, options.effort());
      side.backend.Activate();
      side.workload->SetUp();
    }
  }

  ~Pair() {
    for (Side& side : sides_) {
      side.workload.reset();
      side.backend.Settle();
    }
    std::filesystem::remove_all(root_);
    RemoveOnDeath("");
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Sample Run(Backend::Kind kind) {
    Side& side = sides_[kind == Backend::Kind::kUnixWal ? 0 : 1];
    side.backend.Activate();
    return side.workload->Run();
  }

 private:
  struct Side {
    Backend backend;
    std::unique_ptr<Workload> workload;
  };
  const std::string root_;
  std::vector<Side> sides_;
};

class Runner {
 public:
  explicit Runner(const Options& options) : options_(options) {
    AddCommitWorkloads(&specs_);
    AddReadWorkloads(&specs_);
    AddThreadWorkloads(&specs_);
    AddOpenWorkloads(&specs_);
    AddMigrateWorkloads(&specs_);
    for (const WorkloadSpec& spec : specs_) {
      Row row;
      row.spec = &spec;
      rows_.push_back(row);
    }
  }

  // A benchmark for each sample, so that Google Benchmark runs them in the
  // order in which they are registered: unix, actorkv, unix, actorkv, ...
  void Register() {
    for (size_t i = 0; i < specs_.size(); ++i) {
      for (int repetition = 1; repetition <= options_.repetitions();
           ++repetition) {
        RegisterSample(i, Backend::Kind::kUnixWal, "/unix/", repetition);
        RegisterSample(i, Backend::Kind::kActorkv, "/actorkv/", repetition);
      }
    }
  }

  void Finish() { pair_.reset(); }

  const std::vector<Row>& rows() const { return rows_; }

 private:
  void RegisterSample(size_t index, Backend::Kind kind, const char* backend,
                      int repetition) {
    const std::string name =
        specs_[index].id + backend + std::to_string(repetition);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [this, index, kind](benchmark::State& state) {
                                   TakeSample(index, kind, &state);
                                 })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }

  void TakeSample(size_t index, Backend::Kind kind, benchmark::State* state) {
    if (pair_ == nullptr || pair_of_ != index) {
      pair_.reset();
      pair_ = std::make_unique<Pair>(specs_[index], options_);
      pair_of_ = index;
    }
    for (auto iteration : *state) {
      (void)iteration;
      const IoCount before = IoCount::Now();
      const Sample sample = pair_->Run(kind);
      const Measured measured =
          Measure(specs_[index].unit, sample, before, IoCount::Now());
      state->SetIterationTime(sample.seconds);
      state->SetItemsProcessed(static_cast<int64_t>(sample.op_count));
      if (sample.p50_us > 0) state->counters["p50_us"] = sample.p50_us;
      state->counters["syncs/op"] = measured.syncs_per_op;
      state->counters["bytes/op"] = measured.bytes_per_op;
      Row& row = rows_[index];
      (kind == Backend::Kind::kUnixWal ? row.unix_wal : row.actorkv)
          .push_back(measured);
    }
  }

  const Options options_;
  std::vector<WorkloadSpec> specs_;
  std::vector<Row> rows_;
  std::unique_ptr<Pair> pair_;  // of specs_[pair_of_]
  size_t pair_of_ = 0;
};

int Main(int argc, char** argv) {
  const Options options = TakeOptions(&argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::filesystem::create_directories(options.directory);
  const Context context = DescribeMachine(options.directory);
  sqlite3_initialize();

  Runner runner(options);
  runner.Register();
  benchmark::RunSpecifiedBenchmarks();
  runner.Finish();
  benchmark::Shutdown();

  std::error_code ignored;  // it may not be ours, or not be empty
  std::filesystem::remove(options.directory, ignored);
  PrintTable(context, runner.rows());
  if (!WriteJson(options.json, context, runner.rows())) {
    std::fprintf(stderr, "cannot write %s\n", options.json.c_str());
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace actorkv::bench

int main(int argc, char** argv) { return actorkv::bench::Main(argc, argv); }
