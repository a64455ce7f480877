// W5: a full scan of a database that is much larger than SQLite's own cache, in
// megabytes a second. Warm: the operating system, or the store, has all of it
// in memory. Cold: neither has anything. Tenth: as warm, but the page cache
// holds a tenth of the database; the operating system has all of it.

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

enum class Cache { kWarm, kTenth, kCold };

class Scans : public Workload {
 public:
  Scans(const Backend& backend, const Effort& effort, Cache cache)
      : backend_(backend),
        cold_(cache == Cache::kCold),
        size_bytes_(effort.plain_bytes) {
    const bool is_ours = backend.kind() == Backend::Kind::kActorkv;
    if (cache == Cache::kTenth && is_ours) limit_.emplace(size_bytes_ / 10);
  }

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
  std::optional<CacheLimit> limit_;
  std::optional<Connection> connection_;
};

void Add(Cache cache, const char* id, const char* text,
         std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.unit = Unit::kMbPerSecond;
  spec.bar = 1;
  spec.sides = Sides::kAll;
  spec.make = [cache](const Backend& backend, const Effort& effort) {
    return std::make_unique<Scans>(backend, effort, cache);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddScanWorkloads(std::vector<WorkloadSpec>* specs) {
  Add(Cache::kWarm, "W5/warm", "full scan of 150 MB, SQLite cache 2 MiB, warm",
      specs);
  Add(Cache::kTenth, "W5/tenth", "the same, page cache for a tenth of it",
      specs);
  if (!CanDropCaches()) return;
  Add(Cache::kCold, "W5/cold", "full scan of 150 MB, nothing in memory", specs);
}

}  // namespace actorkv::bench
