// W6: durable commits of one row from 8 threads, on 1, 8 and 64 databases.
// On one database the threads wait for each other with busy_timeout; how long
// at most, and how evenly, has rows of its own. On 64 a sample is long, so that
// the WAL of each of them is copied back now and then.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

constexpr int kThreadCount = 8;
constexpr int kManyDatabases = 64;

// What the commits of one thread were.
struct Share {
  uint64_t commit_count = 0;
  double longest_seconds = 0;  // of one commit, its waits included
};

// What is measured of the threads' shares, instead of the rate.
using Figure = void (*)(const std::vector<Share>& shares, Sample* sample);

// How many times as often as the slowest thread the fastest one committed. A
// thread that never did counts as one that did once.
void TakeUnevenness(const std::vector<Share>& shares, Sample* sample) {
  const auto [slowest, fastest] = std::minmax_element(
      shares.begin(), shares.end(), [](const Share& a, const Share& b) {
        return a.commit_count < b.commit_count;
      });
  sample->amount =
      static_cast<double>(fastest->commit_count) /
      static_cast<double>(std::max<uint64_t>(slowest->commit_count, 1));
}

void TakeLongest(const std::vector<Share>& shares, Sample* sample) {
  sample->seconds = 0;
  for (const Share& share : shares) {
    sample->seconds = std::max(sample->seconds, share.longest_seconds);
  }
}

class ThreadedCommits : public Workload {
 public:
  // `figure`: null for the rate.
  ThreadedCommits(const Backend& backend, const Effort& effort,
                  int database_count, Figure figure = nullptr)
      : backend_(backend),
        effort_(effort),
        database_count_(database_count),
        figure_(figure) {}

  void SetUp() override {
    for (int i = 0; i < database_count_; ++i) {
      Connection connection = backend_.Create(NameOf(i));
      CreateTable(&connection);
    }
    for (int i = 0; i < kThreadCount; ++i) {
      threads_.push_back(std::make_unique<Writer>(i));
      for (int database = i % database_count_; database < database_count_;
           database += kThreadCount) {
        threads_.back()->Add(backend_, NameOf(database));
      }
    }
    RunThreads(kThreadCount, effort_.seconds / 2, [this](int i) { Step(i); });
  }

  Sample Run() override {
    const double seconds = database_count_ == kManyDatabases
                               ? effort_.long_seconds
                               : effort_.seconds;
    for (const auto& writer : threads_) writer->share = {};
    const ThreadedCount count =
        RunThreads(kThreadCount, seconds, [this](int i) { Step(i); });
    Sample sample;
    sample.op_count = count.op_count;
    sample.seconds = count.seconds;
    if (figure_ != nullptr) figure_(Shares(), &sample);
    return sample;
  }

 private:
  // One thread's connections, used in turn.
  struct Writer {
    explicit Writer(int number) : rows(static_cast<uint64_t>(number)) {}

    void Add(const Backend& backend, const std::string& database) {
      connections.push_back(
          std::make_unique<Connection>(backend.Open(database)));
      backend.MakeDurable(connections.back().get());
      sqlite3_busy_timeout(connections.back()->get(), kBusyTimeoutMs);
      inserts.push_back(
          std::make_unique<Statement>(*connections.back(), kInsertSql));
    }

    RowSource rows;
    Share share;
    size_t next = 0;
    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<std::unique_ptr<Statement>> inserts;  // destroyed first
  };

  static constexpr int kBusyTimeoutMs = 30000;

  static std::string NameOf(int database) {
    return "w6-" + std::to_string(database);
  }

  void Step(int thread) {
    Writer& writer = *threads_[static_cast<size_t>(thread)];
    Statement& insert = *writer.inserts[writer.next];
    writer.next = (writer.next + 1) % writer.inserts.size();
    insert.Bind(1, writer.rows.NextBody());
    const Stopwatch stopwatch;
    insert.Run();
    ++writer.share.commit_count;
    writer.share.longest_seconds =
        std::max(writer.share.longest_seconds, stopwatch.seconds());
  }

  std::vector<Share> Shares() const {
    std::vector<Share> shares;
    for (const auto& writer : threads_) shares.push_back(writer->share);
    return shares;
  }

  const Backend backend_;
  const Effort effort_;
  const int database_count_;
  const Figure figure_;
  std::vector<std::unique_ptr<Writer>> threads_;
};

void Add(int database_count, double bar, std::vector<WorkloadSpec>* specs) {
  const std::string count = std::to_string(database_count);
  WorkloadSpec spec;
  spec.id = "W6/" + count;
  spec.text = "durable commits, 8 threads, " + count +
              (database_count == 1 ? " database" : " databases");
  spec.bar = bar;
  spec.sides = Sides::kAll;
  spec.make = [database_count](const Backend& backend, const Effort& effort) {
    return std::make_unique<ThreadedCommits>(backend, effort, database_count);
  };
  specs->push_back(std::move(spec));
}

// Of the threads that wait for each other.
void AddFairness(const char* id, const char* text, Unit unit, Figure figure,
                 std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.unit = unit;
  spec.make = [figure](const Backend& backend, const Effort& effort) {
    return std::make_unique<ThreadedCommits>(backend, effort, 1, figure);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddThreadWorkloads(std::vector<WorkloadSpec>* specs) {
  Add(1, 1.15, specs);
  AddFairness("W6/1/wait", "the longest commit of these, its waits included",
              Unit::kMilliseconds, TakeLongest, specs);
  specs->back().limit = 50;
  AddFairness("W6/1/share", "fastest of these threads, times the slowest",
              Unit::kCount, TakeUnevenness, specs);
  specs->back().limit = 2;
  Add(8, 1.2, specs);
  Add(kManyDatabases, 1.4, specs);
}

}  // namespace actorkv::bench
