// Values of SQLite as JSON. A value that JSON has no form for is an object with
// one member in its place:
//
//     {"blob":"00ff"}         a blob, hexadecimal
//     {"text":"c3"}           text that is not UTF-8, its bytes hexadecimal
//     {"real":"Infinity"}     or "-Infinity"

#ifndef ACTORKV_SQL_HISTORY_VALUE_JSON_H_
#define ACTORKV_SQL_HISTORY_VALUE_JSON_H_

#include <string>
#include <string_view>

namespace actorkv {

std::string JsonText(const std::string& text);
std::string RealJson(double value);
std::string BlobJson(std::string_view bytes);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_VALUE_JSON_H_
