// These write JSON as text, piece by piece, and take the members of an object
// apart. nlohmann's values of objects and arrays are not used: their
// destructors allocate, and so end the process where memory runs out.

#ifndef ACTORKV_KV_RIVET_JSON_TEXT_H_
#define ACTORKV_KV_RIVET_JSON_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

// Returns a string of JSON, with its quotes. Bytes that are not UTF-8 become
// replacement characters.
std::string JsonString(std::string_view text);

// JsonWriter: writes a value in order. With `indent` 0 it writes no spaces;
// else each member on a line of its own, indented by so many for each level.
class JsonWriter {
 public:
  explicit JsonWriter(size_t indent) : indent_(indent) {}

  void Open(char bracket);   // '{' or '['
  void Close(char bracket);  // '}' or ']'
  void Key(std::string_view name);
  void Value(std::string_view json);  // a number, a JsonString(), ...

  // Parses `json`, which must be one value, and writes it.
  void Copy(std::string_view json);

  const std::string& text() const { return text_; }

 private:
  void Begin();  // begins a member
  void NewLine();

  const size_t indent_;
  std::string text_;
  std::vector<size_t> counts_;  // members so far, by level
  bool after_key_ = false;
};

// JsonMember: a member of an object.
struct JsonMember {
  enum class Kind { kNull, kString, kInteger, kObject, kOther };

  std::string name;
  Kind kind = Kind::kOther;
  std::string text;     // a string itself; others as JSON, without spaces
  int64_t integer = 0;  // the value of kInteger, which has 64 bits
};

// Reads the members of the object that `json` is, in its order. Errors:
// kInvalidArgument: it is none, is nested deeper than `max_depth`, or has a
// member twice.
Status ReadJsonObject(std::string_view json, size_t max_depth,
                      std::vector<JsonMember>* members);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_JSON_TEXT_H_
