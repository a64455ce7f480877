// P1 to P5: what many processes have of the same databases. The connections are
// those of other processes (bench/process.h) and stay open; this one never
// opens a database, so that it owns no store.
//
// An experiment says several things at once; each has a row of its own in the
// table, and the rows of one experiment share its runs.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/process.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;

constexpr int kProcessCount = 4;
constexpr double kUsPerSecond = 1e6;

// What an experiment says, by the name of the figure.
using Figures = std::map<std::string, Sample>;

class Experiment {
 public:
  virtual ~Experiment() = default;
  virtual Figures Run() = 0;
};

using MakeExperiment =
    std::function<std::unique_ptr<Experiment>(const Backend&, const Effort&)>;

// One figure of an experiment, whose runs all its figures share: those that
// are there are told in their order, then it is run again.
class FigureOf : public Workload {
 public:
  FigureOf(const Backend& backend, const Effort& effort, std::string experiment,
           std::string figure, MakeExperiment make)
      : backend_(backend),
        effort_(effort),
        experiment_(std::move(experiment)),
        figure_(std::move(figure)),
        make_(std::move(make)) {}

  void SetUp() override {
    if (Runs().empty()) made_ = make_(backend_, effort_);
  }

  Sample Run() override {
    std::vector<Figures>& runs = Runs();
    if (next_ == runs.size()) {
      if (made_ == nullptr) made_ = make_(backend_, effort_);
      runs.push_back(made_->Run());
    }
    return runs[next_++].at(figure_);
  }

 private:
  std::vector<Figures>& Runs() const {
    static auto* const all = new std::map<std::string, std::vector<Figures>>;
    return (*all)[experiment_ + backend_.name()];
  }

  const Backend backend_;
  const Effort effort_;
  const std::string experiment_;
  const std::string figure_;
  const MakeExperiment make_;
  std::unique_ptr<Experiment> made_;
  size_t next_ = 0;
};

Sample Rate(double count, double seconds) {
  Sample sample;
  sample.op_count = static_cast<uint64_t>(count);
  sample.seconds = seconds;
  return sample;
}

Sample OfUs(double us) {
  Sample sample;
  sample.p50_us = us;
  sample.seconds = us / kUsPerSecond;
  return sample;
}

Sample Amount(double amount) {
  Sample sample;
  sample.amount = amount;
  return sample;
}

std::string NameOf(int database) { return "p" + std::to_string(database); }

std::unique_ptr<Process> OpenIn(const Backend& backend, int number,
                                const std::string& database) {
  auto process = std::make_unique<Process>(backend, number);
  process->Ask("open " + backend.UriOf(database));
  return process;
}

// What a writer or a reader said: see process_main.cc.
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
      MakeDatabase(backend, NameOf(i), effort.process_rows);
    }
    for (int i = 0; i < kProcessCount; ++i) {
      if (i == 0 || !is_one_process) {
        processes_.push_back(std::make_unique<Process>(backend, i + 1));
      }
      const std::string database = NameOf(i % database_count);
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
    MakeDatabase(backend, NameOf(0), effort.process_rows);
    writer_ = OpenIn(backend, 1, NameOf(0));
    for (int i = 0; i < kProcessCount; ++i) {
      readers_.push_back(OpenIn(backend, i + 2, NameOf(0)));
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
    MakeDatabase(backend, NameOf(0), effort.process_rows);
    writer_ = OpenIn(backend, 1, NameOf(0));
    reader_ = OpenIn(backend, 2, NameOf(0));
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

// What a process meets that is new beside one that has all pages in memory: how
// long an open takes, and selects of which nearly each needs a page that this
// process has not read yet.
class Newcomers : public Experiment {
 public:
  Newcomers(const Backend& backend, const Effort& effort)
      : backend_(backend), count_(effort.process_opens) {
    MakeDatabase(backend, NameOf(0), effort.process_rows);
    owner_ = OpenIn(backend, 1, NameOf(0));
    owner_->Ask("look 20000");
  }

  Figures Run() override {
    std::vector<double> opens;
    std::vector<double> selects;
    for (int i = 0; i < count_; ++i) {
      Process newcomer(backend_, i + 2);
      opens.push_back(newcomer.Ask("open " + backend_.UriOf(NameOf(0)))[0]);
      selects.push_back(newcomer.Ask("look 100")[0]);
    }
    return {{"open", OfUs(Median(std::move(opens)))},
            {"page", OfUs(Median(std::move(selects)))}};
  }

 private:
  const Backend backend_;
  const int count_;
  std::unique_ptr<Process> owner_;
};

// What a process holds in memory that opened a database, read a row and then
// did nothing.
class Idle : public Experiment {
 public:
  Idle(const Backend& backend, const Effort& effort)
      : seconds_(effort.idle_seconds) {
    MakeDatabase(backend, NameOf(0), effort.process_rows);
    owner_ = OpenIn(backend, 1, NameOf(0));
    idle_ = OpenIn(backend, 2, NameOf(0));
    idle_->Ask("look 1");
  }

  Figures Run() override {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds_));
    std::ifstream file("/proc/" + std::to_string(idle_->pid()) + "/statm");
    double total_pages = 0;
    double resident_pages = 0;
    file >> total_pages >> resident_pages;
    return {{"memory", Amount(resident_pages *
                              static_cast<double>(sysconf(_SC_PAGESIZE)))}};
  }

 private:
  const double seconds_;
  std::unique_ptr<Process> owner_;
  std::unique_ptr<Process> idle_;
};

// Four processes count up a tally, each in its own database. The one that owns
// the store ends; how long do the others stand still? A new one takes its
// place. What they were told is done must be there.
class OwnerEnds : public Experiment {
 public:
  OwnerEnds(const Backend& backend, const Effort& effort, bool is_killed)
      : backend_(backend), is_killed_(is_killed) {
    for (int i = 0; i < kProcessCount; ++i) {
      MakeDatabase(backend, NameOf(i), effort.process_rows);
    }
    for (int i = 0; i < kProcessCount; ++i) Begin(i);
  }

  Figures Run() override {
    for (const auto& [place, process] : running_) process->Ask("keep");
    std::this_thread::sleep_for(kBefore);
    const int place = FindOwner();
    const std::unique_ptr<Process> owner =
        std::move(running_.extract(place).mapped());
    const int64_t since = SharedNow();
    is_killed_ ? owner->Kill() : owner->End();
    const int64_t gone = SharedNow();
    std::this_thread::sleep_for(kAfter);
    const Figures figures = StopOthers(since, gone);
    tallies_.erase(place);
    Begin(place);
    return figures;
  }

 private:
  static constexpr std::chrono::milliseconds kBefore{400};
  static constexpr std::chrono::milliseconds kAfter{600};

  void Begin(int place) {
    running_[place] = OpenIn(backend_, ++number_, NameOf(place));
    tallies_[place] = running_[place]->Ask("tally")[0];
  }

  // Its place. Of files, which nobody owns: any.
  int FindOwner() const {
    if (backend_.kind() != Kind::kActorkv) return running_.begin()->first;
    std::ifstream file(backend_.StorePath() + "/actorkv.pid");
    pid_t pid = 0;
    file >> pid;
    for (const auto& [place, process] : running_) {
      if (process->pid() == pid) return place;
    }
    Die("none of the processes owns the store");
  }

  Figures StopOthers(int64_t since, int64_t gone) {
    for (const auto& [place, process] : running_) {
      process->Say("stop " + std::to_string(since) + " " +
                   std::to_string(gone));
    }
    std::vector<double> next_us;
    double longest_us = 0;
    double failed_count = 0;
    for (const auto& [place, process] : running_) {
      const std::vector<double> answer = process->Hear();
      if (answer[0] == 0) Die("a process got no further without the first");
      next_us.push_back(answer[0]);
      longest_us = std::max(longest_us, answer[1]);
      failed_count += answer[3];
      CheckTally(place, process.get(), answer[2], answer[3]);
    }
    std::sort(next_us.begin(), next_us.end());
    Figures figures = {{"first", OfUs(next_us.front())},
                       {"all", OfUs(next_us.back())},
                       {"longest", OfUs(longest_us)}};
    for (auto& [name, sample] : figures) {
      sample.busy_count = static_cast<uint64_t>(failed_count);
    }
    return figures;
  }

  // What failed may have come to be, or not.
  void CheckTally(int place, Process* process, double done, double failed) {
    const double before = tallies_[place];
    const double now = process->Ask("tally")[0];
    if (now < before + done || now > before + done + failed) {
      Die("a process was told of " + std::to_string(done) +
          " commits, and has " + std::to_string(now - before));
    }
    tallies_[place] = now;
  }

  const Backend backend_;
  const bool is_killed_;
  int number_ = 0;
  std::map<int, std::unique_ptr<Process>> running_;  // by its database
  std::map<int, double> tallies_;
};

WorkloadSpec* Add(const char* id, const char* text, Unit unit,
                  const std::string& experiment, const std::string& figure,
                  const MakeExperiment& make,
                  std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.unit = unit;
  spec.many = true;
  spec.make = [=](const Backend& backend, const Effort& effort) {
    return std::make_unique<FigureOf>(backend, effort, experiment, figure,
                                      make);
  };
  specs->push_back(std::move(spec));
  return &specs->back();
}

void AddWriters(std::vector<WorkloadSpec>* specs) {
  const auto commits = [](int database_count) -> MakeExperiment {
    return [=](const Backend& backend, const Effort& effort) {
      return std::make_unique<Commits>(backend, effort, database_count, false);
    };
  };
  Add("P1", "durable updates, 4 processes, 4 databases", Unit::kOpsPerSecond,
      "P1", "total", commits(kProcessCount), specs)
      ->bar = 0.7;
  Add(
      "P1/threads", "the same; beside 4 threads of one process",
      Unit::kOpsPerSecond, "P1/threads", "total",
      [](const Backend& backend, const Effort& effort) {
        return std::make_unique<BesideThreads>(backend, effort);
      },
      specs)
      ->bar = 0.9;
  Add("P2", "durable updates, 4 processes, 1 database", Unit::kOpsPerSecond,
      "P2", "total", commits(1), specs)
      ->bar = 0.8;
  Add("P2/share", "fastest of these processes, times the slowest", Unit::kCount,
      "P2", "share", commits(1), specs)
      ->limit = 2;
  Add("P2/wait", "the longest commit of these, its waits included",
      Unit::kMilliseconds, "P2", "wait", commits(1), specs)
      ->bar = 10;
}

void AddReaders(int rate, std::vector<WorkloadSpec>* specs) {
  const std::string id = "P3/" + std::to_string(rate);
  const std::string text = "random selects, 4 processes, beside " +
                           std::to_string(rate) + " commits/s";
  const MakeExperiment make = [rate](const Backend& backend,
                                     const Effort& effort) {
    return std::make_unique<Readers>(backend, effort, rate);
  };
  Add(id.c_str(), text.c_str(), Unit::kOpsPerSecond, id, "readers", make, specs)
      ->bar = 2;
  Add((id + "/writer").c_str(), "the commits beside these", Unit::kOpsPerSecond,
      id, "writer", make, specs)
      ->bar = 0.9;
}

void AddNewcomers(std::vector<WorkloadSpec>* specs) {
  const MakeExperiment make = [](const Backend& backend, const Effort& effort) {
    return std::make_unique<Newcomers>(backend, effort);
  };
  Add(
      "P3/first", "first select after a commit of another process",
      Unit::kP50Us, "P3/first", "read",
      [](const Backend& backend, const Effort& effort) {
        return std::make_unique<FirstReads>(backend, effort);
      },
      specs)
      ->limit = 60;
  Add("P4/open", "open and one query in a second process", Unit::kP50Us, "P4",
      "open", make, specs)
      ->limit = 1000;
  Add("P4/page", "select of a row whose page only another has", Unit::kP50Us,
      "P4", "page", make, specs)
      ->limit = 20;
  WorkloadSpec* const idle = Add(
      "P4/idle", "memory of a second process that does nothing", Unit::kBytes,
      "P4/idle", "memory",
      [](const Backend& backend, const Effort& effort) {
        return std::make_unique<Idle>(backend, effort);
      },
      specs);
  idle->limit = 16 << 20;
  idle->once = true;
}

void AddOwnerEnds(std::vector<WorkloadSpec>* specs) {
  const auto ends = [](bool is_killed) -> MakeExperiment {
    return [=](const Backend& backend, const Effort& effort) {
      return std::make_unique<OwnerEnds>(backend, effort, is_killed);
    };
  };
  const auto add = [&](const char* id, const char* text, bool is_killed,
                       const char* figure, double limit) {
    WorkloadSpec* const spec =
        Add(id, text, Unit::kMilliseconds, is_killed ? "P5/kill" : "P5/exit",
            figure, ends(is_killed), specs);
    spec->limit = limit;
    spec->no_busy = true;
  };
  add("P5/kill", "kill -9 of the first process: the next commit", true, "first",
      100);
  add("P5/kill/all", "the same, until each of the others has one", true, "all",
      150);
  add("P5/exit", "exit of the first process: the longest commit", false,
      "longest", 40);
}

}  // namespace

void AddProcessWorkloads(std::vector<WorkloadSpec>* specs) {
  AddWriters(specs);
  AddReaders(100, specs);
  AddReaders(1000, specs);
  AddNewcomers(specs);
  AddOwnerEnds(specs);
}

}  // namespace actorkv::bench
