#include "kv/inspect/json_fields.h"

#include <nlohmann/json.hpp>

#include "kv/base/coding.h"
#include "kv/base/hex.h"
#include "kv/base/utf8.h"

namespace actorkv {

namespace {

void AddItem(std::string_view json, std::string* items) {
  if (!items->empty()) *items += ',';
  items->append(json);
}

}  // namespace

// Names in a store may be any bytes. What is not UTF-8 is escaped before,
// because the library throws on it.
std::string JsonTextOf(std::string_view text) {
  return nlohmann::json(EscapedUtf8(text)).dump();
}

void JsonFields::Number(const char* name, uint64_t value) {
  Json(name, std::to_string(value));
}

void JsonFields::Number(const char* name, std::optional<uint64_t> value) {
  Json(name, value.has_value() ? std::to_string(*value) : "null");
}

void JsonFields::Flag(const char* name, bool value) {
  Json(name, value ? "true" : "false");
}

void JsonFields::Text(const char* name, std::string_view text) {
  Json(name, JsonTextOf(text));
}

void JsonFields::Hash(const char* name, uint64_t value) {
  std::string bytes;
  // A hash is written in hexadecimal: it is no quantity, and readers of JSON
  // that take numbers for doubles would round it.
  AppendBig64(&bytes, value);
  Hex(name, bytes);
}

void JsonFields::Hex(const char* name, std::string_view bytes) {
  Json(name, "\"" + ToHex(bytes) + "\"");
}

void JsonFields::Json(const char* name, std::string_view json) {
  AddItem(std::string("\"").append(name).append("\":").append(json), &members_);
}

void JsonArray::Add(std::string_view json) { AddItem(json, &items_); }

}  // namespace actorkv
