// Bytes in tests: as hexadecimal text, and with one bit damaged.

#ifndef ACTORKV_TESTS_SUPPORT_BYTES_H_
#define ACTORKV_TESTS_SUPPORT_BYTES_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace actorkv {

// Two digits a byte, no spaces: "0aff".
inline std::string Hex(std::string_view bytes) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

// Calls `check(damaged)` with every string that differs from `bytes` in one
// bit.
template <typename Check>
void ForEachBitFlip(const std::string& bytes, Check check) {
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    check(damaged);
  }
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_BYTES_H_
