// JsonFields: a JSON object, written member by member.
//
// Of nlohmann's library only strings are used: its objects and arrays allocate
// in their destructors, and so end the process where memory runs out.

#ifndef ACTORKV_KV_INSPECT_JSON_FIELDS_H_
#define ACTORKV_KV_INSPECT_JSON_FIELDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace actorkv {

// A JSON string, with its quotes. Bytes that are no UTF-8, and NUL bytes, are
// written as EscapedUtf8() does.
std::string JsonTextOf(std::string_view text);

class JsonFields {
 public:
  void Number(const char* name, uint64_t value);
  void Number(const char* name, std::optional<uint64_t> value);  // or null
  void Flag(const char* name, bool value);
  void Text(const char* name, std::string_view text);
  // 16 digits: as a number it may be beyond what SQLite counts to.
  void Hash(const char* name, uint64_t value);
  void Hex(const char* name, std::string_view bytes);
  // `json` is a value already.
  void Json(const char* name, std::string_view json);

  std::string Object() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// An array of values that are JSON already.
class JsonArray {
 public:
  void Add(std::string_view json);

  std::string Array() const { return "[" + items_ + "]"; }

 private:
  std::string items_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_JSON_FIELDS_H_
