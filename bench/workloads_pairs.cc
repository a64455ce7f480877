// M5: pairs of anybody, keys in random order, that come in by SQL and go out:
// beside the same rows into a table WITHOUT ROWID, and beside cp and fsync.

#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/plain_file.h"
#include "bench/rows.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

constexpr size_t kKeyBytes = 16;

// Makes a table pair(key, value) whose keys are in random order.
void MakePairs(const std::string& path, int pair_count) {
  Connection connection("file:" + path + "?vfs=unix");
  connection.Execute("CREATE TABLE pair(key BLOB, value BLOB); BEGIN");
  Statement insert(connection, "INSERT INTO pair VALUES(?1, ?2)");
  std::mt19937_64 numbers(11);
  RowSource rows(12);
  std::string key(kKeyBytes, '\0');
  for (int i = 0; i < pair_count; ++i) {
    for (char& c : key) c = static_cast<char>(numbers());
    insert.Bind(1, std::string_view{key});
    insert.Bind(2, rows.NextBody());
    insert.Run();
  }
  connection.Execute("COMMIT");
}

class PairWorkload : public Workload {
 public:
  PairWorkload(const Backend& backend, const Effort& effort)
      : backend_(backend), pair_count_(effort.pair_count) {}

 protected:
  bool is_ours() const { return backend_.kind() == Backend::Kind::kActorkv; }
  std::string InDirectory(const std::string& name) const {
    return backend_.directory() + "/" + name;
  }
  int pair_count() const { return pair_count_; }
  const Backend& backend() const { return backend_; }

  void AttachPairs(Connection* connection) const {
    connection->Execute(
        ("ATTACH " + Quoted("file:" + pairs_ + "?vfs=unix") + " AS source")
            .c_str());
  }
  // A connection with the store as its default store, and the pairs.
  Connection OpenStore() const {
    Connection connection(":memory:");
    AttachPairs(&connection);
    (void)connection.QueryInt(
        ("SELECT actorkv_store(" + Quoted(backend_.StorePath()) + ")").c_str());
    return connection;
  }
  void MakeSource() { MakePairs(pairs_, pair_count_); }

  static void ImportAs(const std::string& actor, Connection* connection) {
    (void)connection->QueryInt(
        ("SELECT actorkv_import_pairs(" + Quoted(actor) +
         ", actorkv_pair_set(key, value, 'opaque')) FROM source.pair")
            .c_str());
  }

 private:
  const Backend backend_;
  const int pair_count_;
  const std::string pairs_ = InDirectory("m5.db");
};

// In pairs a second.
class PairImport : public PairWorkload {
 public:
  using PairWorkload::PairWorkload;

  void SetUp() override { MakeSource(); }

  Sample Run() override {
    Sample sample;
    sample.op_count = static_cast<uint64_t>(pair_count());
    const std::string name = "m5-" + std::to_string(++count_);
    if (is_ours()) {
      Connection connection = OpenStore();
      const Stopwatch watch;
      ImportAs(name, &connection);
      sample.seconds = watch.seconds();
      (void)connection.QueryInt(
          ("SELECT actorkv_purge(" + Quoted(name) + ")").c_str());
    } else {
      sample.seconds = InsertInto(name);
    }
    backend().Remove(name);
    return sample;
  }

 private:
  double InsertInto(const std::string& name) const {
    Connection connection = backend().Create(name);
    AttachPairs(&connection);
    connection.Execute(
        "CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
    const Stopwatch watch;
    connection.Execute("INSERT INTO kv SELECT key, value FROM source.pair");
    return watch.seconds();
  }

  int count_ = 0;
};

// In MB a second.
class PairExport : public PairWorkload {
 public:
  using PairWorkload::PairWorkload;

  void SetUp() override {
    MakeSource();
    if (is_ours()) {
      connection_.emplace(OpenStore());
      ImportAs("m5", &*connection_);
      return;
    }
    std::filesystem::copy_file(InDirectory("m5.db"), file_);
  }

  Sample Run() override {
    const std::string copy = InDirectory("m5.copy");
    const Stopwatch watch;
    if (is_ours()) {
      (void)connection_->QueryInt(
          ("SELECT actorkv_export('m5', " + Quoted(copy) + ", 'kv.bin')")
              .c_str());
    } else {
      CopyFile(file_, copy);
    }
    Sample sample;
    sample.seconds = watch.seconds();
    sample.op_count = static_cast<uint64_t>(FileMegabytes(copy));
    std::filesystem::remove(copy);
    return sample;
  }

 private:
  const std::string file_ = InDirectory("m5.file");
  std::optional<Connection> connection_;
};

}  // namespace

void AddPairWorkloads(std::vector<WorkloadSpec>* specs) {
  AddWorkload<PairImport>(
      "M5/import", "pairs in random order; beside rows WITHOUT ROWID", specs)
      ->bar = 0.5;
  WorkloadSpec* const out = AddWorkload<PairExport>(
      "M5/export", "the same out; beside cp, fsync", specs);
  out->unit = Unit::kMbPerSecond;
  out->bar = 0.3;
}

}  // namespace actorkv::bench
