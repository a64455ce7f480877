// W6: durable commits of one row from 8 threads, on 1, 8 and 64 databases.
// On one database the threads wait for each other with busy_timeout. On 64 a
// sample is long, so that the WAL of each of them is copied back now and then.

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

class ThreadedCommits : public Workload {
 public:
  ThreadedCommits(const Backend& backend, const Effort& effort,
                  int database_count)
      : backend_(backend), effort_(effort), database_count_(database_count) {}

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
    const ThreadedCount count =
        RunThreads(kThreadCount, seconds, [this](int i) { Step(i); });
    Sample sample;
    sample.op_count = count.op_count;
    sample.seconds = count.seconds;
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
    insert.Run();
  }

  const Backend backend_;
  const Effort effort_;
  const int database_count_;
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

}  // namespace

void AddThreadWorkloads(std::vector<WorkloadSpec>* specs) {
  Add(1, 1.15, specs);
  Add(8, 1.2, specs);
  Add(kManyDatabases, 1.4, specs);
}

}  // namespace actorkv::bench
