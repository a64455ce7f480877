// W4: random point selects on a database that is much larger than SQLite's
// own cache. Each select is a read transaction of its own. W4/tenth: the page
// cache holds a tenth of the database; the operating system has all of it.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

class PointSelects : public Workload {
 public:
  PointSelects(const Backend& backend, const Effort& effort, bool tenth)
      : backend_(backend),
        effort_(effort),
        row_count_(RowsOf(effort.plain_bytes)) {
    const bool is_ours = backend.kind() == Backend::Kind::kActorkv;
    if (tenth && is_ours) limit_.emplace(effort.plain_bytes / 10);
  }

  void SetUp() override {
    {
      Connection connection = backend_.Create("w4");
      CreateTable(&connection);
      InsertRows(&connection, row_count_, &rows_);
    }
    backend_.Settle();
    connection_.emplace(backend_.Open("w4"));
    connection_->Execute("PRAGMA cache_size=-2048");
    // Every page once, so that the operating system or the store has it.
    connection_->QueryInt("SELECT sum(length(body)) FROM note");
    select_.emplace(*connection_, kSelectSql);
  }

  Sample Run() override {
    Sample sample;
    const Stopwatch watch;
    while (watch.seconds() < effort_.seconds) {
      for (int i = 0; i < kSelectsPerLook; ++i) {
        select_->Bind(1, rows_.NextId(row_count_));
        if (select_->Run() != 1) Die("W4 did not find a row");
      }
      sample.op_count += kSelectsPerLook;
    }
    sample.seconds = watch.seconds();
    return sample;
  }

 private:
  static constexpr int kSelectsPerLook = 100;  // at the clock

  const Backend backend_;
  const Effort effort_;
  const int64_t row_count_;
  std::optional<CacheLimit> limit_;
  RowSource rows_{4};
  std::optional<Connection> connection_;
  std::optional<Statement> select_;
};

void Add(bool tenth, std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = tenth ? "W4/tenth" : "W4";
  spec.text = tenth ? "the same, page cache for a tenth of it"
                    : "random point selects, 150 MB, SQLite cache 2 MiB";
  spec.bar = 1.6;
  spec.sides = Sides::kAll;
  spec.make = [tenth](const Backend& backend, const Effort& effort) {
    return std::make_unique<PointSelects>(backend, effort, tenth);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddReadWorkloads(std::vector<WorkloadSpec>* specs) {
  Add(/*tenth=*/false, specs);
  Add(/*tenth=*/true, specs);
}

}  // namespace actorkv::bench
