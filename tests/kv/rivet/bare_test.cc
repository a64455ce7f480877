// BARE: one encoding for one number, and no length is believed.
#include "kv/rivet/bare.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/support/bytes.h"

namespace actorkv {
namespace {

using std::string_literals::operator""s;

TEST(BareTest, NumbersComeBack) {
  const struct {
    uint64_t value;
    const char* bytes;
  } kCases[] = {
      {0, "00"},     {1, "01"},       {127, "7f"},
      {128, "8001"}, {16383, "ff7f"}, {UINT64_MAX, "ffffffffffffffffff01"},
  };
  for (const auto& c : kCases) {
    std::string bytes;
    AppendBareUint(&bytes, c.value);
    EXPECT_EQ(Hex(bytes), c.bytes);
    BareReader reader(bytes);
    EXPECT_EQ(reader.Uint(), c.value);
    reader.End();
    EXPECT_TRUE(reader.ok()) << reader.error();
  }
}

TEST(BareTest, BadBytesAreNamed) {
  const struct {
    std::string bytes;
    const char* error;
    size_t offset;
  } kCases[] = {
      {"", "a number is cut short", 0},
      {"\x80"s, "a number is cut short", 0},
      {"\x80\x00"s, "a number is written longer than it is", 0},
      {"\xff\x80\x80\x00"s, "a number is written longer than it is", 0},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,
       "a number has more than 64 bits", 0},
      {"\x02z"s, "a length is larger than what is left", 0},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,
       "a length is larger than what is left", 0},
      {"\x01zz"s, "bytes are left over", 2},
  };
  for (const auto& c : kCases) {
    BareReader reader(c.bytes);
    reader.Data();
    reader.End();
    EXPECT_EQ(reader.error(), c.error) << Hex(c.bytes);
    EXPECT_EQ(reader.offset(), c.offset) << Hex(c.bytes);
    EXPECT_EQ(reader.Uint(), 0U);
    EXPECT_EQ(reader.Data(), "");
  }
}

}  // namespace
}  // namespace actorkv
