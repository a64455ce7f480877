// Preload hints as bytes.

#include "kv/format/hints_record.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "kv/format/keys.h"
#include "kv/format/record_frame.h"
#include "tests/support/bytes.h"
#include "tests/support/record_checks.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

HintsRecord TestHints() {
  HintsRecord record;
  record.generation = {0x0102030405060708};
  record.new_hit_ratio = 0x11;
  record.ranges = {{1, 2, 0x22, true}, {0x01020304, 1, 0x33, false}};
  return record;
}

// DO NOT CHANGE THIS STRING: stores hold records with these bytes. A new
// version of the record gets a line of its own.
TEST(HintsRecordTest, GoldenBytes) {
  EXPECT_EQ(
      Hex(EncodeRecord("key", TestHints())),
      "0108070605040302011102010000000222010403020101330081f2cf1943fc64c0");
  EXPECT_EQ(Hex(HintsKey()), "49");
  EXPECT_LT(HeadKey(), HintsKey()) << "right behind the head";
}

TEST(HintsRecordTest, OnlyWholeRecordsDecode) {
  ExpectSound(TestHints());
  ExpectSound(HintsRecord());
}

TEST(HintsRecordTest, AnUnknownVersionIsNamed) {
  std::string value = EncodeRecord("key", TestHints());
  value[0] = 9;
  HintsRecord decoded;
  const Status s = DecodeRecord("key", value, &decoded);
  EXPECT_EQ(s.code(), Code::kNotSupported);
  EXPECT_NE(s.ToString().find("hints record version 9"), std::string::npos)
      << s.ToString();
}

TEST(HintsRecordTest, RangesAreInOrderApartAndFew) {
  const auto decode = [](std::vector<HintRange> ranges) {
    HintsRecord record;
    record.ranges = std::move(ranges);
    HintsRecord decoded;
    return DecodeRecord("key", EncodeRecord("key", record), &decoded).code();
  };
  EXPECT_EQ(decode({{1, 1, 1, false}, {2, 1, 1, false}}), Code::kOk);
  EXPECT_EQ(decode({{1, 128, 1, false}}), Code::kOk);
  EXPECT_EQ(decode({{0xffffffff, 1, 1, false}}), Code::kOk);
  EXPECT_EQ(decode({{0, 1, 1, false}}), Code::kCorruption) << "page 0";
  EXPECT_EQ(decode({{1, 0, 1, false}}), Code::kCorruption) << "empty";
  EXPECT_EQ(decode({{1, 129, 1, false}}), Code::kCorruption) << "too many";
  EXPECT_EQ(decode({{1, 100, 1, false}, {200, 29, 1, false}}),
            Code::kCorruption);
  EXPECT_EQ(decode({{2, 1, 1, false}, {1, 1, 1, false}}), Code::kCorruption);
  EXPECT_EQ(decode({{1, 2, 1, false}, {2, 1, 1, false}}), Code::kCorruption);
}

// Random bytes under a check that holds: an error, or what they say.
TEST(HintsRecordTest, AnyBytesDecodeOrAreRefused) {
  std::mt19937 bits(5);
  for (int i = 0; i < 20000; ++i) {
    std::string body = BeginRecord();
    for (size_t size = bits() % 40; size > 0; --size) {
      body.push_back(static_cast<char>(bits() % 4));
    }
    const std::string value = FinishRecord("key", body);
    HintsRecord decoded;
    if (!DecodeRecord("key", value, &decoded).ok()) continue;
    EXPECT_EQ(Hex(EncodeRecord("key", decoded)), Hex(value));
    EXPECT_LE(decoded.page_count(), kMaxHintPages);
  }
}

TEST(HintsRecordTest, TheBudgetIsOfBytesAndOfPages) {
  EXPECT_EQ(MaxHintPages(512), 128U);
  EXPECT_EQ(MaxHintPages(4096), 64U);
  EXPECT_EQ(MaxHintPages(65536), 4U);
}

}  // namespace
}  // namespace actorkv
