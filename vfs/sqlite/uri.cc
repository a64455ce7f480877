#include "vfs/sqlite/uri.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

namespace {

constexpr char kOpenTimeout[] = "open_timeout_ms";

// The parameters of https://www.sqlite.org/uri.html, those of SQLite's own
// VFSes, and ours: asof, legacy, open_timeout_ms, and actorkv_sql of
// ext/actorkv_ext.cc.
constexpr const char* kKnown[] = {
    "vfs",    "mode", "cache",   "psow", "nolock", "immutable",   "modeof",
    "hexkey", "key",  "textkey", "asof", "legacy", "actorkv_sql", kOpenTimeout};

// Reads a truth value like util.c sqlite3GetBoolean (3.40.1).
bool IsTrue(const char* text, bool otherwise) {
  if (*text >= '0' && *text <= '9') return std::strtol(text, nullptr, 10) != 0;
  for (const char* word : {"on", "yes", "true"}) {
    if (sqlite3_stricmp(text, word) == 0) return true;
  }
  for (const char* word : {"off", "no", "false"}) {
    if (sqlite3_stricmp(text, word) == 0) return false;
  }
  return otherwise;
}

}  // namespace

UriParameters::UriParameters(const char* name)
    // A name that SQLite did not read as a URI carries its parameters behind
    // two slashes (vfs/sqlite/raw_uri.h): there sqlite3_uri_parameter() finds
    // none.
    : name_(name), raw_(DecodeUriPairs(QueryOf(name))) {}

const char* UriParameters::Find(const char* key) const& {
  for (const auto& [name, value] : raw_) {
    if (name == key) return value.c_str();
  }
  return sqlite3_uri_parameter(name_, key);
}

bool UriParameters::Boolean(const char* key, bool otherwise) const {
  const char* const text = Find(key);
  return text == nullptr ? otherwise : IsTrue(text, otherwise);
}

const char* UriParameters::KeyAt(size_t index) const& {
  if (index < raw_.size()) return raw_[index].first.c_str();
  return sqlite3_uri_key(name_, static_cast<int>(index - raw_.size()));
}

Status CheckUriParameter(const std::string& key, const std::string& value) {
  // Names that begin with '_' are those of drivers, which know what they mean.
  if (key[0] == '_' ||
      std::any_of(std::begin(kKnown), std::end(kKnown),
                  [&](const char* known) { return key == known; })) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "unknown URI parameter: " + key +
      (value.empty() ? "; a '?' that is part of a name is written %3F" : ""));
}

Status ParseUriOptions(const char* name, UriOptions* options) {
  const UriParameters parameters(name);
  for (size_t i = 0;; ++i) {
    const char* const key = parameters.KeyAt(i);
    if (key == nullptr) break;
    if (Status s = CheckUriParameter(key, parameters.Find(key)); !s.ok()) {
      return s;
    }
  }
  const char* const as_of = parameters.Find("asof");
  options->as_of.reset();
  if (as_of != nullptr) options->as_of = as_of;
  options->legacy_pairs = parameters.Boolean("legacy", false);
  if (options->legacy_pairs && as_of != nullptr) {
    return Status::InvalidArgument(
        "legacy=1 shows the pairs that the actor came with, which have no "
        "past: leave out asof=");
  }
  options->named_vfs = parameters.Find("vfs") != nullptr;
  options->never_locks = parameters.Boolean("nolock", false) ||
                         parameters.Boolean("immutable", false);
  // SQLite turns `mode` into flags of the open where it reads the URI; only
  // where it did not the VFS has to.
  const char* const mode =
      parameters.is_raw() ? parameters.Find("mode") : nullptr;
  options->raw_mode = mode == nullptr ? "" : mode;
  return ParseOpenTimeout(name, &options->open_timeout);
}

Status ParseOpenTimeout(const char* name, std::chrono::milliseconds* timeout) {
  const UriParameters parameters(name);
  const char* const text = parameters.Find(kOpenTimeout);
  if (text == nullptr) return Status::Ok();
  const int64_t max = OpenWait::kMaxLimit.count();
  int64_t value = 0;
  bool is_number = text[0] != '\0';
  for (const char* at = text; *at != '\0'; ++at) {
    is_number = is_number && *at >= '0' && *at <= '9';
    // Cut at each digit, the value never overflows.
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
