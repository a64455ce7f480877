// W7 and W8: many small databases that live shortly, or are opened shortly; and
// larger ones that are opened cold.

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/os_cache.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

// W7: create, one insert, close; durable, in one or in 8 threads.
class Creates : public Workload {
 public:
  Creates(const Backend& backend, const Effort& effort, int thread_count)
      : backend_(backend), effort_(effort), thread_count_(thread_count) {}

  void SetUp() override { CreateNext(); }  // the store, where there is one

  Sample Run() override {
    const ThreadedCount count = RunThreads(thread_count_, effort_.seconds,
                                           [this](int) { CreateNext(); });
    Sample sample;
    sample.op_count = count.op_count;
    sample.seconds = count.seconds;
    return sample;
  }

 private:
  void CreateNext() {
    Connection connection =
        backend_.Create("w7-" + std::to_string(++database_count_));
    CreateTable(&connection);
    connection.Execute("INSERT INTO note(body) VALUES ('one')");
  }

  const Backend backend_;
  const Effort effort_;
  const int thread_count_;
  std::atomic<int> database_count_{0};
};

// Calls `open` for each database up to `count`, and times each.
template <typename Open>
Sample TimeEach(size_t count, const Open& open) {
  Sample sample;
  std::vector<double> latencies_us;
  const Stopwatch all;
  for (size_t i = 0; i < count; ++i) {
    const Stopwatch watch;
    open(i);
    latencies_us.push_back(watch.seconds() * 1e6);
  }
  sample.seconds = all.seconds();
  sample.op_count = latencies_us.size();
  sample.p50_us = Median(std::move(latencies_us));
  return sample;
}

// W8: open, one query, close, each database once in random order. Cold:
// the process and the operating system have forgotten all of them before. Bare:
// warm, without the functions and tables of actorkv.
class Opens : public Workload {
 public:
  enum class Kind { kWarm, kBare, kCold };

  Opens(const Backend& backend, const Effort& effort, Kind kind)
      : backend_(backend),
        cold_(kind == Kind::kCold),
        bare_(kind == Kind::kBare) {
    for (int i = 0; i < effort.database_count; ++i) {
      databases_.push_back("w8-" + std::to_string(i));
    }
  }

  void SetUp() override {
    for (const std::string& database : databases_) {
      Connection connection = backend_.CreateUnsynced(database);
      CreateTable(&connection);
      connection.Execute("INSERT INTO note(body) VALUES ('one')");
    }
    backend_.Settle();
    if (!cold_) (void)Run();
  }

  Sample Run() override {
    std::shuffle(databases_.begin(), databases_.end(), random_);
    if (cold_) {
      backend_.Settle();
      DropCaches();
    }
    // The application has one database open, and with it the store.
    const Connection other = OpenAndAsk(databases_.back());
    return TimeEach(databases_.size() - 1,
                    [this](size_t i) { OpenAndAsk(databases_[i]); });
  }

 private:
  Connection OpenAndAsk(const std::string& database) const {
    Connection connection =
        bare_ ? backend_.OpenBare(database) : backend_.Open(database);
    Statement select(connection, kSelectSql);
    select.Bind(1, 1);
    if (select.Run() != 1) Die("W8 did not find a row");
    return connection;
  }

  const Backend backend_;
  const bool cold_;
  const bool bare_;
  std::mt19937_64 random_{8};
  std::vector<std::string> databases_;
};

constexpr uint64_t kWakeBytes = 20'000'000;
constexpr int kWakeRows = 30;

// W8 cold with larger databases: open, and select rows that lie far from each
// other. The same rows each time, or others.
class Wakes : public Workload {
 public:
  Wakes(const Backend& backend, const Effort& effort, bool same)
      : backend_(backend), same_(same), database_count_(effort.wake_count) {}

  void SetUp() override {
    for (int i = 0; i < database_count_; ++i) {
      Connection connection = backend_.CreateUnsynced(NameOf(i));
      CreateTable(&connection);
      RowSource rows(8);
      InsertRows(&connection, RowsOf(kWakeBytes), &rows);
    }
    // What is to be learned about the first queries, is known then.
    for (int i = 0; i < 2; ++i) (void)Run();
  }

  Sample Run() override {
    backend_.Settle();
    DropCaches();
    // The application has one database open, and with it the store.
    Connection other = backend_.Open(NameOf(database_count_ - 1));
    (void)other.QueryInt("SELECT count(*) FROM sqlite_schema");
    return TimeEach(static_cast<size_t>(database_count_ - 1), [this](size_t i) {
      RowSource rows(same_ ? 8 : ++seed_);
      Connection connection = backend_.Open(NameOf(static_cast<int>(i)));
      Statement select(connection, kSelectSql);
      for (int row = 0; row < kWakeRows; ++row) {
        select.Bind(1, rows.NextId(RowsOf(kWakeBytes)));
        if (select.Run() != 1) Die("W8 did not find a row");
      }
    });
  }

 private:
  static std::string NameOf(int i) { return "wake-" + std::to_string(i); }

  const Backend backend_;
  const bool same_;
  const int database_count_;
  uint64_t seed_ = 100;
};

void AddCreates(int thread_count, double bar,
                std::vector<WorkloadSpec>* specs) {
  const std::string count = std::to_string(thread_count);
  WorkloadSpec spec;
  spec.id = "W7/" + count;
  spec.text = "create, 1 insert, close, " + count +
              (thread_count == 1 ? " thread" : " threads");
  spec.bar = bar;
  spec.sides = Sides::kAll;
  spec.make = [thread_count](const Backend& backend, const Effort& effort) {
    return std::make_unique<Creates>(backend, effort, thread_count);
  };
  specs->push_back(std::move(spec));
}

void AddOpens(Opens::Kind kind, double bar, std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  switch (kind) {
    case Opens::Kind::kWarm:
      spec.id = "W8/warm";
      spec.text = "open, one query, close, of thousands, warm";
      break;
    case Opens::Kind::kBare:
      spec.id = "W8/bare";
      spec.text = "the same with actorkv_sql=0";
      break;
    case Opens::Kind::kCold:
      spec.id = "W8/cold";
      spec.text = "open, one query, close, of thousands, cold";
      break;
  }
  spec.bar = bar;
  spec.unit = Unit::kP50Us;
  spec.sides = Sides::kAll;
  spec.make = [kind](const Backend& backend, const Effort& effort) {
    return std::make_unique<Opens>(backend, effort, kind);
  };
  specs->push_back(std::move(spec));
}

void AddWakes(bool same, std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = same ? "W8/wake" : "W8/random";
  spec.text = std::string("open 20 MB cold, 30 selects, ") +
              (same ? "of the same rows" : "of other rows") + " each time";
  spec.unit = Unit::kP50Us;
  spec.sides = Sides::kAll;
  spec.make = [same](const Backend& backend, const Effort& effort) {
    return std::make_unique<Wakes>(backend, effort, same);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddOpenWorkloads(std::vector<WorkloadSpec>* specs) {
  AddCreates(1, 8, specs);
  AddCreates(8, 20, specs);
  AddOpens(Opens::Kind::kWarm, 5, specs);
  AddOpens(Opens::Kind::kBare, 0, specs);
  if (!CanDropCaches()) return;
  AddOpens(Opens::Kind::kCold, 3, specs);
  AddWakes(/*same=*/true, specs);
  AddWakes(/*same=*/false, specs);
}

}  // namespace actorkv::bench
