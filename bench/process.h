// Process: a program of its own beside the benchmark (process_main.cc), which
// has SQLite and loads the module as any application does, and does what it is
// told: a line to it, a line of numbers back. So that what processes have of
// each other is measured without anything that this one has.
//
// Nothing waits for ever: a process that says nothing for a minute, or does not
// end when it should, ends the benchmark, and no process outlives that.

#ifndef ACTORKV_BENCH_PROCESS_H_
#define ACTORKV_BENCH_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/backend.h"

namespace actorkv::bench {

class Process {
 public:
  // Begins it, with the module where the backend is actorkv. `number` makes
  // its random rows others than those of the next one.
  Process(const Backend& backend, int number);
  // Ends it as End().
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }

  void Say(const std::string& line);
  // The numbers of its next line.
  std::vector<double> Hear();
  std::vector<double> Ask(const std::string& line);

  // Lets it close what it has open and exit, and waits for that.
  void End();
  // kill -9, and waits until it is gone.
  void Kill();

 private:
  void Reap(int timeout_ms);

  pid_t pid_ = 0;
  int says_fd_ = -1;
  int hears_fd_ = -1;
  std::string heard_;
};

using Processes = std::vector<std::unique_ptr<Process>>;

// Tells all of them `command`, with the time at which to begin, which is the
// same for all and near; and hears them.
std::vector<std::vector<double>> AskTogether(const Processes& processes,
                                             const std::string& command,
                                             const std::string& more);

// How many work on something together.
inline constexpr int kProcessCount = 4;

// The name of the n-th database.
std::string DatabaseName(int number);

// A process that has it open.
std::unique_ptr<Process> OpenIn(const Backend& backend, int number,
                                const std::string& database);

// The clock that all processes of a machine have in common, in nanoseconds.
int64_t SharedNow();

// A database with the table of bench/rows.h and a tally, made by a process of
// its own, which is gone then.
void MakeDatabase(const Backend& backend, const std::string& database,
                  int64_t row_count);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_PROCESS_H_
