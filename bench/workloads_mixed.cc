// W9: a durable writer beside 4 readers on one database. Nobody waits for a
// lock: each SQLITE_BUSY is counted, and tried again.

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

constexpr int kReaderCount = 4;
constexpr int64_t kRowCount = 100000;

class WriterBesideReaders : public Workload {
 public:
  WriterBesideReaders(const Backend& backend, const Effort& effort)
      : backend_(backend), effort_(effort) {}

  void SetUp() override {
    {
      Connection connection = backend_.Create("w9");
      CreateTable(&connection);
      RowSource rows(9);
      InsertRows(&connection, kRowCount, &rows);
    }
    for (size_t i = 0; i < users_.size(); ++i) {
      const bool writes = i == 0;
      users_[i].emplace(backend_.Open("w9"), writes, i);
      if (writes) backend_.MakeDurable(&users_[i]->connection);
    }
    RunThreads(kReaderCount + 1, effort_.seconds / 2,
               [this](int i) { Step(i); });
  }

  Sample Run() override {
    commit_count_ = 0;
    busy_count_ = 0;
    const ThreadedCount all = RunThreads(kReaderCount + 1, effort_.seconds,
                                         [this](int i) { Step(i); });
    Sample sample;
    sample.op_count = commit_count_;
    sample.seconds = all.seconds;
    sample.busy_count = busy_count_;
    return sample;
  }

 private:
  struct User {
    User(Connection opened, bool writes, uint64_t seed)
        : connection(std::move(opened)),
          statement(connection, writes ? kInsertSql : kSelectSql),
          rows(seed) {}

    Connection connection;
    Statement statement;
    RowSource rows;
  };

  void Step(int thread) {
    User& user = *users_[static_cast<size_t>(thread)];
    const bool writes = thread == 0;
    if (writes) {
      user.statement.Bind(1, user.rows.NextBody());
    } else {
      user.statement.Bind(1, user.rows.NextId(kRowCount));
    }
    if (!user.statement.TryRun()) {
      ++busy_count_;
    } else if (writes) {
      ++commit_count_;
    }
  }

  const Backend backend_;
  const Effort effort_;
  std::array<std::optional<User>, kReaderCount + 1> users_;  // writer first
  std::atomic<uint64_t> commit_count_{0};
  std::atomic<uint64_t> busy_count_{0};
};

}  // namespace

void AddMixedWorkloads(std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = "W9";
  spec.text = "durable commits beside 4 readers, one database";
  spec.bar = 1.5;
  spec.no_busy = true;
  spec.sides = Sides::kAll;
  spec.make = [](const Backend& backend, const Effort& effort) {
    return std::make_unique<WriterBesideReaders>(backend, effort);
  };
  specs->push_back(std::move(spec));
}

}  // namespace actorkv::bench
