// P4 and P5: what the first process that has a database open is to the others:
// how one joins it, and what they have of its end.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/experiment.h"
#include "bench/process.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

using Kind = Backend::Kind;

// What a process meets that is new beside one that has all pages in memory: how
// long an open takes, and selects of which nearly each needs a page that this
// process has not read yet.
class Newcomers : public Experiment {
 public:
  Newcomers(const Backend& backend, const Effort& effort)
      : backend_(backend), count_(effort.process_opens) {
    MakeDatabase(backend, DatabaseName(0), effort.process_rows);
    owner_ = OpenIn(backend, 1, DatabaseName(0));
    owner_->Ask("look 20000");
  }

  Figures Run() override {
    std::vector<double> opens;
    std::vector<double> selects;
    for (int i = 0; i < count_; ++i) {
      Process newcomer(backend_, i + 2);
      opens.push_back(
          newcomer.Ask("open " + backend_.UriOf(DatabaseName(0)))[0]);
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
    MakeDatabase(backend, DatabaseName(0), effort.process_rows);
    owner_ = OpenIn(backend, 1, DatabaseName(0));
    idle_ = OpenIn(backend, 2, DatabaseName(0));
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
      MakeDatabase(backend, DatabaseName(i), effort.process_rows);
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
  static constexpr std::chrono::milliseconds kAfter{300};

  void Begin(int place) {
    running_[place] = OpenIn(backend_, ++number_, DatabaseName(place));
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

void AddNewcomers(std::vector<WorkloadSpec>* specs) {
  const MakeExperiment make = Making<Newcomers>();
  AddFigure({"P4/open", "open and one query in a second process", Unit::kP50Us,
             "P4", "open"},
            make, specs)
      ->limit = 1000;
  AddFigure({"P4/page", "select of a row whose page only another has",
             Unit::kP50Us, "P4", "page"},
            make, specs)
      ->limit = 20;
  WorkloadSpec* const idle =
      AddFigure({"P4/idle", "memory of a second process that does nothing",
                 Unit::kBytes, "P4/idle", "memory"},
                Making<Idle>(), specs);
  idle->limit = 16 << 20;
  idle->once = true;
}

void AddOwnerEnds(std::vector<WorkloadSpec>* specs) {
  const auto add = [&](const FigureRow& row, bool is_killed, double limit) {
    WorkloadSpec* const spec = AddFigure(
        row,
        [=](const Backend& backend, const Effort& effort) {
          return std::make_unique<OwnerEnds>(backend, effort, is_killed);
        },
        specs);
    spec->limit = limit;
    spec->no_busy = true;
  };
  add({"P5/kill", "kill -9 of the first process: the next commit",
       Unit::kMilliseconds, "P5/kill", "first"},
      true, 100);
  add({"P5/kill/all", "the same, until each of the others has one",
       Unit::kMilliseconds, "P5/kill", "all"},
      true, 150);
  add({"P5/exit", "exit of the first process: the longest commit",
       Unit::kMilliseconds, "P5/exit", "longest"},
      false, 40);
}

}  // namespace

void AddOwnerWorkloads(std::vector<WorkloadSpec>* specs) {
  AddNewcomers(specs);
  AddOwnerEnds(specs);
}

}  // namespace actorkv::bench
