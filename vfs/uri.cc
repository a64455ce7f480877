#include "vfs/uri.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

#include "vfs/sqlite_api.h"

namespace actorkv {

namespace {

constexpr char kOpenTimeout[] = "open_timeout_ms";

// https://www.sqlite.org/uri.html, the parameters of SQLite's own VFSes, and
// ours: asof, open_timeout_ms, and actorkv_sql of ext/actorkv_ext.cc.
constexpr const char* kKnown[] = {
    "vfs",    "mode", "cache",   "psow", "nolock",      "immutable", "modeof",
    "hexkey", "key",  "textkey", "asof", "actorkv_sql", kOpenTimeout};

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
  return ParseOpenTimeout(name, &options->open_timeout);
}

Status ParseOpenTimeout(const char* name, std::chrono::milliseconds* timeout) {
  const char* const text = sqlite3_uri_parameter(name, kOpenTimeout);
  if (text == nullptr) return Status::Ok();
  const int64_t max = OpenWait::kMaxLimit.count();
  int64_t value = 0;
  bool is_number = text[0] != '\0';
  for (const char* at = text; *at != '\0'; ++at) {
    is_number = is_number && *at >= '0' && *at <= '9';
    value = std::min(max, value * 10 + (*at - '0'));
  }
  if (!is_number) {
    return Status::InvalidArgument(
        std::string(kOpenTimeout) +
        " is not a whole number of milliseconds from 0 on: " + text);
  }
  *timeout = std::chrono::milliseconds(value);
  return Status::Ok();
}

}  // namespace actorkv
