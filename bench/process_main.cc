// actorkv_bench_process NUMBER: an application of SQLite that does what a line
// on its standard input says, and answers each with a line of numbers; see
// bench/process.h, which runs it. It links SQLite alone.
//
//   load MODULE           as .load of the shell
//   make URI MODE ROWS    a new database with that journal mode
//   open URI              a connection, kept; us until it has read a row
//   write AT SECONDS RATE [...] updates of random rows by a thread for each
//                         connection, RATE a second in all (0: as it can); for
//                         each: count, us of the longest, seconds
//   read AT SECONDS       selects of random rows; count, seconds
//   commit                one update
//   look N                us of the median of N selects of random rows
//   keep                  counts up the tally from now on, in the background
//   stop FROM TO          no more; us from then to the end of the first commit
//                         that began later than TO, us of the longest under
//                         way between the two, how many were done, and how
//                         many failed. Ends when there is such a commit
//   tally                 what the tally of the first connection says
//
// The end of the input: closes all and exits. Times are of SharedNow().

#include <sqlite3.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/connection.h"
#include "bench/die.h"
#include "bench/rows.h"
#include "bench/timing.h"

namespace actorkv::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kBusyTimeoutMs = 30000;
constexpr double kUsPerSecond = 1e6;

Clock::time_point TimeOf(int64_t nanoseconds) {
  return Clock::time_point(std::chrono::nanoseconds(nanoseconds));
}

double Us(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

// A connection with what is done by it.
struct Place {
  Place(const std::string& uri, uint64_t seed)
      : connection(uri), rows(seed), row_count(1) {
    sqlite3_busy_timeout(connection.get(), kBusyTimeoutMs);
    connection.Execute("PRAGMA synchronous=FULL");
    row_count = connection.QueryInt("SELECT max(id) FROM note");
    update = std::make_unique<Statement>(connection, kUpdateSql);
    select = std::make_unique<Statement>(connection, kSelectSql);
    count_up =
        std::make_unique<Statement>(connection, "UPDATE tally SET n = n + 1");
  }

  void Update() {
    update->Bind(1, rows.NextBody());
    update->Bind(2, rows.NextId(row_count));
    update->Run();
  }
  void Select() {
    select->Bind(1, rows.NextId(row_count));
    select->Run();
  }

  Connection connection;
  RowSource rows;
  int64_t row_count;
  std::unique_ptr<Statement> update;
  std::unique_ptr<Statement> select;
  std::unique_ptr<Statement> count_up;
};

// What one thread did in its time.
struct Work {
  uint64_t count = 0;
  double longest_us = 0;
  double seconds = 0;
};

// `rate` a second: what is late is made up for as fast as it goes; 0: all the
// time.
Work DoFor(Clock::time_point begin, double seconds, double rate,
           const std::function<void()>& operation) {
  const auto length = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(seconds));
  std::this_thread::sleep_until(begin);
  Work work;
  Clock::time_point now = Clock::now();
  while (now < begin + length) {
    if (rate > 0) {
      const std::chrono::duration<double> due(static_cast<double>(work.count) /
                                              rate);
      std::this_thread::sleep_until(
          begin + std::chrono::duration_cast<Clock::duration>(due));
      now = Clock::now();
      if (now >= begin + length) break;
    }
    operation();
    const Clock::time_point after = Clock::now();
    ++work.count;
    work.longest_us = std::max(work.longest_us, Us(after - now));
    now = after;
  }
  work.seconds = std::chrono::duration<double>(now - begin).count();
  return work;
}

// Counts up a tally in a thread of its own, and remembers when.
class Counting {
 public:
  explicit Counting(Place* place) : thread_([this, place] { Run(place); }) {}
  ~Counting() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::string Stop(Clock::time_point from, Clock::time_point to) {
    AwaitOneSince(to);
    over_ = true;
    thread_.join();
    double next_us = 0;
    double longest_us = 0;
    for (const auto& [begin, end] : commits_) {
      if (begin >= to && next_us == 0) next_us = Us(end - from);
      if (begin < to && end > from) {
        longest_us = std::max(longest_us, Us(end - std::max(begin, from)));
      }
    }
    std::ostringstream answer;
    answer << next_us << " " << longest_us << " " << done_count_ << " "
           << failed_count_;
    return answer.str();
  }

 private:
  // Until a commit has ended that began then or later, or for so long.
  void AwaitOneSince(Clock::time_point begin) const {
    const Clock::time_point give_up = Clock::now() + std::chrono::seconds(30);
    while (last_begin_.load() < begin && Clock::now() < give_up) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void Run(Place* place) {
    while (!over_.load(std::memory_order_relaxed)) {
      const Clock::time_point begin = Clock::now();
      while (place->count_up->RunCode() != SQLITE_OK) {
        std::fprintf(stderr, "process %d: %s\n", getpid(),
                     sqlite3_errmsg(place->connection.get()));
        ++failed_count_;
        if (over_.load(std::memory_order_relaxed)) return;
      }
      ++done_count_;
      commits_.emplace_back(begin, Clock::now());
      last_begin_ = begin;
    }
  }

  std::vector<std::pair<Clock::time_point, Clock::time_point>> commits_;
  uint64_t done_count_ = 0;
  uint64_t failed_count_ = 0;
  std::atomic<Clock::time_point> last_begin_{Clock::time_point()};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

class Application {
 public:
  explicit Application(uint64_t number) : number_(number) {}

  // The answer to one line.
  std::string Do(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "load") return Load(&words);
    if (verb == "make") return Make(&words);
    if (verb == "open") return Open(&words);
    if (verb == "write") return Write(&words);
    if (verb == "read") return Read(&words);
    if (verb == "commit") return places_.front()->Update(), "";
    if (verb == "look") return Look(&words);
    if (verb == "keep") return Keep();
    if (verb == "stop") return Stop(&words);
    if (verb == "tally") return Tally();
    Die("a process does not know: " + line);
  }

 private:
  static std::string Load(std::istringstream* words) {
    std::string path;
    *words >> path;
    const Connection first(":memory:");
    sqlite3_enable_load_extension(first.get(), 1);
    char* error = nullptr;
    if (sqlite3_load_extension(first.get(), path.c_str(), nullptr, &error) !=
        SQLITE_OK) {
      Die("load " + path + ": " + (error == nullptr ? "" : error));
    }
    return "";
  }

  static std::string Make(std::istringstream* words) {
    std::string uri;
    std::string mode;
    int64_t row_count = 0;
    *words >> uri >> mode >> row_count;
    Connection connection(uri);
    connection.Execute(("PRAGMA journal_mode=" + mode).c_str());
    CreateTable(&connection);
    RowSource rows(0);
    InsertRows(&connection, row_count, &rows);
    connection.Execute(
        "CREATE TABLE tally(n INT); INSERT INTO tally VALUES(0)");
    return "";
  }

  std::string Open(std::istringstream* words) {
    std::string uri;
    *words >> uri;
    const Clock::time_point begin = Clock::now();
    auto place =
        std::make_unique<Place>(uri, number_ * 100 + places_.size() + 1);
    const double us = Us(Clock::now() - begin);
    places_.push_back(std::move(place));
    return std::to_string(us);
  }

  std::string Write(std::istringstream* words) {
    const Clock::time_point begin = TakeTime(words);
    double seconds = 0;
    double rate = 0;
    *words >> seconds >> rate;
    std::vector<Work> works(places_.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < places_.size(); ++i) {
      threads.emplace_back([&, i] {
        works[i] =
            DoFor(begin, seconds, rate, [this, i] { places_[i]->Update(); });
      });
    }
    std::ostringstream answer;
    for (size_t i = 0; i < places_.size(); ++i) {
      threads[i].join();
      answer << works[i].count << " " << works[i].longest_us << " "
             << works[i].seconds << " ";
    }
    return answer.str();
  }

  std::string Read(std::istringstream* words) {
    const Clock::time_point begin = TakeTime(words);
    double seconds = 0;
    *words >> seconds;
    const Work work =
        DoFor(begin, seconds, 0, [this] { places_.front()->Select(); });
    return std::to_string(work.count) + " " + std::to_string(work.longest_us) +
           " " + std::to_string(work.seconds);
  }

  std::string Look(std::istringstream* words) {
    int count = 0;
    *words >> count;
    std::vector<double> times;
    for (int i = 0; i < count; ++i) {
      const Stopwatch stopwatch;
      places_.front()->Select();
      times.push_back(stopwatch.seconds() * kUsPerSecond);
    }
    return std::to_string(Median(std::move(times)));
  }

  std::string Keep() {
    counting_ = std::make_unique<Counting>(places_.front().get());
    return "";
  }

  std::string Stop(std::istringstream* words) {
    const Clock::time_point from = TakeTime(words);
    const std::string answer = counting_->Stop(from, TakeTime(words));
    counting_.reset();
    return answer;
  }

  std::string Tally() {
    return std::to_string(
        places_.front()->connection.QueryInt("SELECT n FROM tally"));
  }

  static Clock::time_point TakeTime(std::istringstream* words) {
    int64_t nanoseconds = 0;
    *words >> nanoseconds;
    return TimeOf(nanoseconds);
  }

  const uint64_t number_;
  std::vector<std::unique_ptr<Place>> places_;
  std::unique_ptr<Counting> counting_;
};

int Main(int argc, char** argv) {
  // Gone with the benchmark, however that ends.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc != 2) return 2;
  Application application(std::strtoull(argv[1], nullptr, 10));
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << application.Do(line) << std::endl;
  }
  return 0;
}

}  // namespace

}  // namespace actorkv::bench

int main(int argc, char** argv) { return actorkv::bench::Main(argc, argv); }
