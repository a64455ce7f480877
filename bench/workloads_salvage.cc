// M4: what is left of a database of 150 MB that lost 100 pages, a legacy one,
// as a plain file and row by row. What it is compared with, in the place of the
// unix VFS, is the export of the same database from a sound actor.

#include <algorithm>
#include <filesystem>
#include <fstream>
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

constexpr uint64_t kChunkBytes = 4096;
constexpr uint64_t kLostPages = 100;

// What the line of a chunk begins with in a dump.
constexpr char kChunkLine[] = R"({"k":"08010100)";

enum class Way { kFile, kRows };

// Leaves kLostPages chunks out of a dump, evenly, and never the first.
void LoseChunks(const std::string& from, const std::string& to,
                uint64_t chunk_count) {
  std::ifstream whole(from);
  std::ofstream rest(to);
  const uint64_t step = std::max<uint64_t>(2, chunk_count / kLostPages);
  uint64_t chunk = 0;
  uint64_t lost = 0;
  for (std::string line; std::getline(whole, line);) {
    const bool is_chunk =
        line.compare(0, sizeof kChunkLine - 1, kChunkLine) == 0;
    if (is_chunk && ++chunk % step == step / 2 && lost < kLostPages) {
      ++lost;
      continue;
    }
    rest << line << '\n';
  }
  if (lost != kLostPages) Die("M4 did not lose 100 pages");
}

class Salvage : public Workload {
 public:
  Salvage(const Backend& backend, const Effort& effort, Way way)
      : is_sound_(backend.kind() == Backend::Kind::kUnixWal),
        way_(way),
        size_bytes_(effort.plain_bytes),
        directory_(backend.directory()) {}

  void SetUp() override {
    MakePlainDatabase(plain_, size_bytes_);
    // What stands beside it is the module's as well.
    Backend(Backend::Kind::kActorkv, directory_).Activate();
    connection_.emplace(":memory:");
    Call("SELECT actorkv_store(" + Quoted(directory_ + "/m4.store") +
         ") IS NOT NULL");
    Call("SELECT actorkv_import('sound', " + Quoted(plain_) + ")");
    if (is_sound_) return;
    const std::string whole = directory_ + "/m4.jsonl";
    const std::string rest = directory_ + "/m4-rest.jsonl";
    Call("SELECT actorkv_export('sound', " + Quoted(whole) + ", 'jsonl')");
    LoseChunks(whole, rest, std::filesystem::file_size(plain_) / kChunkBytes);
    Call("SELECT actorkv_import('hurt', " + Quoted(rest) + ")");
    std::filesystem::remove(whole);
    std::filesystem::remove(rest);
  }

  Sample Run() override {
    const std::string file = directory_ + "/m4-out.db";
    const Stopwatch watch;
    if (is_sound_) {
      Call("SELECT actorkv_export('sound', " + Quoted(file) + ")");
    } else if (way_ == Way::kFile) {
      Call("SELECT actorkv_export('hurt', " + Quoted(file) + ", 'salvage')");
    } else {
      Call("SELECT count(*) FROM actorkv_salvage_rows('hurt', 'note')");
    }
    Sample sample;
    sample.seconds = watch.seconds();
    sample.op_count = static_cast<uint64_t>(FileMegabytes(plain_));
    std::filesystem::remove(file);
    return sample;
  }

 private:
  void Call(const std::string& sql) {
    if (connection_->QueryInt(sql.c_str()) == 0) Die("M4 did nothing");
  }

  const bool is_sound_;
  const Way way_;
  const uint64_t size_bytes_;
  const std::string directory_;
  const std::string plain_ = directory_ + "/m4.db";
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
    return std::make_unique<Salvage>(backend, effort, way);
  };
  specs->push_back(std::move(spec));
}

}  // namespace

void AddSalvageWorkloads(std::vector<WorkloadSpec>* specs) {
  constexpr double kThirdOfExport = 0.34;
  Add(Way::kFile, "M4", "salvage of 150 MB, 100 pages lost; beside its export",
      kThirdOfExport, specs);
  Add(Way::kRows, "M4/rows", "all rows of it; beside its export", 0, specs);
}

}  // namespace actorkv::bench
