#include "vfs/uri.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "vfs/sqlite_api.h"

namespace actorkv {

namespace {

// https://www.sqlite.org/uri.html, the parameters of SQLite's own VFSes, and
// ours: asof, and actorkv_sql of ext/actorkv_ext.cc.
constexpr const char* kKnown[] = {
    "vfs",    "mode",   "cache", "psow",    "nolock", "immutable",
    "modeof", "hexkey", "key",   "textkey", "asof",   "actorkv_sql"};

bool IsKnown(const std::string& key) {
  return key[0] == '_' ||
         std::any_of(std::begin(kKnown), std::end(kKnown),
                     [&](const char* known) { return key == known; });
}

}  // namespace

Status ParseUriOptions(const char* name, UriOptions* options) {
  for (int i = 0;; ++i) {
    const char* key = sqlite3_uri_key(name, i);
    if (key == nullptr) break;
    if (!IsKnown(key)) {
      return Status::InvalidArgument(std::string("unknown URI parameter: ") +
                                     key);
    }
  }
  const char* const as_of = sqlite3_uri_parameter(name, "asof");
  options->as_of.reset();
  if (as_of != nullptr) options->as_of = as_of;
  options->named_vfs = sqlite3_uri_parameter(name, "vfs") != nullptr;
  options->never_locks = sqlite3_uri_boolean(name, "nolock", 0) != 0 ||
                         sqlite3_uri_boolean(name, "immutable", 0) != 0;
  return Status::Ok();
}

}  // namespace actorkv
