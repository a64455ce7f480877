#include "kv/process/engines.h"

#include <utility>

#include "kv/base/affix.h"
#include "kv/rocksdb/rocksdb_home.h"
#include "kv/rocksdb/rocksdb_sorted_pairs.h"

namespace actorkv {

namespace {

constexpr std::string_view kRadosScheme = "rados://";

// Leaked on purpose: it is asked while the process ends.
EngineHome* DirectoryHome() {
  static auto* const home = new RocksDbHome;
  return home;
}

}  // namespace

Status CheckScheme(std::string_view name) {
  if (!BeginsWith(name, kRadosScheme)) return Status::Ok();
  return Status::NotSupported(
      "this module has no engine for rados://, Ceph's object store: name a "
      "directory for the store: " +
      std::string(name));
}

Status FindHome(std::string_view place, EngineHome** home) {
  if (Status s = CheckScheme(place); !s.ok()) return s;
  *home = DirectoryHome();
  return Status::Ok();
}

const std::vector<EngineHome*>& AllHomes() {
  static const auto* const homes =
      new std::vector<EngineHome*>{DirectoryHome()};
  return *homes;
}

Status CanonicalPlace(const std::string& place, std::string* canonical) {
  EngineHome* home = nullptr;
  if (Status s = FindHome(place, &home); !s.ok()) return s;
  return home->Canonical(place, canonical);
}

Status OpenRivetEngine(const std::string& directory,
                       std::unique_ptr<RivetEngine>* engine) {
  std::unique_ptr<SortedPairSpace> pairs;
  if (Status s = OpenRocksDbPairs(directory, &pairs); !s.ok()) return s;
  *engine = std::make_unique<RivetEngine>(std::move(pairs));
  return Status::Ok();
}

}  // namespace actorkv
