#include "bench/runner.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "bench/die.h"
#include "bench/io_count.h"
#include "bench/memory_use.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;

std::vector<Kind> KindsOf(Sides sides) {
  switch (sides) {
    case Sides::kWalAndActorkv:
      return {Kind::kUnixWal, Kind::kActorkv};
    case Sides::kAll:
      return {Kind::kUnixWal, Kind::kUnixDelete, Kind::kActorkv};
    case Sides::kWalOnly:
      return {Kind::kUnixWal};
    case Sides::kActorkvOnly:
      return {Kind::kActorkv};
  }
  return {};
}

}  // namespace

// The sides of one workload. They are set up before the first sample and taken
// down, with their databases, before the next workload begins.
class Runner::Contest {
 public:
  Contest(size_t index, const WorkloadSpec& spec, const RunOptions& options)
      : index_(index),
        root_(options.directory + "/" + std::to_string(getpid())) {
    RemoveOnDeath(root_);
    for (const Kind kind : KindsOf(spec.sides)) {
      const std::string directory = root_ + "/" + Backend::NameOf(kind);
      std::filesystem::create_directories(directory);
      Side side{Backend(kind, directory), nullptr, 0};
      const uint64_t before = ResidentBytes();
      side.workload = spec.make(side.backend, options.effort);
      side.backend.Activate();
      side.workload->SetUp();
      const uint64_t after = ResidentBytes();
      side.held_bytes = after > before ? after - before : 0;
      sides_.push_back(std::move(side));
    }
  }

  ~Contest() {
    for (Side& side : sides_) {
      side.workload.reset();
      side.backend.Settle();
    }
    std::filesystem::remove_all(root_);
    RemoveOnDeath("");
  }
  Contest(const Contest&) = delete;
  Contest& operator=(const Contest&) = delete;

  size_t index() const { return index_; }

  Sample Run(Kind kind, Unit unit, Measured* measured) {
    for (Side& side : sides_) {
      if (side.backend.kind() != kind) continue;
      side.backend.Activate();
      const PeakGrowth peak;
      const IoCount before = IoCount::Now();
      Sample sample = side.workload->Run();
      *measured = Measure(unit, sample, before, IoCount::Now());
      measured->memory_bytes =
          static_cast<double>(side.held_bytes + peak.bytes());
      return sample;
    }
    Die("a workload was asked to run on a side that it does not have");
  }

 private:
  struct Side {
    Backend backend;
    std::unique_ptr<Workload> workload;
    uint64_t held_bytes = 0;  // what set-up left in memory
  };

  const size_t index_;
  const std::string root_;
  std::vector<Side> sides_;
};

Runner::Runner(const RunOptions& options)
    : options_(options), specs_(AllWorkloads()) {
  for (const WorkloadSpec& spec : specs_) {
    Row row;
    row.spec = &spec;
    rows_.push_back(std::move(row));
  }
}

Runner::~Runner() = default;

void Runner::Register() {
  for (size_t i = 0; i < specs_.size(); ++i) {
    const int repetitions = RepetitionsOf(specs_[i]);
    for (int repetition = 1; repetition <= repetitions; ++repetition) {
      for (const Kind kind : KindsOf(specs_[i].sides)) {
        RegisterSample(i, kind, repetition);
      }
    }
  }
}

int Runner::RepetitionsOf(const WorkloadSpec& spec) const {
  if (spec.once) return 1;
  return spec.many ? options_.many_repetitions : options_.repetitions;
}

void Runner::Finish() { contest_.reset(); }

void Runner::RegisterSample(size_t index, Kind kind, int repetition) {
  const std::string name = specs_[index].id + "/" + Backend::NameOf(kind) +
                           "/" + std::to_string(repetition);
  benchmark::RegisterBenchmark(name.c_str(),
                               [this, index, kind](benchmark::State& state) {
                                 TakeSample(index, kind, &state);
                               })
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void Runner::TakeSample(size_t index, Kind kind, benchmark::State* state) {
  if (contest_ == nullptr || contest_->index() != index) {
    contest_.reset();
    contest_ = std::make_unique<Contest>(index, specs_[index], options_);
  }
  for (auto iteration : *state) {
    (void)iteration;
    Measured measured;
    const Sample sample = contest_->Run(kind, specs_[index].unit, &measured);
    state->SetIterationTime(sample.seconds);
    state->counters["value"] = measured.value;
    state->counters["syncs/op"] = measured.syncs_per_op;
    state->counters["bytes/op"] = measured.bytes_per_op;
    rows_[index].samples[static_cast<size_t>(kind)].push_back(measured);
  }
}

}  // namespace actorkv::bench
