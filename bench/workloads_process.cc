// P1 to P3: what many processes have of the same databases. The connections are
// those of other processes (bench/process.h) and stay open; this one never
// opens a database, so that it owns no store.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/experiment.h"
#include "bench/process.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;

// What a writer or a reader said: see bench/process_main.cc.
struct Part {
  double count = 0;
  double longest_us = 0;
  double seconds = 0;
};

std::vector<Part> PartsOf(const std::vector<std::vector<double>>& answers) {
  std::vector<Part> parts;
  for (const std::vector<double>& answer : answers) {
    for (size_t i = 0; i + 3 <= answer.size(); i += 3) {
      parts.push_back({answer[i], answer[i + 1], answer[i + 2]});
    }
  }
  return parts;
}

Sample Total(const std::vector<Part>& parts) {
  double count = 0;
  double seconds = 0;
  for (const Part& part : parts) {
    count += part.count;
    seconds = std::max(seconds, part.seconds);
  }
  return Rate(count, seconds);
}

// Durable updates of random rows, by as many writers as there are databases, or
// by four on one. The writers are processes, or threads of one process.
class Commits : public Experiment {
 public:
  Commits(const Backend& backend, const Effort& effort, int database_count,
          bool is_one_process)
      : seconds_(effort.process_seconds) {
    for (int i = 0; i < database_count; ++i) {
      MakeDatabase(backend, DatabaseName(i), effort.process_rows);
    }
    for (int i = 0; i < kProcessCount; ++i) {
      if (i == 0 || !is_one_process) {
        processes_.push_back(std::make_unique<Process>(backend, i + 1));
      }
      const std::string database = DatabaseName(i % database_count);
      processes_.back()->Ask("open " + backend.UriOf(database));
    }
    Write(seconds_ / 2);
  }

  Figures Run() override {
    const std::vector<Part> parts = Write(seconds_);
    double least = parts[0].count;
    double most = 0;
    double longest_us = 0;
    for (const Part& part : parts) {
      least = std::min(least, part.count);
      most = std::max(most, part.count);
      longest_us = std::max(longest_us, part.longest_us);
    }
    return {{"total", Total(parts)},
            {"share", Amount(most / std::max(least, 1.0))},
            {"wait", OfUs(longest_us)}};
  }

 private:
  std::vector<Part> Write(double seconds) {
    return PartsOf(
        AskTogether(processes_, "write", std::to_string(seconds) + " 0"));
  }

  const double seconds_;
  Processes processes_;
};

// The same writers as threads of one process on actorkv, whatever the backend:
// what the processes stand beside.
class BesideThreads : public Experiment {
 public:
  BesideThreads(const Backend& backend, const Effort& effort)
      : commits_(Backend(Kind::kActorkv, backend.directory()), effort,
                 kProcessCount, backend.kind() != Kind::kActorkv) {}

  Figures Run() override { return commits_.Run(); }

 private:
  Commits commits_;
};

// Four readers of random rows and a writer, each a process, on one database.
// The writer opened it first.
class Readers : public Experiment {
 public:
  Readers(const Backend& backend, const Effort& effort, int rate)
      : seconds_(effort.process_seconds), rate_(rate) {
    MakeDatabase(backend, DatabaseName(0), effort.process_rows);
    writer_ = OpenIn(backend, 1, DatabaseName(0));
    for (int i = 0; i < kProcessCount; ++i) {
      readers_.push_back(OpenIn(backend, i + 2, DatabaseName(0)));
    }
    Run();
  }

  Figures Run() override {
    const std::string seconds = std::to_string(seconds_);
    writer_->Say("write " + std::to_string(SharedNow()) + " " + seconds + " " +
                 std::to_string(rate_));
    const std::vector<Part> read =
        PartsOf(AskTogether(readers_, "read", seconds));
    const std::vector<Part> written = PartsOf({writer_->Hear()});
    return {{"readers", Total(read)}, {"writer", Total(written)}};
  }

 private:
  const double seconds_;
  const int rate_;
  std::unique_ptr<Process> writer_;
  Processes readers_;
};

// A commit in one process, then a select in the other: the median of it.
class FirstReads : public Experiment {
 public:
  FirstReads(const Backend& backend, const Effort& effort)
      : count_(effort.process_looks) {
    MakeDatabase(backend, DatabaseName(0), effort.process_rows);
    writer_ = OpenIn(backend, 1, DatabaseName(0));
    reader_ = OpenIn(backend, 2, DatabaseName(0));
    reader_->Ask("look 20000");  // knows all pages
  }

  Figures Run() override {
    std::vector<double> times;
    for (int i = 0; i < count_; ++i) {
      writer_->Ask("commit");
      times.push_back(reader_->Ask("look 1")[0]);
    }
    return {{"read", OfUs(Median(std::move(times)))}};
  }

 private:
  const int count_;
  std::unique_ptr<Process> writer_;
  std::unique_ptr<Process> reader_;
};

void AddWriters(std::vector<WorkloadSpec>* specs) {
  const auto commits = [](int database_count) -> MakeExperiment {
    return [=](const Backend& backend, const Effort& effort) {
      return std::make_unique<Commits>(backend, effort, database_count, false);
    };
  };
  const MakeExperiment four = commits(kProcessCount);
  const MakeExperiment one = commits(1);
  AddFigure({"P1", "durable updates, 4 processes, 4 databases",
             Unit::kOpsPerSecond, "P1", "total"},
            four, specs)
      ->bar = 0.7;
  AddFigure({"P1/threads", "the same; beside 4 threads of one process",
             Unit::kOpsPerSecond, "P1/threads", "total"},
            Making<BesideThreads>(), specs)
      ->bar = 0.9;
  AddFigure({"P2", "durable updates, 4 processes, 1 database",
             Unit::kOpsPerSecond, "P2", "total"},
            one, specs)
      ->bar = 0.8;
  AddFigure({"P2/share", "fastest of these processes, times the slowest",
             Unit::kCount, "P2", "share"},
            one, specs)
      ->limit = 2;
  AddFigure({"P2/wait", "the longest commit of these, its waits included",
             Unit::kMilliseconds, "P2", "wait"},
            one, specs)
      ->bar = 10;
}

void AddReaders(int rate, std::vector<WorkloadSpec>* specs) {
  const std::string id = "P3/" + std::to_string(rate);
  const MakeExperiment make = [rate](const Backend& backend,
                                     const Effort& effort) {
    return std::make_unique<Readers>(backend, effort, rate);
  };
  AddFigure(
      {id,
       "selects, 4 processes, beside " + std::to_string(rate) + " commits/s",
       Unit::kOpsPerSecond, id, "readers"},
      make, specs)
      ->bar = 2;
  AddFigure({id + "/writer", "the commits beside these", Unit::kOpsPerSecond,
             id, "writer"},
            make, specs)
      ->bar = 0.9;
}

}  // namespace

void AddProcessWorkloads(std::vector<WorkloadSpec>* specs) {
  AddWriters(specs);
  AddReaders(100, specs);
  AddReaders(1000, specs);
  AddFigure({"P3/first", "first select after a commit of another process",
             Unit::kP50Us, "P3/first", "read"},
            Making<FirstReads>(), specs)
      ->limit = 60;
}

}  // namespace actorkv::bench
