// UTF-8 (RFC 3629).

#ifndef ACTORKV_KV_UTF8_H_
#define ACTORKV_KV_UTF8_H_

#include <string_view>

namespace actorkv {

// True for well-formed UTF-8: no overlong forms, no surrogates, nothing above
// U+10FFFF.
bool IsUtf8(std::string_view text);

// What some editors put before a text.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace actorkv

#endif  // ACTORKV_KV_UTF8_H_
