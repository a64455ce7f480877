// UTF-8 (RFC 3629), and how UTF-16 becomes it.

#ifndef ACTORKV_KV_BASE_UTF8_H_
#define ACTORKV_KV_BASE_UTF8_H_

#include <string>
#include <string_view>

namespace actorkv {

// Returns true for well-formed UTF-8: no overlong forms, no surrogates, nothing
// above U+10FFFF.
bool IsUtf8(std::string_view text);

// The bytes that some editors put before a text.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Returns `bytes` as well-formed UTF-8 without NUL bytes, for texts that people
// and drivers read: each byte that is part of no character, and each NUL byte,
// is written as \xNN. The rest stays as it is, so a text that is well-formed is
// unchanged; the way back is not exact.
std::string EscapedUtf8(std::string_view bytes);

// Returns UTF-16 as UTF-8. What is no character, half of a pair or an odd byte
// at the end, becomes U+FFFD.
std::string Utf8OfUtf16(std::string_view bytes, bool big_endian);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_UTF8_H_
