// M1 to M3: databases that come in. What they are compared with is a plain
// copy of the same bytes: `cp` and fsync, or SQLite's backup API.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/die.h"
#include "bench/plain_file.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

class MigrateWorkload : public Workload {
 public:
  explicit MigrateWorkload(const Backend& backend) : backend_(backend) {}

 protected:
  bool is_copy() const { return backend_.kind() == Backend::Kind::kUnixWal; }
  std::string InDirectory(const std::string& name) const {
    return backend_.directory() + "/" + name;
  }
  std::string NewName(const std::string& prefix) {
    return prefix + std::to_string(++count_);
  }

  static Sample SampleOf(double op_count, double seconds) {
    Sample sample;
    sample.op_count = static_cast<uint64_t>(op_count);
    sample.seconds = seconds;
    return sample;
  }

  // A connection with `store` as its default store.
  static Connection OpenStore(const std::string& store) {
    Connection connection(":memory:");
    const std::string sql = "SELECT actorkv_store(" + Quoted(store) + ")";
    (void)connection.QueryInt(sql.c_str());
    return connection;
  }

  const Backend backend_;

 private:
  int count_ = 0;
};

// M1: one large legacy database; in MB a second.
class LargeMigration : public MigrateWorkload {
 public:
  LargeMigration(const Backend& backend, const Effort& effort)
      : MigrateWorkload(backend), size_bytes_(effort.large_bytes) {}

  void SetUp() override {
    MakePlainDatabase(plain_, size_bytes_);
    if (is_copy()) return;
    Connection connection = OpenStore(InDirectory("source.store"));
    Call(&connection, "actorkv_import('source', " + Quoted(plain_) + ")");
    Call(&connection,
         "actorkv_export('source', " + Quoted(pairs_) + ", 'kv.bin')");
  }

  Sample Run() override {
    const std::string name = InDirectory(NewName("m1-"));
    double seconds = 0;
    if (is_copy()) {
      const Stopwatch watch;
      CopyFile(plain_, name);
      seconds = watch.seconds();
    } else {
      {
        Connection connection = OpenStore(name);
        Call(&connection, "actorkv_import('alice', " + Quoted(pairs_) + ")");
      }
      backend_.Settle();
      Connection connection = OpenStore(name);
      const Stopwatch watch;
      Call(&connection, "actorkv_migrate('alice')");
      seconds = watch.seconds();
    }
    backend_.Settle();
    std::filesystem::remove_all(name);
    return SampleOf(FileMegabytes(plain_), seconds);
  }

 private:
  static void Call(Connection* connection, const std::string& call) {
    (void)connection->QueryInt(("SELECT " + call).c_str());
  }

  const uint64_t size_bytes_;
  const std::string plain_ = InDirectory("m1.db");
  const std::string pairs_ = InDirectory("m1.kv.bin");
};

// M2: many small legacy databases; actors a second.
class ManyMigrations : public MigrateWorkload {
 public:
  ManyMigrations(const Backend& backend, const Effort& effort)
      : MigrateWorkload(backend), actor_count_(effort.migrated_count) {}

  void SetUp() override {
    MakePlainDatabase(plain_, kBytes);
    if (is_copy()) return;
    const std::string pairs = InDirectory("m2.kv.bin");
    Connection connection = OpenStore(store_);
    (void)connection.QueryInt(
        ("SELECT actorkv_import('source', " + Quoted(plain_) + ")").c_str());
    (void)connection.QueryInt(
        ("SELECT actorkv_export('source', " + Quoted(pairs) + ", 'kv.bin')")
            .c_str());
    for (int i = 0; i < actor_count_; ++i) {
      (void)connection.QueryInt(("SELECT actorkv_import('m2-" +
                                 std::to_string(i) + "', " + Quoted(pairs) +
                                 ")")
                                    .c_str());
    }
  }

  // Each time in a copy of the store, or a new directory.
  Sample Run() override {
    const std::string name = InDirectory(NewName("m2-"));
    Sample sample = is_copy() ? SampleOf(copy_count_, CopyAll(name))
                              : SampleOf(actor_count_, MigrateAll(name));
    backend_.Settle();
    std::filesystem::remove_all(name);
    return sample;
  }

 private:
  static constexpr uint64_t kBytes = uint64_t{40} * 1024;

  double CopyAll(const std::string& directory) const {
    std::filesystem::create_directory(directory);
    const Stopwatch watch;
    for (int i = 0; i < copy_count_; ++i) {
      CopyFile(plain_, directory + "/" + std::to_string(i) + ".db");
    }
    return watch.seconds();
  }

  double MigrateAll(const std::string& store) const {
    {
      Connection connection = OpenStore(store_);
      (void)connection.QueryInt(
          ("SELECT actorkv_backup(" + Quoted(store) + ")").c_str());
    }
    backend_.Settle();
    Connection connection = OpenStore(store);
    const Stopwatch watch;
    const int64_t count = connection.QueryInt(
        "SELECT count(*) FROM actorkv_migrate_all() WHERE state = 'live'");
    if (count != actor_count_) Die("M2 did not migrate all actors");
    return watch.seconds();
  }

  const int actor_count_;
  // Each file costs the same, and on a slow disk much.
  const int copy_count_ = std::min(actor_count_, 2000);
  const std::string plain_ = InDirectory("m2.db");
  const std::string store_ = InDirectory("m2.store");
};

// M3: a plain database; in MB a second.
class PlainImport : public MigrateWorkload {
 public:
  PlainImport(const Backend& backend, const Effort& effort)
      : MigrateWorkload(backend), size_bytes_(effort.plain_bytes) {}

  void SetUp() override {
    MakePlainDatabase(plain_, size_bytes_);
    if (!is_copy()) connection_.emplace(OpenStore(InDirectory("m3.store")));
  }

  Sample Run() override {
    const std::string name = NewName("m3-");
    const Stopwatch watch;
    if (is_copy()) {
      BackUpTo(InDirectory(name), Connection("file:" + plain_ + "?vfs=unix"));
    } else {
      (void)connection_->QueryInt(("SELECT actorkv_import(" + Quoted(name) +
                                   ", " + Quoted(plain_) + ")")
                                      .c_str());
    }
    const double seconds = watch.seconds();
    if (is_copy()) std::filesystem::remove(InDirectory(name));
    return SampleOf(FileMegabytes(plain_), seconds);
  }

 private:
  const uint64_t size_bytes_;
  const std::string plain_ = InDirectory("m3.db");
  std::optional<Connection> connection_;
};

}  // namespace

void AddMigrateWorkloads(std::vector<WorkloadSpec>* specs) {
  WorkloadSpec* spec = AddWorkload<LargeMigration>(
      "M1", "migrate a legacy database; beside cp, fsync", specs);
  spec->unit = Unit::kMbPerSecond;
  spec->bar = 0.15;
  spec = AddWorkload<ManyMigrations>(
      "M2", "migrate many legacy actors; beside cp, fsync", specs);
  spec->rate_bar = 1000;
  spec = AddWorkload<PlainImport>(
      "M3", "import of 150 MB; beside the backup API", specs);
  spec->unit = Unit::kMbPerSecond;
  spec->bar = 1;
}

}  // namespace actorkv::bench
