// M1 to M3: databases that come in. What they are compared with is a plain
// copy of the same bytes: `cp` and fsync, or SQLite's backup API.

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "bench/die.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

constexpr double kMb = 1e6;
constexpr size_t kPageBytes = 4096;

// Makes a plain database of `size_bytes` or a little more.
void MakePlainDatabase(const std::string& path, uint64_t size_bytes) {
  constexpr int64_t kRowsAtOnce = 20;
  Connection connection("file:" + path + "?vfs=unix");
  connection.Execute("PRAGMA synchronous=OFF");
  CreateTable(&connection);
  RowSource rows(7);
  connection.Execute("BEGIN");
  Statement insert(connection, kInsertSql);
  const auto enough = static_cast<int64_t>(size_bytes / kPageBytes);
  while (connection.QueryInt("PRAGMA page_count") < enough) {
    for (int64_t i = 0; i < kRowsAtOnce; ++i) {
      insert.Bind(1, rows.NextBody());
      insert.Run();
    }
  }
  connection.Execute("COMMIT");
}

// cp and fsync, with the kernel's own copy.
void CopyFile(const std::string& from, const std::string& to) {
  const int in = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  const int out =
      open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (in < 0 || out < 0) Die("cannot copy " + from);
  constexpr size_t kAtOnce = 1 << 20;
  ssize_t copied = 0;
  while ((copied = sendfile(out, in, nullptr, kAtOnce)) > 0) {
  }
  if (copied < 0 || fsync(out) != 0) Die("cannot copy " + from);
  close(in);
  close(out);
}

std::string Quoted(const std::string& path) { return "'" + path + "'"; }

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
    const double megabytes =
        static_cast<double>(std::filesystem::file_size(plain_)) / kMb;
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
    return {static_cast<uint64_t>(megabytes), seconds, 0};
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
    const double seconds = is_copy() ? CopyAll(name) : MigrateAll(name);
    backend_.Settle();
    std::filesystem::remove_all(name);
    return {static_cast<uint64_t>(actor_count_), seconds, 0};
  }

 private:
  static constexpr uint64_t kBytes = 40 * 1024;

  double CopyAll(const std::string& directory) const {
    std::filesystem::create_directory(directory);
    const Stopwatch watch;
    for (int i = 0; i < actor_count_; ++i) {
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
    const double megabytes =
        static_cast<double>(std::filesystem::file_size(plain_)) / kMb;
    const std::string name = NewName("m3-");
    const Stopwatch watch;
    if (is_copy()) {
      BackUp(InDirectory(name));
    } else {
      (void)connection_->QueryInt(("SELECT actorkv_import(" + Quoted(name) +
                                   ", " + Quoted(plain_) + ")")
                                      .c_str());
    }
    const double seconds = watch.seconds();
    if (is_copy()) std::filesystem::remove(InDirectory(name));
    return {static_cast<uint64_t>(megabytes), seconds, 0};
  }

 private:
  void BackUp(const std::string& path) const {
    constexpr int kPagesAtOnce = 256;
    const Connection from("file:" + plain_ + "?vfs=unix");
    Connection to("file:" + path + "?vfs=unix");
    to.Execute("PRAGMA synchronous=FULL");
    sqlite3_backup* const backup =
        sqlite3_backup_init(to.get(), "main", from.get(), "main");
    if (backup == nullptr) Die("M3 cannot begin its backup");
    int code = SQLITE_OK;
    while (code == SQLITE_OK) code = sqlite3_backup_step(backup, kPagesAtOnce);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) Die("M3 cannot finish its backup");
  }

  const uint64_t size_bytes_;
  const std::string plain_ = InDirectory("m3.db");
  std::optional<Connection> connection_;
};

struct Bars {
  double ratio;  // 0: none
  double rate;   // 0: none
};

template <typename W>
void Add(const char* id, const char* text, const Bars& bars,
         std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.bar = bars.ratio;
  spec.rate_bar = bars.rate;
  spec.make = [](const Backend& backend, const Effort& effort) {
    return std::make_unique<W>(backend, effort);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddMigrateWorkloads(std::vector<WorkloadSpec>* specs) {
  Add<LargeMigration>("M1", "migrate a legacy database, MB; beside cp, fsync",
                      {0.15, 0}, specs);
  Add<ManyMigrations>("M2", "migrate many legacy actors; beside cp, fsync",
                      {0, 1000}, specs);
  Add<PlainImport>("M3", "import a plain database, MB; beside backup API",
                   {1, 0}, specs);
}

}  // namespace actorkv::bench
