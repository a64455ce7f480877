// W1 and W3: one connection that writes.

#include <memory>
#include <optional>
#include <string>

#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

// W1: durable commits of one row. The database and the connection stay for
// all samples, so the unix VFS's WAL has its full size from the first.
class OneRowCommits : public Workload {
 public:
  OneRowCommits(const Backend& backend, const Effort& effort)
      : backend_(backend), effort_(effort) {}

  void SetUp() override {
    connection_.emplace(backend_.Create("w1"));
    CreateTable(&*connection_);
    insert_.emplace(*connection_, kInsertSql);
    for (int i = 0; i < kWarmUpCommits; ++i) Commit();
  }

  Sample Run() override {
    Sample sample;
    const Stopwatch watch;
    while (watch.seconds() < effort_.seconds) {
      Commit();
      ++sample.op_count;
    }
    sample.seconds = watch.seconds();
    return sample;
  }

 private:
  // More than the 1,000 pages after which the WAL is copied back.
  static constexpr int kWarmUpCommits = 2000;

  void Commit() {
    insert_->Bind(1, rows_.NextBody());
    insert_->Run();
  }

  const Backend backend_;
  const Effort effort_;
  RowSource rows_{1};
  std::optional<Connection> connection_;
  std::optional<Statement> insert_;
};

// W3: many rows in one transaction, into a new database each time.
class OneLargeTransaction : public Workload {
 public:
  OneLargeTransaction(const Backend& backend, const Effort& effort)
      : backend_(backend), effort_(effort) {}

  Sample Run() override {
    Sample sample;
    while (sample.seconds < effort_.seconds / 2) {
      const std::string name = "w3-" + std::to_string(++database_count_);
      {
        Connection connection = backend_.Create(name);
        CreateTable(&connection);
        const Stopwatch watch;
        InsertRows(&connection, kRowCount, &rows_);
        sample.seconds += watch.seconds();
        sample.op_count += kRowCount;
      }
      backend_.Remove(name);
    }
    return sample;
  }

 private:
  static constexpr int64_t kRowCount = 200000;

  const Backend backend_;
  const Effort effort_;
  RowSource rows_{3};
  int database_count_ = 0;
};

}  // namespace

void AddCommitWorkloads(std::vector<WorkloadSpec>* specs) {
  specs->push_back({"W1", "one-row durable commits, 1 connection",
                    Unit::kOpsPerSecond, 0.5,
                    [](const Backend& backend, const Effort& effort) {
                      return std::make_unique<OneRowCommits>(backend, effort);
                    }});
  specs->push_back({"W3", "rows, 200k in one transaction", Unit::kOpsPerSecond,
                    0.5, [](const Backend& backend, const Effort& effort) {
                      return std::make_unique<OneLargeTransaction>(backend,
                                                                   effort);
                    }});
}

}  // namespace actorkv::bench
