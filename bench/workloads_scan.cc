// W5: a full scan of a database that is much larger than SQLite's own cache, in
// megabytes a second. Warm: the operating system, or the store, has all of it
// in memory. Cold: neither has anything.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/os_cache.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

class Scans : public Workload {
 public:
  Scans(const Backend& backend, const Effort& effort, bool cold)
      : backend_(backend), cold_(cold), size_bytes_(effort.plain_bytes) {}

  void SetUp() override {
    {
      Connection connection = backend_.Create("w5");
      CreateTable(&connection);
      RowSource rows(5);
      InsertRows(&connection, RowsOf(size_bytes_), &rows);
    }
    backend_.Settle();
    if (cold_) return;
    connection_.emplace(Open());
    Scan(&*connection_);
  }

  Sample Run() override {
    if (cold_) {
      backend_.Settle();
      DropCaches();
    }
    // Opening is a part of a cold scan.
    const Stopwatch watch;
    if (cold_) connection_.emplace(Open());
    Scan(&*connection_);
    Sample sample;
    sample.seconds = watch.seconds();
    sample.op_count = Megabytes(&*connection_);
    if (cold_) connection_.reset();
    return sample;
  }

 private:
  Connection Open() const {
    Connection connection = backend_.Open("w5");
    connection.Execute("PRAGMA cache_size=-2048");
    return connection;
  }

  static void Scan(Connection* connection) {
    (void)connection->QueryInt("SELECT sum(length(body)) FROM note");
  }

  static uint64_t Megabytes(Connection* connection) {
    constexpr int64_t kMb = 1'000'000;
    return static_cast<uint64_t>(connection->QueryInt("PRAGMA page_count") *
                                 connection->QueryInt("PRAGMA page_size") /
                                 kMb);
  }

  const Backend backend_;
  const bool cold_;
  const uint64_t size_bytes_;
  std::optional<Connection> connection_;
};

void Add(bool cold, std::vector<WorkloadSpec>* specs) {
  const std::string state = cold ? "cold" : "warm";
  WorkloadSpec spec;
  spec.id = "W5/" + state;
  spec.text = "full scan of 150 MB, SQLite cache 2 MiB, " + state;
  spec.unit = Unit::kMbPerSecond;
  spec.bar = 1;
  spec.sides = Sides::kAll;
  spec.make = [cold](const Backend& backend, const Effort& effort) {
    return std::make_unique<Scans>(backend, effort, cold);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddScanWorkloads(std::vector<WorkloadSpec>* specs) {
  Add(/*cold=*/false, specs);
  if (CanDropCaches()) Add(/*cold=*/true, specs);
}

}  // namespace actorkv::bench
