// W1, W2 and W3: one connection that writes.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

// More than the 1,000 pages after which the WAL is copied back, where the disk
// is not too slow for it.
void WarmUp(const Effort& effort, const std::function<void()>& commit) {
  constexpr int kCommits = 2000;
  const Stopwatch watch;
  for (int i = 0; i < kCommits && watch.seconds() < 2 * effort.seconds; ++i) {
    commit();
  }
}

// Calls `commit` for so long.
template <typename Commit>
Sample CountFor(double seconds, const Commit& commit) {
  Sample sample;
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    commit();
    ++sample.op_count;
  }
  sample.seconds = watch.seconds();
  return sample;
}

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
    WarmUp(effort_, [this] { Commit(); });
  }

  Sample Run() override {
    return CountFor(effort_.seconds, [this] { Commit(); });
  }

 private:
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

// W2: durable updates of one row by its key, in a table of 100,000 rows.
class KeyedUpdates : public Workload {
 public:
  KeyedUpdates(const Backend& backend, const Effort& effort)
      : backend_(backend), effort_(effort) {}

  void SetUp() override {
    connection_.emplace(backend_.Create("w2"));
    CreateTable(&*connection_);
    InsertRows(&*connection_, kRowCount, &rows_);
    update_.emplace(*connection_, kUpdateSql);
    WarmUp(effort_, [this] { Commit(); });
  }

  Sample Run() override {
    return CountFor(effort_.seconds, [this] { Commit(); });
  }

 private:
  static constexpr int64_t kRowCount = 100000;

  void Commit() {
    update_->Bind(1, rows_.NextBody());
    update_->Bind(2, rows_.NextId(kRowCount));
    update_->Run();
  }

  const Backend backend_;
  const Effort effort_;
  RowSource rows_{2};
  std::optional<Connection> connection_;
  std::optional<Statement> update_;
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

template <typename W>
WorkloadSpec* Add(const char* id, const char* text, double bar,
                  std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.bar = bar;
  spec.sides = Sides::kAll;
  spec.make = [](const Backend& backend, const Effort& effort) {
    return std::make_unique<W>(backend, effort);
  };
  specs->push_back(std::move(spec));
  return &specs->back();
}

}  // namespace

void AddCommitWorkloads(std::vector<WorkloadSpec>* specs) {
  Add<OneRowCommits>("W1", "one-row durable commits, 1 connection", 1.15, specs)
      ->raw_rate_will_do = true;
  Add<KeyedUpdates>("W2", "durable updates by key, 100k rows", 1.15, specs)
      ->raw_rate_will_do = true;
  Add<OneLargeTransaction>("W3", "rows, 200k in one transaction", 1.2, specs);
}

}  // namespace actorkv::bench
