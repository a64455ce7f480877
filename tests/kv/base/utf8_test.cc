// The edges of table 3-7 of the Unicode standard, and those of UTF-16.

#include "kv/base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/bytes.h"

namespace actorkv {
namespace {

TEST(Utf8Test, Table) {
  const struct {
    std::string text;
    bool good;
  } kCases[] = {
      {"", true},
      {"alice", true},
      {std::string("a\0b", 3), true},
      {"\x7f", true},
      {"\xc2\x80", true},
      {"\xdf\xbf", true},
      {"\xe0\xa0\x80", true},
      {"\xed\x9f\xbf", true},
      {"\xee\x80\x80", true},
      {"\xef\xbf\xbf", true},
      {"\xf0\x90\x80\x80", true},
      {"\xf4\x8f\xbf\xbf", true},
      {"z\xc3\xbcrich \xf0\x9f\x8e\xb2!", true},
      {"\x80", false},              // continuation alone
      {"\xbf", false},              //
      {"\xc0\x80", false},          // overlong NUL
      {"\xc1\xbf", false},          // overlong
      {"\xc2", false},              // cut
      {"\xc2\x7f", false},          // no continuation
      {"\xc2\xc0", false},          //
      {"\xe0\x9f\xbf", false},      // overlong
      {"\xe1\x80", false},          // cut
      {"\xe1\x80\x7f", false},      // third byte
      {"\xed\xa0\x80", false},      // surrogate
      {"\xed\xbf\xbf", false},      // surrogate
      {"\xf0\x8f\xbf\xbf", false},  // overlong
      {"\xf0\x90\x80", false},      // cut
      {"\xf0\x90\x80\xc0", false},  // fourth byte
      {"\xf4\x90\x80\x80", false},  // above U+10FFFF
      {"\xf5\x80\x80\x80", false},  //
      {"\xff", false},              //
      {"good\xff", false},          // after good text
      {"good\xe2\x82", false},      // cut at the end
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(IsUtf8(c.text), c.good) << Hex(c.text);
  }
}

TEST(Utf8Test, EscapesWhatIsNoCharacter) {
  const struct {
    std::string bytes;
    const char* text;
  } kCases[] = {
      {"", ""},
      {"plain", "plain"},
      {"z\xc3\xbcrich \xf0\x9f\x8e\xb2", "z\xc3\xbcrich \xf0\x9f\x8e\xb2"},
      {"a line\nand a \\", "a line\nand a \\"},
      {"f\xff", "f\\xff"},
      {"\xff\xfe", "\\xff\\xfe"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\xe2\x82", "\\xe2\\x82"},
      {"\xe2\x82z", "\\xe2\\x82z"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xc0\x80", "\\xc0\\x80"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(EscapedUtf8(c.bytes), c.text) << Hex(c.bytes);
    EXPECT_TRUE(IsUtf8(EscapedUtf8(c.bytes)));
  }
}

TEST(Utf8Test, OfUtf16) {
  const struct {
    std::string bytes;  // little-endian
    const char* text;
  } kCases[] = {
      {"", ""},
      {std::string("a\0", 2), "a"},
      {"\xfc\x01", "\xc7\xbc"},
      {"\xac\x20", "\xe2\x82\xac"},
      {"\x3c\xd8\xb2\xdf", "\xf0\x9f\x8e\xb2"},
      {"\x3c\xd8", "\xef\xbf\xbd"},  // half of a pair
      {std::string("\x3c\xd8z\0", 4), "\xef\xbf\xbdz"},
      {"\xb2\xdf\xac\x20", "\xef\xbf\xbd\xe2\x82\xac"},
      {"\xac\x20z", "\xe2\x82\xac\xef\xbf\xbd"},  // an odd byte
      {"\x3c\xd8z", "\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Utf8OfUtf16(c.bytes, false), c.text) << Hex(c.bytes);
    std::string swapped = c.bytes;
    for (size_t i = 0; i + 1 < swapped.size(); i += 2) {
      std::swap(swapped[i], swapped[i + 1]);
    }
    EXPECT_EQ(Utf8OfUtf16(swapped, true), c.text) << Hex(c.bytes);
    EXPECT_TRUE(IsUtf8(Utf8OfUtf16(c.bytes, false)));
  }
}

}  // namespace
}  // namespace actorkv
