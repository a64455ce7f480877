#include "vfs/sqlite/raw_uri.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "kv/base/affix.h"

namespace actorkv {

namespace {

constexpr std::string_view kScheme = "file:";
constexpr std::string_view kLocalHost = "localhost";

int HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Decodes %HH. "%00" ends the text, as in SQLite; a '%' without two digits
// stands for itself.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (text[i] != '%' || high < 0 || low < 0) {
      plain += text[i];
      continue;
    }
    const int byte = high << 4 | low;
    if (byte == 0) break;
    plain += static_cast<char>(byte);
    i += 2;
  }
  return plain;
}

// Takes what stands before the first `delimiter` off the front of *text, and
// the delimiter.
std::string_view TakeUntil(char delimiter, std::string_view* text) {
  const size_t end = std::min(text->find(delimiter), text->size());
  const std::string_view taken = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return taken;
}

bool IsOneOf(std::string_view value,
             std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), value) != set.end();
}

Status CheckParameters(const RawUri& uri, std::string_view name) {
  const std::string shown(name);
  const std::string* const mode = uri.Find("mode");
  // SQLite opens a database in memory before it asks any VFS; here it is too
  // late for that.
  if (mode != nullptr && *mode == "memory") {
    return Status::InvalidArgument(
        "SQLite did not read this URI, so that it cannot be in memory: write "
        "':memory:': " +
        shown);
  }
  if (mode != nullptr && !IsOneOf(*mode, {"ro", "rw", "rwc"})) {
    return Status::InvalidArgument("no such access mode: " + *mode + ": " +
                                   shown);
  }
  const std::string* const cache = uri.Find("cache");
  // Caches are shared by the flag that SQLite sets from the URI, before the
  // open.
  if (cache != nullptr && *cache == "shared") {
    return Status::InvalidArgument(
        "SQLite did not read this URI, so that it cannot share its cache: "
        "leave out cache=shared: " +
        shown);
  }
  if (cache != nullptr && *cache != "private") {
    return Status::InvalidArgument("no such cache mode: " + *cache + ": " +
                                   shown);
  }
  return Status::Ok();
}

}  // namespace

const std::string* RawUri::Find(std::string_view key) const {
  const auto it =
      std::find_if(parameters.begin(), parameters.end(),
                   [&](const auto& pair) { return pair.first == key; });
  return it == parameters.end() ? nullptr : &it->second;
}

bool IsRawUri(std::string_view name) { return BeginsWith(name, kScheme); }

Status ParseRawUri(std::string_view name, RawUri* uri) {
  std::string_view rest = name.substr(kScheme.size());
  if (BeginsWith(rest, "//")) {
    rest.remove_prefix(2);
    const std::string_view authority =
        rest.substr(0, std::min(rest.find('/'), rest.size()));
    // As SQLite does it (main.c sqlite3ParseUri, 3.40.1): a file of another
    // machine cannot be opened.
    if (!authority.empty() && authority != kLocalHost) {
      return Status::InvalidArgument("invalid uri authority: " +
                                     std::string(authority));
    }
    rest.remove_prefix(authority.size());
  }
  const size_t fragment = rest.find('#');
  const size_t query = rest.find('?');
  // SQLite would open the name before the '#'; a user may have meant all of it.
  if (fragment < query) {
    return Status::InvalidArgument(
        "in a URI '#' ends the name; one that is part of it is written %23: " +
        std::string(name));
  }
  rest = rest.substr(0, fragment);
  RawUri parsed;
  // The text is divided before it is decoded: an escaped '?' is part of the
  // name.
  parsed.path = Unescape(TakeUntil('?', &rest));
  parsed.parameters = DecodeUriPairs(rest);
  if (parsed.path.empty() || parsed.path == ":memory:") {
    return Status::InvalidArgument(
        "SQLite did not read this URI, so that it cannot be temporary or in "
        "memory: write '' or ':memory:': " +
        std::string(name));
  }
  if (Status s = CheckParameters(parsed, name); !s.ok()) return s;
  *uri = std::move(parsed);
  return Status::Ok();
}

UriPairs DecodeUriPairs(std::string_view text) {
  UriPairs pairs;
  while (!text.empty()) {
    std::string_view value = TakeUntil('&', &text);
    std::string key = Unescape(TakeUntil('=', &value));
    // SQLite passes over a parameter without a name.
    if (!key.empty()) pairs.emplace_back(std::move(key), Unescape(value));
  }
  return pairs;
}

std::string EscapeUri(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // These are the unreserved characters of RFC 3986, section 2.3. '/' is
    // escaped as well: two of them would end the name.
    if (std::isalnum(byte) != 0 || IsOneOf({&c, 1}, {"-", ".", "_", "~"})) {
      escaped += c;
      continue;
    }
    escaped += '%';
    escaped += kDigits[byte >> 4];
    escaped += kDigits[byte & 15];
  }
  return escaped;
}

std::string EncodeUriPairs(const UriPairs& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs) {
    if (!text.empty()) text += '&';
    text += EscapeUri(key) + "=" + EscapeUri(value);
  }
  return text;
}

}  // namespace actorkv
