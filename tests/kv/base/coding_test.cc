// Integers in byte strings, the field reader, and the hash they feed.

#include "kv/base/coding.h"

#include <gtest/gtest.h>

#include "kv/base/hash.h"
#include "tests/support/bytes.h"

namespace actorkv {
namespace {

const uint64_t kNumbers[] = {0,
                             1,
                             0x7f,
                             0x80,
                             0xff,
                             0x100,
                             0x7fffffff,
                             0x80000000,
                             0xffffffff,
                             0x100000000,
                             0x0123456789abcdef,
                             0x8000000000000000,
                             0xffffffffffffffff};

TEST(CodingTest, GoldenBytes) {
  std::string big;
  AppendBig32(&big, 0x01020304);
  AppendBig64(&big, 0x05060708090a0b0c);
  EXPECT_EQ(Hex(big), "0102030405060708090a0b0c");
  std::string little;
  AppendLittle32(&little, 0x01020304);
  AppendLittle64(&little, 0x05060708090a0b0c);
  EXPECT_EQ(Hex(little), "040302010c0b0a0908070605");
}

TEST(CodingTest, RoundTrip) {
  for (uint64_t number : kNumbers) {
    const auto half = static_cast<uint32_t>(number);
    std::string bytes;
    AppendBig64(&bytes, number);
    EXPECT_EQ(LoadBig64(bytes.data()), number);
    bytes.clear();
    AppendLittle64(&bytes, number);
    EXPECT_EQ(LoadLittle64(bytes.data()), number);
    bytes.clear();
    AppendBig32(&bytes, half);
    EXPECT_EQ(LoadBig32(bytes.data()), half);
    std::string stored(4, '\0');
    StoreBig32(stored.data(), half);
    EXPECT_EQ(stored, bytes);
    bytes.clear();
    AppendLittle32(&bytes, half);
    EXPECT_EQ(LoadLittle32(bytes.data()), half);
  }
}

TEST(CodingTest, BigEndianSortsAsNumbers) {
  std::string before;
  for (uint64_t number : kNumbers) {
    std::string bytes;
    AppendBig64(&bytes, number);
    EXPECT_TRUE(before.empty() || before < bytes) << number;
    before = bytes;
  }
}

TEST(FieldReaderTest, ReadsFieldsInOrder) {
  std::string bytes("\x07", 1);
  AppendLittle32(&bytes, 8);
  AppendLittle64(&bytes, 9);
  bytes += "xyz";
  FieldReader fields(bytes);
  EXPECT_EQ(fields.Byte(), 7);
  EXPECT_EQ(fields.Little32(), 8u);
  EXPECT_EQ(fields.Little64(), 9u);
  EXPECT_EQ(fields.Bytes(2), "xy");
  EXPECT_EQ(fields.rest(), "z");
  EXPECT_TRUE(fields.ok());
}

TEST(FieldReaderTest, PastTheEndEverythingIsZero) {
  FieldReader fields("\x01\x02\x03");
  EXPECT_EQ(fields.Little32(), 0u);
  EXPECT_FALSE(fields.ok());
  EXPECT_EQ(fields.Byte(), 0) << "what is left of a short input is not read";
  EXPECT_EQ(fields.Little64(), 0u);
  EXPECT_EQ(fields.Bytes(1), "");
  EXPECT_FALSE(fields.ok());
}

TEST(FieldReaderTest, Varints) {
  const struct {
    uint32_t value;
    std::string bytes;
  } kCases[] = {{0, std::string(1, '\0')},
                {1, "\x01"},
                {127, "\x7f"},
                {128, "\x80\x01"},
                {300, "\xac\x02"},
                {UINT32_MAX, "\xff\xff\xff\xff\x0f"}};
  for (const auto& c : kCases) {
    std::string bytes;
    AppendVarint32(&bytes, c.value);
    EXPECT_EQ(bytes, c.bytes) << c.value;
    FieldReader fields(bytes);
    EXPECT_EQ(fields.Varint32(), c.value);
    EXPECT_TRUE(fields.ok());
    EXPECT_TRUE(fields.rest().empty());
  }
  for (const std::string bytes :
       {"", "\x80", "\xff\xff\xff\xff\x1f", "\x80\x80\x80\x80\x80\x01"}) {
    FieldReader fields(bytes);
    EXPECT_EQ(fields.Varint32(), 0u);
    EXPECT_FALSE(fields.ok());
    EXPECT_TRUE(fields.rest().empty());
  }
}

// Values of the XXH3 reference implementation: they are part of the format.
TEST(HashTest, GoldenValues) {
  EXPECT_EQ(Hash64("", 0), 0x2d06800538d394c2u);
  EXPECT_EQ(Hash64("abc", 0), 0x78af5f94892f3950u);
  EXPECT_NE(Hash64("abc", 0), Hash64("abc", 1));
}

}  // namespace
}  // namespace actorkv
