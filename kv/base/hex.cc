#include "kv/base/hex.h"

#include <utility>

namespace actorkv {

namespace {

// Returns 0..15, or -1 for what is no digit.
int DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr size_t kTextBytes = 64;

// Returns true when all bytes are printable, and none is a quote.
bool IsPlainText(std::string_view bytes) {
  for (const char byte : bytes) {
    if (byte < ' ' || byte > '~' || byte == '\'') return false;
  }
  return !bytes.empty();
}

}  // namespace

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    digits.push_back(kDigits[byte >> 4]);
    digits.push_back(kDigits[byte & 15]);
  }
  return digits;
}

bool FromHex(std::string_view digits, std::string* bytes) {
  if (digits.size() % 2 != 0) return false;
  std::string read;
  read.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = DigitValue(digits[i]);
    const int low = DigitValue(digits[i + 1]);
    if (high < 0 || low < 0) return false;
    read.push_back(static_cast<char>(high << 4 | low));
  }
  *bytes = std::move(read);
  return true;
}

std::string BytesText(std::string_view bytes) {
  const std::string_view shown = bytes.substr(0, kTextBytes);
  std::string text =
      IsPlainText(shown) ? "'" + std::string(shown) + "'" : ToHex(shown);
  if (bytes.size() > kTextBytes) text.append("...");
  return text;
}

}  // namespace actorkv
