#include "kv/rocksdb/database_names.h"

#include <algorithm>
#include <utility>

#include "kv/base/affix.h"
#include "kv/files/directory.h"

namespace actorkv {

namespace {

constexpr std::string_view kDigits = "0123456789";
// RocksDB writes the numbers of files with six digits at least.
constexpr size_t kMinNumberDigits = 6;

bool IsNumber(std::string_view text) {
  return text.size() >= kMinNumberDigits &&
         text.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace

bool IsNumbered(std::string_view name, std::string_view suffix) {
  return EndsWith(name, suffix) &&
         IsNumber(name.substr(0, name.size() - suffix.size()));
}

bool IsManifest(std::string_view name) {
  constexpr std::string_view kManifest = "MANIFEST-";
  return BeginsWith(name, kManifest) && IsNumber(name.substr(kManifest.size()));
}

bool IsOptions(std::string_view name) {
  constexpr std::string_view kOptions = "OPTIONS-";
  if (!BeginsWith(name, kOptions)) return false;
  name.remove_prefix(kOptions.size());
  return IsNumber(name) || IsNumbered(name, ".dbtmp");
}

bool IsLog(std::string_view name) { return IsNumbered(name, ".log"); }

Status ListLogs(const std::string& directory, std::vector<std::string>* names) {
  std::vector<std::string> all;
  if (Status s = ListNames(directory, "", &all); !s.ok()) return s;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const auto& name) { return !IsLog(name); }),
            all.end());
  *names = std::move(all);
  return Status::Ok();
}

}  // namespace actorkv
