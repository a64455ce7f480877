// The benchmarks: each workload on the unix VFS, in WAL and in DELETE mode, and
// on actorkv, in the same run, sample by sample in turn. See bench/README.md.
//
//   actorkv_bench [--quick] [--json=FILE] [--benchmark_filter=REGEX ...]
//
// The databases are made in ACTORKV_BENCH_DIR (build/bench-data unless set),
// which must be on a disk, and are removed afterwards.

#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "bench/results.h"
#include "bench/runner.h"

namespace actorkv::bench {

namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

Effort FullEffort() {
  Effort effort;
  effort.seconds = 1.5;
  effort.database_count = 5000;
  effort.wake_count = 16;
  effort.migrated_count = 10000;
  effort.pair_count = 1'000'000;
  effort.large_bytes = 132 * kMiB;
  effort.plain_bytes = 150'000'000;
  effort.long_seconds = 10;
  effort.open_count = 10000;
  effort.actor_count = 100000;
  effort.process_seconds = 1.5;
  effort.process_rows = 100'000;
  effort.process_looks = 200;
  effort.process_opens = 10;
  effort.idle_seconds = 10;
  return effort;
}

// A tenth of most.
Effort QuickEffort() {
  Effort effort;
  effort.seconds = 0.2;
  effort.database_count = 500;
  effort.wake_count = 8;
  effort.migrated_count = 500;
  effort.pair_count = 100'000;
  effort.large_bytes = 16 * kMiB;
  effort.plain_bytes = 20'000'000;
  effort.long_seconds = 0.4;
  effort.open_count = 1000;
  effort.actor_count = 5000;
  effort.process_seconds = 0.3;
  effort.process_rows = 10'000;
  effort.process_looks = 50;
  effort.process_opens = 3;
  effort.idle_seconds = 1;
  return effort;
}

struct Options {
  bool quick = false;
  std::string json = "build/bench.json";
  std::string directory = "build/bench-data";
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

int Main(int argc, char** argv) {
  const Options options = TakeOptions(&argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::filesystem::create_directories(options.directory);
  Context context = DescribeMachine(options.directory);
  context.emplace_back("effort", options.quick ? "quick" : "full");
  sqlite3_initialize();

  Runner runner({options.directory,
                 options.quick ? QuickEffort() : FullEffort(),
                 options.quick ? 3 : 5, options.quick ? 3 : 20});
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
