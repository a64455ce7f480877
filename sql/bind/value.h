// Values that go to SQLite, for functions and columns alike.

#ifndef ACTORKV_SQL_BIND_VALUE_H_
#define ACTORKV_SQL_BIND_VALUE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "kv/base/utf8.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// The value of one function call or one column. Null until it is set.
class Result {
 public:
  explicit Result(sqlite3_context* context) : context_(context) {}

  void Int(uint64_t value) {
    constexpr auto kMax = uint64_t{std::numeric_limits<int64_t>::max()};
    sqlite3_result_int64(context_,
                         static_cast<sqlite3_int64>(std::min(value, kMax)));
  }
  void SignedInt(int64_t value) { sqlite3_result_int64(context_, value); }
  void Real(double value) { sqlite3_result_double(context_, value); }
  // 0 stands for "none" and becomes NULL.
  void IntOrNull(uint64_t value) {
    if (value != 0) Int(value);
  }
  void Blob(std::string_view bytes) {
    // A null pointer would make it NULL, and a blob of no bytes is not that.
    sqlite3_result_blob64(context_, bytes.empty() ? "" : bytes.data(),
                          bytes.size(), SQLITE_TRANSIENT);
  }
  void Text(std::string_view text) {
    sqlite3_result_text64(context_, text.data(), text.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
  }
  // Sets the text of an error, which may name what is not UTF-8.
  void ErrorText(std::string_view text) { Text(EscapedUtf8(text)); }
  void TextOrNull(std::string_view text) {
    if (!text.empty()) Text(text);
  }

 private:
  sqlite3_context* const context_;
};

// Returns the bytes of a value as text, NUL bytes included; empty for NULL.
inline std::string TextOf(sqlite3_value* value) {
  const void* text = sqlite3_value_text(value);  // before the size
  const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
  return text == nullptr ? std::string()
                         : std::string(static_cast<const char*>(text), size);
}

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_VALUE_H_
