// RawUri: a name that begins with "file:" and that SQLite did not take for a
// URI, because its host turned that off or opened without SQLITE_OPEN_URI. Such
// a name comes to the VFS as it was written, so that the VFS reads it, by
// SQLite's rules (https://www.sqlite.org/uri.html; main.c sqlite3ParseUri,
// 3.40.1).
//
// Requests that only SQLite can fulfil are refused, as is what may be a name
// that lost its end: a '#' before the '?'.

#ifndef ACTORKV_VFS_SQLITE_RAW_URI_H_
#define ACTORKV_VFS_SQLITE_RAW_URI_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

using UriPairs = std::vector<std::pair<std::string, std::string>>;

struct RawUri {
  std::string path;  // decoded; may be relative
  UriPairs parameters;

  // The value of the first parameter of this name; null: not given.
  const std::string* Find(std::string_view key) const;
};

bool IsRawUri(std::string_view name);

// Parses a URI. Errors: kInvalidArgument, with what to write instead.
Status ParseRawUri(std::string_view name, RawUri* uri);

// These encode parameters as a text that has no '/', and decode it.
std::string EncodeUriPairs(const UriPairs& pairs);
UriPairs DecodeUriPairs(std::string_view text);

// Writes every byte but letters, digits and "-._~" as %HH.
std::string EscapeUri(std::string_view text);

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_RAW_URI_H_
