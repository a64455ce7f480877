// H1 to H7: what going back, forking and keeping history cost. Figures of
// actorkv alone, against limits; where they depend on the disk, next to the
// durable commit of one row, in the same run.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/plain_file.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

constexpr int kCalls = 25;  // of which the median counts

// H1 and H2 ask for an actor of 1 GiB; with --quick it is 140 MB.
constexpr uint64_t kLargeFactor = 7;  // of Effort::plain_bytes
constexpr uint64_t kSmallBytes = uint64_t{1} << 20;

void Call(Connection* connection, const std::string& call) {
  (void)connection->QueryInt(("SELECT " + call).c_str());
}

void CreateRows(Connection* connection) {
  connection->Execute(
      "CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, body BLOB)");
}

// Makes an actor of `size_bytes` or a little more, with large rows, quickly.
void MakeActor(const Backend& backend, const std::string& name,
               uint64_t size_bytes) {
  constexpr uint64_t kRowBytes = 3900;  // one to a page
  Connection connection = backend.CreateUnsynced(name);
  CreateRows(&connection);
  connection.Execute(
      ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
       " LIMIT " +
       std::to_string(size_bytes / kRowBytes + 1) +
       ") INSERT INTO note SELECT i, randomblob(" + std::to_string(kRowBytes) +
       ") FROM n")
          .c_str());
}

double SecondsOf(const std::function<void()>& call) {
  const Stopwatch watch;
  call();
  return watch.seconds();
}

// A figure that is no rate: `value` is in the unit of the workload.
Sample Figure(Unit unit, double value) {
  Sample sample;
  sample.op_count = 1;
  if (unit == Unit::kMilliseconds) {
    sample.seconds = value / 1e3;
  } else {
    sample.amount = value;
  }
  return sample;
}

// Durable commits of one row of an actor of its own: what others are beside.
class Committer {
 public:
  explicit Committer(const Backend& backend)
      : connection_(backend.Create("committer")), rows_(11) {
    CreateRows(&connection_);
    insert_ = std::make_unique<Statement>(connection_, kInsertSql);
  }

  void Commit() {
    insert_->Bind(1, rows_.NextBody());
    insert_->Run();
  }

 private:
  Connection connection_;
  RowSource rows_;
  std::unique_ptr<Statement> insert_;
};

// H1 and H2: a fork or a restore of a small and of a large actor.
class Moves : public Workload {
 public:
  enum class What { kFork, kRestore };
  // Milliseconds of one of the large actor beyond a durable commit; or how many
  // times as long as one of the small actor.
  enum class Figure { kBeyondCommit, kBySize };

  Moves(const Backend& backend, const Effort& effort, What what, Figure figure)
      : backend_(backend),
        large_bytes_(effort.plain_bytes * kLargeFactor),
        what_(what),
        figure_(figure) {}

  void SetUp() override {
    MakeActor(backend_, "small", kSmallBytes);
    MakeActor(backend_, "large", large_bytes_);
    for (const char* name : {"small", "large"}) {
      Connection connection = backend_.Create(name);
      connection.Execute("UPDATE note SET body = x'00' WHERE id = 1");
    }
    backend_.Settle();
  }

  // In turn, so that the disk is the same for all.
  Sample Run() override {
    Connection small = backend_.Open("small");
    Connection large = backend_.Open("large");
    Committer committer(backend_);
    std::vector<double> commits;
    std::vector<double> of_small;
    std::vector<double> of_large;
    for (int i = 0; i < kCalls; ++i) {
      commits.push_back(SecondsOf([&] { committer.Commit(); }));
      of_small.push_back(SecondsOf([&] { Move(&small, "small"); }));
      of_large.push_back(SecondsOf([&] { Move(&large, "large"); }));
    }
    const double large_seconds = Median(std::move(of_large));
    if (figure_ == Figure::kBySize) {
      return bench::Figure(Unit::kCount,
                           large_seconds / Median(std::move(of_small)));
    }
    const double beyond = large_seconds - Median(std::move(commits));
    return bench::Figure(Unit::kMilliseconds, std::max(0.0, beyond * 1e3));
  }

 private:
  void Move(Connection* connection, const std::string& name) {
    const std::string actor = Quoted(name);
    if (what_ == What::kRestore) {
      Call(connection, "actorkv_restore(" + actor + ", '-1 commit')");
    } else {
      Call(connection, "actorkv_fork(" + actor + ", 'fork-" +
                           std::to_string(++fork_count_) + "')");
    }
  }

  const Backend backend_;
  const uint64_t large_bytes_;
  const What what_;
  const Figure figure_;
  int fork_count_ = 0;
};

// H3: a restore point, as part of a durable commit of one row.
class RestorePoints : public Workload {
 public:
  RestorePoints(const Backend& backend, const Effort& /*effort*/)
      : backend_(backend) {}

  void SetUp() override { MakeActor(backend_, "points", kSmallBytes); }

  Sample Run() override {
    Connection connection = backend_.Open("points");
    Committer committer(backend_);
    std::vector<double> commits;
    std::vector<double> points;
    for (int i = 0; i < 4 * kCalls; ++i) {
      const std::string call = "actorkv_restore_point('points', 'point-" +
                               std::to_string(++point_count_) + "')";
      commits.push_back(SecondsOf([&] { committer.Commit(); }));
      points.push_back(SecondsOf([&] { Call(&connection, call); }));
    }
    return Figure(Unit::kCount,
                  Median(std::move(points)) / Median(std::move(commits)));
  }

 private:
  const Backend backend_;
  int point_count_ = 0;
};

// H4: random point selects of a fork of a fork of ..., 100 deep, each with a
// commit of its own, as part of those of the first.
class DeepReads : public Workload {
 public:
  DeepReads(const Backend& backend, const Effort& effort)
      : backend_(backend),
        seconds_(effort.seconds / 4),
        row_count_(static_cast<int64_t>(effort.plain_bytes / 4 / 3900)) {}

  void SetUp() override {
    MakeActor(backend_, "depth-0", static_cast<uint64_t>(row_count_) * 3900);
    for (int depth = 1; depth <= kDepth; ++depth) {
      Connection parent = backend_.CreateUnsynced(NameOf(depth - 1));
      Call(&parent, "actorkv_fork('" + NameOf(depth - 1) + "', '" +
                        NameOf(depth) + "')");
      Connection fork = backend_.CreateUnsynced(NameOf(depth));
      fork.Execute(("UPDATE note SET body = randomblob(3900) WHERE id = " +
                    std::to_string(depth * 7))
                       .c_str());
    }
    backend_.Settle();
  }

  Sample Run() override {
    std::vector<double> shallow;
    std::vector<double> deep;
    for (int i = 0; i < 2; ++i) {
      shallow.push_back(SecondsOfSelect(0));
      deep.push_back(SecondsOfSelect(kDepth));
    }
    return Figure(Unit::kCount,
                  *std::min_element(deep.begin(), deep.end()) /
                      *std::min_element(shallow.begin(), shallow.end()));
  }

 private:
  static constexpr int kDepth = 100;

  static std::string NameOf(int depth) {
    return "depth-" + std::to_string(depth);
  }

  double SecondsOfSelect(int depth) {
    Connection connection = backend_.Open(NameOf(depth));
    connection.Execute("PRAGMA cache_size = -2048");
    Statement select(connection, kSelectSql);
    RowSource rows(5);
    const auto some = [&](double seconds) {
      return RunThreads(1, seconds, [&](int) {
        select.Bind(1, rows.NextId(row_count_));
        if (select.Run() != 1) Die("H4 found no row");
      });
    };
    (void)some(seconds_);  // warm
    const ThreadedCount count = some(seconds_);
    return count.seconds / static_cast<double>(count.op_count);
  }

  const Backend backend_;
  const double seconds_;
  const int64_t row_count_;
};

// H5: durable commits of one row with history kept for a day, as part of those
// without any; both with reclaim at work.
class Keeping : public Workload {
 public:
  Keeping(const Backend& backend, const Effort& effort)
      : backend_(backend), seconds_(effort.seconds) {}

  void SetUp() override {
    for (const char* name : {"keeps", "forgets"}) {
      MakeActor(backend_, name, kSmallBytes);
    }
    Connection connection = backend_.Open("keeps");
    Call(&connection, "actorkv_set('reclaim_interval_ms', 200)");
    Call(&connection, "actorkv_retention('forgets', '0')");
  }

  Sample Run() override {
    Connection keeps = backend_.Open("keeps");
    Connection forgets = backend_.Open("forgets");
    double kept = 0;
    double forgotten = 0;
    for (int i = 0; i < kTurns; ++i) {
      kept += SecondsOfCommit(&keeps);
      forgotten += SecondsOfCommit(&forgets);
    }
    return Figure(Unit::kCount, kept / forgotten);
  }

 private:
  static constexpr int kTurns = 4;

  double SecondsOfCommit(Connection* connection) {
    backend_.MakeDurable(connection);
    Statement update(*connection, kUpdateSql);
    RowSource rows(3);
    const ThreadedCount count = RunThreads(1, seconds_ / kTurns, [&](int) {
      update.Bind(1, rows.NextBody());
      update.Bind(2, rows.NextId(200));
      update.Run();
    });
    return count.seconds / static_cast<double>(count.op_count);
  }

  const Backend backend_;
  const double seconds_;
};

// H6: what a store takes on the disk after it was written over and reclaimed,
// as part of a store that imported the same rows.
class Space : public Workload {
 public:
  Space(const Backend& backend, const Effort& effort)
      : backend_(backend), size_bytes_(effort.plain_bytes) {}

  void SetUp() override {
    const std::string plain = backend_.directory() + "/h6.db";
    MakePlainDatabase(plain, size_bytes_);
    {
      Connection connection(":memory:");
      Call(&connection, "actorkv_store(" + Quoted(backend_.StorePath()) + ")");
      Call(&connection, "actorkv_import('h6', " + Quoted(plain) + ")");
      Call(&connection, "actorkv_retention(NULL, '0')");
    }
    {
      Connection connection = backend_.Create("h6");
      connection.Execute("UPDATE note SET body = randomblob(length(body))");
      for (int i = 0; i < 300; ++i) {
        connection.Execute(
            "UPDATE note SET body = randomblob(length(body))"
            " WHERE id % 1000 = abs(random()) % 1000");
      }
      Call(&connection, "actorkv_fork('h6', 'fork')");
      connection.Execute(
          "UPDATE note SET body = randomblob(length(body)) WHERE id % 2");
    }
    {
      Connection connection(":memory:");
      Call(&connection, "actorkv_store(" + Quoted(backend_.StorePath()) + ")");
      Call(&connection, "actorkv_purge('fork')");
      Call(&connection, "actorkv_reclaim()");
      std::filesystem::remove(plain);
      Call(&connection, "actorkv_export('h6', " + Quoted(plain) + ")");
    }
    {
      Connection connection(":memory:");
      Call(&connection, "actorkv_store(" + Quoted(fresh_) + ")");
      Call(&connection, "actorkv_import('h6', " + Quoted(plain) + ")");
    }
    backend_.Settle();
  }

  Sample Run() override {
    return Figure(Unit::kCount,
                  static_cast<double>(DiskBytes(backend_.StorePath())) /
                      static_cast<double>(DiskBytes(fresh_)));
  }

 private:
  const Backend backend_;
  const uint64_t size_bytes_;
  const std::string fresh_ = backend_.directory() + "/fresh";
};

// H7: the difference of two versions of a large actor, 100 rows; warm, or each
// time in a store that was just opened.
class Diff : public Workload {
 public:
  Diff(const Backend& backend, const Effort& effort, bool just_opened)
      : backend_(backend),
        size_bytes_(effort.plain_bytes),
        just_opened_(just_opened) {}

  void SetUp() override {
    const std::string plain = backend_.directory() + "/h7.db";
    MakePlainDatabase(plain, size_bytes_);
    connection_ = std::make_unique<Connection>(backend_.Create("h7"));
    connection_->Execute(
        ("ATTACH " + Quoted("file:" + plain + "?vfs=unix") + " AS plain")
            .c_str());
    CreateRows(connection_.get());
    connection_->Execute("INSERT INTO note SELECT * FROM plain.note");
    connection_->Execute("DETACH plain");
    std::filesystem::remove(plain);
    connection_->Execute(
        "UPDATE note SET body = 'new' WHERE id % (SELECT max(id) / 100 FROM"
        " note) = 1 AND id <= (SELECT max(id) / 100 * 100 FROM note)");
    (void)connection_->QueryInt("SELECT sum(length(body)) FROM note");
  }

  Sample Run() override {
    std::vector<double> seconds;
    for (int i = 0; i < kCalls; ++i) {
      if (just_opened_) {
        connection_.reset();
        backend_.Settle();
        connection_ = std::make_unique<Connection>(backend_.Open("h7"));
      }
      seconds.push_back(SecondsOf([&] {
        if (connection_->QueryInt("SELECT count(*) FROM actorkv_diff('h7',"
                                  " '-1 commit', 'head')") != 100) {
          Die("H7 found other rows than 100");
        }
      }));
    }
    return Figure(Unit::kMilliseconds, Median(std::move(seconds)) * 1e3);
  }

 private:
  const Backend backend_;
  const uint64_t size_bytes_;
  const bool just_opened_;
  std::unique_ptr<Connection> connection_;
};

template <typename Made, typename... Arguments>
std::function<std::unique_ptr<Workload>(const Backend&, const Effort&)> Maker(
    Arguments... arguments) {
  return [=](const Backend& backend, const Effort& effort) {
    return std::make_unique<Made>(backend, effort, arguments...);
  };
}

}  // namespace

void AddHistoryWorkloads(std::vector<WorkloadSpec>* specs) {
  const auto add = [specs](WorkloadSpec spec) {
    spec.sides = Sides::kActorkvOnly;
    specs->push_back(std::move(spec));
  };
  const auto limit = [](std::string id, std::string text, Unit unit,
                        double value) {
    WorkloadSpec spec;
    spec.id = std::move(id);
    spec.text = std::move(text);
    spec.unit = unit;
    spec.limit = value;
    return spec;
  };
  WorkloadSpec spec;
  for (const auto what : {Moves::What::kFork, Moves::What::kRestore}) {
    const bool fork = what == Moves::What::kFork;
    const std::string id = fork ? "H1" : "H2";
    const std::string name = fork ? "fork" : "restore";
    spec = limit(id, name + " of 1 GiB, beyond a durable commit",
                 Unit::kMilliseconds, 2);
    spec.make = Maker<Moves>(what, Moves::Figure::kBeyondCommit);
    add(spec);
    spec = limit(id + "/size", name + " of 1 GiB, times that of 1 MiB",
                 Unit::kCount, 1.5);
    spec.make = Maker<Moves>(what, Moves::Figure::kBySize);
    add(spec);
  }
  spec = limit("H3", "restore point, times a durable commit of a row",
               Unit::kCount, 1.5);
  spec.make = Maker<RestorePoints>();
  add(spec);
  spec = limit("H4", "selects at fork depth 100, times depth 0", Unit::kCount,
               1.5);
  spec.make = Maker<DeepReads>();
  add(spec);
  spec = limit("H5", "durable commits with 24 h of history, times without",
               Unit::kCount, 1 / 0.9);
  spec.make = Maker<Keeping>();
  add(spec);
  spec = limit("H6", "disk after reclaim, times a fresh import", Unit::kCount,
               1.1);
  spec.make = Maker<Space>();
  spec.once = true;
  add(spec);
  spec =
      limit("H7", "diff of 100 rows in 150 MB, warm", Unit::kMilliseconds, 20);
  spec.make = Maker<Diff>(/*just_opened=*/false);
  add(spec);
  spec = limit("H7/opened", "the same in a store that was just opened",
               Unit::kMilliseconds, 60);
  spec.make = Maker<Diff>(/*just_opened=*/true);
  add(spec);
}

}  // namespace actorkv::bench
