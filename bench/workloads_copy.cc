// W10: a database of 150 MB as a plain file: actorkv_export() beside cp and
// fsync, SQLite's backup API and VACUUM INTO beside themselves on the unix VFS.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bench/plain_file.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

enum class Way { kExport, kBackup, kVacuum };

class Copies : public Workload {
 public:
  Copies(const Backend& backend, const Effort& effort, Way way)
      : backend_(backend), size_bytes_(effort.plain_bytes), way_(way) {}

  void SetUp() override {
    MakePlainDatabase(plain_, size_bytes_);
    if (backend_.kind() == Backend::Kind::kUnixWal) {
      connection_.emplace("file:" + plain_ + "?vfs=unix");
      return;
    }
    connection_.emplace(":memory:");
    Call("actorkv_store(" + Quoted(backend_.StorePath()) + ")");
    Call("actorkv_import('w10', " + Quoted(plain_) + ")");
    if (way_ != Way::kExport) connection_.emplace(backend_.Open("w10"));
  }

  Sample Run() override {
    const std::string copy = InDirectory("copy.db");
    const Stopwatch watch;
    Copy(copy);
    Sample sample;
    sample.seconds = watch.seconds();
    sample.op_count = static_cast<uint64_t>(FileMegabytes(copy));
    std::filesystem::remove(copy);
    return sample;
  }

 private:
  void Copy(const std::string& to) {
    switch (way_) {
      case Way::kExport:
        if (backend_.kind() == Backend::Kind::kUnixWal) {
          return CopyFile(plain_, to);
        }
        return Call("actorkv_export('w10', " + Quoted(to) + ")");
      case Way::kBackup:
        return BackUpTo(to, *connection_);
      case Way::kVacuum:
        // Without vfs= an actor's VFS would be asked for it.
        return connection_->Execute(
            ("VACUUM INTO " + Quoted("file:" + to + "?vfs=unix")).c_str());
    }
  }

  void Call(const std::string& call) {
    (void)connection_->QueryInt(("SELECT " + call).c_str());
  }

  std::string InDirectory(const std::string& name) const {
    return backend_.directory() + "/" + name;
  }

  const Backend backend_;
  const uint64_t size_bytes_;
  const Way way_;
  const std::string plain_ = InDirectory("w10.db");
  std::optional<Connection> connection_;
};

void Add(Way way, const char* id, const char* text, double bar,
         std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = id;
  spec.text = text;
  spec.unit = Unit::kMbPerSecond;
  spec.bar = bar;
  spec.make = [way](const Backend& backend, const Effort& effort) {
    return std::make_unique<Copies>(backend, effort, way);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddCopyWorkloads(std::vector<WorkloadSpec>* specs) {
  Add(Way::kExport, "W10/export", "export of 150 MB; beside cp, fsync", 0.5,
      specs);
  Add(Way::kBackup, "W10/backup", "backup API, 150 MB to a plain file", 0,
      specs);
  Add(Way::kVacuum, "W10/vacuum", "VACUUM INTO, 150 MB to a plain file", 0,
      specs);
}

}  // namespace actorkv::bench
