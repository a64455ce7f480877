#include "sql/history/value_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "kv/base/hex.h"
#include "kv/base/utf8.h"

namespace actorkv {

namespace {

// Only strings and numbers of the library are used: its objects and arrays
// allocate in their destructors, and so end the process where memory runs out.
using nlohmann::json;

// Returns {"kind":"text"}. REQUIRES: the text needs no escapes.
std::string Marked(const char* kind, const std::string& text) {
  return std::string("{\"") + kind + "\":\"" + text + "\"}";
}

}  // namespace

std::string JsonText(const std::string& text) {
  // SQLite stores any bytes as text. What is not UTF-8 is shown byte by byte
  // instead of being replaced, because a diff must not hide a difference.
  return IsUtf8(text) ? json(text).dump() : Marked("text", ToHex(text));
}

std::string RealJson(double value) {
  if (std::isfinite(value)) return json(value).dump();
  return Marked("real", value < 0 ? "-Infinity" : "Infinity");
}

std::string BlobJson(std::string_view bytes) {
  return Marked("blob", ToHex(bytes));
}

}  // namespace actorkv
