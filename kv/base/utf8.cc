#include "kv/base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace actorkv {

namespace {

struct Form {
  unsigned char first_low;
  unsigned char first_high;
  unsigned char second_low;   // the second byte's range shuts out overlong
  unsigned char second_high;  // forms, surrogates and what is too large
  size_t length;
};

// Table 3-7 of the Unicode standard, version 15.
constexpr Form kForms[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

// The length of the character at the front of `text`, 0 when malformed.
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  for (const Form& form : kForms) {
    if (byte(0) < form.first_low || byte(0) > form.first_high) continue;
    if (text.size() < form.length) return 0;
    if (form.length > 1 &&
        (byte(1) < form.second_low || byte(1) > form.second_high)) {
      return 0;
    }
    for (size_t i = 2; i < form.length; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    }
    return form.length;
  }
  return 0;
}

constexpr uint32_t kReplacement = 0xfffd;

void AppendUtf8(uint32_t character, std::string* text) {
  const auto tail = [&](int shift) {
    *text += static_cast<char>(0x80 | (character >> shift & 0x3f));
  };
  if (character < 0x80) {
    *text += static_cast<char>(character);
  } else if (character < 0x800) {
    *text += static_cast<char>(0xc0 | character >> 6);
    tail(0);
  } else if (character < 0x10000) {
    *text += static_cast<char>(0xe0 | character >> 12);
    tail(6);
    tail(0);
  } else {
    *text += static_cast<char>(0xf0 | character >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

bool IsHighSurrogate(uint32_t unit) { return unit >> 10 == 0x36; }
bool IsLowSurrogate(uint32_t unit) { return unit >> 10 == 0x37; }

}  // namespace

std::string Utf8OfUtf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return big_endian ? uint32_t{first} << 8 | second
                      : uint32_t{second} << 8 | first;
  };
  std::string text;
  size_t at = 0;
  while (at + 1 < bytes.size()) {
    uint32_t character = unit(at);
    at += 2;
    if (IsHighSurrogate(character) && at + 1 < bytes.size() &&
        IsLowSurrogate(unit(at))) {
      character = 0x10000 + ((character & 0x3ff) << 10) + (unit(at) & 0x3ff);
      at += 2;
    } else if (IsHighSurrogate(character) || IsLowSurrogate(character)) {
      character = kReplacement;
    }
    AppendUtf8(character, &text);
  }
  if (at < bytes.size()) AppendUtf8(kReplacement, &text);
  return text;
}

std::string EscapedUtf8(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    // A NUL byte would end the text for C.
    const size_t length = bytes[0] == '\0' ? 0 : CharacterLength(bytes);
    if (length > 0) {
      text.append(bytes.substr(0, length));
    } else {
      const auto byte = static_cast<unsigned char>(bytes[0]);
      text += "\\x";
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    bytes.remove_prefix(length > 0 ? length : 1);
  }
  return text;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace actorkv
