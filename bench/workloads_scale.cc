// S1, C1 and A1: what a database, a connection and an actor cost. These are
// figures of actorkv, against limits, and no contests.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/memory_use.h"
#include "bench/plain_file.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

// S1: what a database takes on the disk: a plain file, or a store that has it
// alone and was closed.
class Storage : public Workload {
 public:
  enum class Way { kImported, kWritten };

  Storage(const Backend& backend, const Effort& effort, Way way)
      : backend_(backend), size_bytes_(effort.plain_bytes), way_(way) {}

  void SetUp() override {
    const std::string plain = backend_.directory() + "/s1.db";
    MakePlainDatabase(plain, size_bytes_);
    if (backend_.kind() == Backend::Kind::kUnixWal) return;
    if (way_ == Way::kImported) {
      Connection connection(":memory:");
      Call(&connection, "actorkv_store(" + Quoted(backend_.StorePath()) + ")");
      Call(&connection, "actorkv_import('s1', " + Quoted(plain) + ")");
    } else {
      Connection connection = backend_.Create("s1");
      connection.Execute(
          ("ATTACH " + Quoted("file:" + plain + "?vfs=unix") + " AS plain")
              .c_str());
      connection.Execute(
          "CREATE TABLE note(id INTEGER PRIMARY KEY, body BLOB)");
      connection.Execute("INSERT INTO note SELECT * FROM plain.note");
      connection.Execute("DETACH plain");
      Call(&connection, "actorkv_reclaim()");
    }
    std::filesystem::remove(plain);
    backend_.Settle();
  }

  Sample Run() override {
    Sample sample;
    sample.op_count = 1;
    sample.amount = static_cast<double>(DiskBytes(backend_.directory()));
    return sample;
  }

 private:
  static void Call(Connection* connection, const std::string& call) {
    (void)connection->QueryInt(("SELECT " + call).c_str());
  }

  const Backend backend_;
  const uint64_t size_bytes_;
  const Way way_;
};

std::vector<std::string> MakeActors(const Backend& backend, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    names.push_back("actor-" + std::to_string(i));
    Connection connection = backend.CreateUnsynced(names.back());
    connection.Execute("CREATE TABLE note(id INTEGER PRIMARY KEY, body BLOB)");
  }
  backend.Settle();
  return names;
}

size_t EntryCount(const char* directory) {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator(directory),
                    std::filesystem::directory_iterator()));
}

// C1: connections that are open at once, each to another actor, each used.
// Memory is what the process has more, but for what SQLite asked for itself.
class OpenConnections : public Workload {
 public:
  enum class Figure { kMemory, kThreads, kHandles };

  OpenConnections(const Backend& backend, const Effort& effort, Figure figure)
      : backend_(backend), open_count_(effort.open_count), figure_(figure) {}

  void SetUp() override { names_ = MakeActors(backend_, open_count_); }

  Sample Run() override {
    // The store is open, and its threads run.
    const Connection first = backend_.Open(names_.front());
    const double before = Now();
    std::vector<Connection> connections;
    connections.reserve(names_.size());
    for (const std::string& name : names_) {
      connections.push_back(backend_.Open(name));
      if (connections.back().QueryInt("SELECT count(*) FROM note") != 0) {
        Die("C1 found a row");
      }
    }
    Sample sample;
    sample.op_count = names_.size();
    sample.amount = Now() - before;
    if (figure_ == Figure::kMemory) {
      sample.amount /= static_cast<double>(names_.size());
    }
    return sample;
  }

 private:
  double Now() const {
    switch (figure_) {
      case Figure::kMemory:
        return static_cast<double>(AnonymousBytes()) -
               static_cast<double>(sqlite3_memory_used());
      case Figure::kThreads:
        return static_cast<double>(EntryCount("/proc/self/task"));
      case Figure::kHandles:
        return static_cast<double>(EntryCount("/proc/self/fd"));
    }
    return 0;
  }

  const Backend backend_;
  const int open_count_;
  const Figure figure_;
  std::vector<std::string> names_;
};

// A1: a store of many actors: the time until the first of them is open, and
// until others are, beside those of a small store.
class ManyActors : public Workload {
 public:
  enum class Figure { kStore, kActor };

  // `backend` of the unix VFS stands for the small store.
  ManyActors(const Backend& backend, const Effort& effort, Figure figure)
      : backend_(Backend::Kind::kActorkv, backend.directory()),
        actor_count_(backend.kind() == Backend::Kind::kActorkv
                         ? effort.actor_count
                         : kFewActors),
        figure_(figure) {}

  void SetUp() override {
    backend_.Activate();
    names_ = MakeActors(backend_, actor_count_);
  }

  Sample Run() override {
    backend_.Activate();
    backend_.Settle();
    std::shuffle(names_.begin(), names_.end(), random_);
    Sample sample;
    sample.op_count = 1;
    const Stopwatch watch;
    const Connection first = OpenAndAsk(names_.back());
    sample.seconds = watch.seconds();
    if (figure_ == Figure::kActor) sample.p50_us = MedianOpenUs();
    return sample;
  }

 private:
  static constexpr int kFewActors = 1000;
  static constexpr size_t kOpens = 999;  // of the few, all but the first

  Connection OpenAndAsk(const std::string& name) const {
    Connection connection = backend_.Open(name);
    (void)connection.QueryInt("SELECT count(*) FROM note");
    return connection;
  }

  double MedianOpenUs() const {
    constexpr double kUsPerSecond = 1e6;
    std::vector<double> latencies_us;
    for (size_t i = 0; i < kOpens; ++i) {
      const Stopwatch watch;
      OpenAndAsk(names_[i]);
      latencies_us.push_back(watch.seconds() * kUsPerSecond);
    }
    return Median(std::move(latencies_us));
  }

  const Backend backend_;
  const int actor_count_;
  const Figure figure_;
  std::mt19937_64 random_{10};
  std::vector<std::string> names_;
};

template <typename W, typename Kind>
WorkloadSpec* Add(const char* id, const char* text, Kind kind,
                  std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.sides = Sides::kActorkvOnly;
  spec.make = [kind](const Backend& backend, const Effort& effort) {
    return std::make_unique<W>(backend, effort, kind);
  };
  specs->push_back(std::move(spec));
  return &specs->back();
}

void AddStorage(std::vector<WorkloadSpec>* specs) {
  constexpr double kPartOfFile = 0.6;
  for (const auto& [id, text, way] :
       {std::make_tuple("S1/import", "size of 150 MB on the disk, imported",
                        Storage::Way::kImported),
        std::make_tuple("S1/sql", "the same, by SQL, after actorkv_reclaim()",
                        Storage::Way::kWritten)}) {
    WorkloadSpec* const spec = Add<Storage>(id, text, way, specs);
    spec->unit = Unit::kBytes;
    spec->bar = 1 / kPartOfFile;
    spec->sides = Sides::kWalAndActorkv;
    spec->once = true;
  }
}

void AddConnections(std::vector<WorkloadSpec>* specs) {
  using Figure = OpenConnections::Figure;
  constexpr double kMemoryLimit = 20 << 10;
  constexpr double kFewLimit = 32;  // for all connections together
  WorkloadSpec* spec = Add<OpenConnections>(
      "C1/memory", "10,000 connections: memory of ours for each",
      Figure::kMemory, specs);
  spec->unit = Unit::kBytes;
  spec->limit = kMemoryLimit;
  spec->once = true;
  spec = Add<OpenConnections>("C1/threads",
                              "10,000 connections: threads, all together",
                              Figure::kThreads, specs);
  spec->unit = Unit::kCount;
  spec->limit = kFewLimit;
  spec->once = true;
  spec = Add<OpenConnections>("C1/files",
                              "10,000 connections: file handles, all together",
                              Figure::kHandles, specs);
  spec->unit = Unit::kCount;
  spec->limit = kFewLimit;
  spec->once = true;
}

}  // namespace

void AddScaleWorkloads(std::vector<WorkloadSpec>* specs) {
  constexpr double kOpenLimitMs = 1000;
  constexpr double kUnchanged = 0.8;  // as good as is told apart from noise
  AddStorage(specs);
  AddConnections(specs);
  WorkloadSpec* spec = Add<ManyActors>(
      "A1/store", "open a store of 100,000 actors and one of them",
      ManyActors::Figure::kStore, specs);
  spec->unit = Unit::kMilliseconds;
  spec->limit = kOpenLimitMs;
  spec = Add<ManyActors>("A1/actor",
                         "open and ask one of them; beside a store of 1,000",
                         ManyActors::Figure::kActor, specs);
  spec->unit = Unit::kP50Us;
  spec->bar = kUnchanged;
  spec->sides = Sides::kWalAndActorkv;
}

}  // namespace actorkv::bench
