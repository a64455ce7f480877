// These write bytes as hexadecimal digits, and read them.

#ifndef ACTORKV_KV_BASE_HEX_H_
#define ACTORKV_KV_BASE_HEX_H_

#include <string>
#include <string_view>

namespace actorkv {

// Writes two lower-case digits a byte.
std::string ToHex(std::string_view bytes);

// Reads digits of either case. False, with *bytes unchanged, for anything else
// and for an odd number of them.
bool FromHex(std::string_view digits, std::string* bytes);

// Writes bytes for messages: text in quotes where all is printable ASCII and no
// quote, else two digits a byte; cut with "..." past 64 bytes.
std::string BytesText(std::string_view bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_HEX_H_
