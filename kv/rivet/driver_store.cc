#include "kv/rivet/driver_store.h"

#include <map>
#include <string_view>
#include <utility>

#include "kv/base/affix.h"
#include "kv/files/byte_reader.h"
#include "kv/files/open_bytes.h"
#include "kv/rivet/archive_layout.h"
#include "kv/rivet/named_pairs.h"

namespace actorkv {

namespace {

constexpr std::string_view kDatabaseSuffix = ".db";
// Of files that are being written, or were when the driver was killed.
constexpr std::string_view kUnfinished = ".tmp.";
// An alarm file has an id and a time.
constexpr size_t kMaxAlarmBytes = 4096;

// Lists the files of a directory that need not be there.
Status ListFiles(const std::string& directory,
                 std::vector<std::string>* names) {
  DirectoryList list;
  Status s = ListWholeDirectory(directory, &list);
  if (s.code() == Code::kNotFound) return Status::Ok();
  if (!s.ok()) return s;
  for (std::string& name : list.others) {
    if (name.find(kUnfinished) == std::string::npos) {
      names->push_back(std::move(name));
    }
  }
  return Status::Ok();
}

Status OpenFile(const std::string& path, std::unique_ptr<ByteSource>* source) {
  bool gzip = false;
  return OpenBytes(path, source, &gzip);
}

}  // namespace

Status DriverStore::List(std::vector<DriverActor>* actors) const {
  std::vector<std::string> states;
  std::vector<std::string> databases;
  if (Status s = ListFiles(path_ + kDriverStateName, &states); !s.ok()) {
    return s;
  }
  if (Status s = ListFiles(path_ + kDriverDatabasesName, &databases); !s.ok()) {
    return s;
  }
  std::map<std::string, DriverActor> found;
  for (const std::string& id : states) found[id].has_state = true;
  for (const std::string& name : databases) {
    if (!EndsWith(name, kDatabaseSuffix)) continue;
    found[name.substr(0, name.size() - kDatabaseSuffix.size())].has_database =
        true;
  }
  actors->clear();
  for (auto& [id, actor] : found) {
    actor.id = id;
    actors->push_back(std::move(actor));
  }
  return Status::Ok();
}

Status DriverStore::ReadState(const std::string& id, DriverState* state) const {
  const std::string path = path_ + kDriverStateName + "/" + id;
  std::unique_ptr<ByteSource> source;
  if (Status s = OpenFile(path, &source); !s.ok()) return s;
  return ReadDriverState(std::move(source), state).WithContext(path);
}

Status DriverStore::OpenStatePairs(const std::string& id,
                                   std::unique_ptr<PairSource>* pairs) const {
  const std::string path = path_ + kDriverStateName + "/" + id;
  std::unique_ptr<ByteSource> source;
  if (Status s = OpenFile(path, &source); !s.ok()) return s;
  *pairs = NamedPairs(path, DriverStatePairs(std::move(source)));
  return Status::Ok();
}

Status DriverStore::ReadAlarm(const std::string& id,
                              std::optional<uint64_t>* at_ms) const {
  const std::string path = path_ + kDriverAlarmsName + "/" + id;
  std::unique_ptr<ByteSource> source;
  at_ms->reset();
  Status s = OpenFile(path, &source);
  if (s.code() == Code::kNotFound) return Status::Ok();
  if (!s.ok()) return s;
  ByteReader reader(std::move(source));
  std::string bytes;
  uint64_t read = 0;
  if (s = reader.Take(kMaxAlarmBytes, &bytes); !s.ok()) return s;
  if (s = DecodeDriverAlarm(bytes, &read); !s.ok()) return s.WithContext(path);
  *at_ms = read;
  return Status::Ok();
}

std::string DriverStore::DatabasePath(const std::string& id) const {
  return path_ + kDriverDatabasesName + "/" + id + std::string(kDatabaseSuffix);
}

}  // namespace actorkv
