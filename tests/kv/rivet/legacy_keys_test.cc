// Legacy keys: each form of each namespace, and what only looks like one.

#include "kv/rivet/legacy_keys.h"

#include <gtest/gtest.h>

#include "kv/base/hex.h"
#include "tests/support/bytes.h"
#include "tests/support/map_pairs.h"

namespace actorkv {
namespace {

TEST(LegacyKeysTest, Table) {
  const struct {
    std::string key;  // hexadecimal
    std::string space;
    KeyLayout layout;
    std::string one;         // in layout 1; empty: the same; "-": none
    std::string value = {};  // hexadecimal
  } kCases[] = {
      {"01", "state", KeyLayout::kSame, ""},
      {"02aabb", "connections", KeyLayout::kSame, ""},
      {"03", "inspector", KeyLayout::kSame, ""},
      {"04", "user", KeyLayout::kSame, ""},
      {"0407150315", "user", KeyLayout::kSame, ""},
      {"0409010000000000", "user", KeyLayout::kSame, ""},
      {"050000000000000001", "queue_message", KeyLayout::kZero,
       "0501020000000000000001"},
      {"05ffffffffffffffff", "queue_message", KeyLayout::kZero,
       "050102ffffffffffffffff"},
      {"051000000000000001", "queue_message", KeyLayout::kZero,
       "0501021000000000000001"},
      {"0500ffffffffffffff", "queue_message", KeyLayout::kZero,
       "05010200ffffffffffffff"},
      {"0501020000000000000001", "queue_message", KeyLayout::kOne, ""},
      {"06", "queue_meta", KeyLayout::kZero, "050101",
       "0400060000000000000005000000"},
      {"06", "alarm", KeyLayout::kSame, "", "010000"},
      {"06", "alarm", KeyLayout::kSame, "", "0100017f96980000000000"},
      {"050101", "queue_meta", KeyLayout::kOne, ""},
      {"07150114", "workflow", KeyLayout::kZero, "0601150114"},
      {"0715031503", "workflow", KeyLayout::kZero, "060115031503"},
      {"0715031504", "workflow", KeyLayout::kZero, "-"},
      {"0715031505", "workflow", KeyLayout::kZero, "060115031504"},
      {"071503150401", "workflow", KeyLayout::kZero, "06011503150401"},
      {"071503150501", "workflow", KeyLayout::kZero, "06011503150501"},
      {"0601150114", "workflow", KeyLayout::kOne, ""},
      {"060115031504", "workflow", KeyLayout::kOne, ""},
      {"060115031505", "workflow", KeyLayout::kOne, ""},
      {"081501186b00", "traces", KeyLayout::kZero, "07011501186b00"},
      {"07011501186b00", "traces", KeyLayout::kOne, ""},
      {"090000", "sqlite_meta", KeyLayout::kZero, "08010000"},
      {"090003", "sqlite_meta", KeyLayout::kZero, "08010003"},
      {"08010000", "sqlite_meta", KeyLayout::kOne, ""},
      {"09010100000007", "sqlite_chunk", KeyLayout::kZero, "0801010100000007"},
      {"0801010100000007", "sqlite_chunk", KeyLayout::kOne, ""},
  };
  for (const auto& c : kCases) {
    const std::string key = Unhex(c.key);
    const std::string value = Unhex(c.value);
    const LegacyKey parsed = ParseLegacyKey(key, value);
    EXPECT_EQ(LegacyNamespaceName(parsed.space), c.space) << c.key;
    EXPECT_EQ(parsed.layout, c.layout) << c.key;
    std::string one = "kept";
    if (c.one == "-") {
      EXPECT_FALSE(LayoutOneKey(key, value, &one)) << c.key;
      EXPECT_EQ(one, "kept");
      continue;
    }
    ASSERT_TRUE(LayoutOneKey(key, value, &one)) << c.key;
    EXPECT_EQ(Hex(one), c.one.empty() ? c.key : c.one);
    std::string zero = "kept";
    if (c.layout != KeyLayout::kZero) continue;
    EXPECT_TRUE(LayoutZeroKey(one, &zero)) << c.key;
    EXPECT_EQ(Hex(zero), c.key);
    EXPECT_FALSE(LayoutZeroKey(key, &zero)) << "of layout 0 itself";
  }
}

// Kept as they are, in both layouts.
TEST(LegacyKeysTest, Unknown) {
  for (const char* hex : {"",
                          "00",
                          "0100",
                          "02",
                          "0300",
                          "05",
                          "0501",
                          "050103",
                          "05010100",
                          "05010200000000000000",
                          "050102000000000000000000",
                          "050102030405060708",
                          "050200000000000001",
                          "050f00000000000001",
                          "06",
                          "0600",
                          "0601",
                          "060115",
                          "06011401",
                          "0602150114",
                          "07",
                          "0715",
                          "07140115",
                          "0701",
                          "070115",
                          "07021501",
                          "08",
                          "0815",
                          "0801",
                          "080100",
                          "08010004",
                          "0801000000",
                          "08010100000000",
                          "080101000000000000",
                          "0801010400000000",
                          "08010200",
                          "0802",
                          "09",
                          "0900",
                          "090004",
                          "09000000",
                          "090100000000",
                          "0901000000000000",
                          "09010400000000",
                          "0902",
                          "0a",
                          "ff"}) {
    const std::string key = Unhex(hex);
    const LegacyKey parsed = ParseLegacyKey(key, "value");
    EXPECT_EQ(parsed.space, LegacyNamespace::kUnknown) << hex;
    EXPECT_EQ(parsed.layout, KeyLayout::kSame) << hex;
    std::string one;
    EXPECT_TRUE(LayoutOneKey(key, "value", &one));
    EXPECT_EQ(one, key);
    EXPECT_FALSE(LayoutZeroKey(key, &one));
  }
}

// Queue metadata and alarms are told by their values; nothing is made of
// others.
TEST(LegacyKeysTest, SixOfAnotherLengthIsUnknown) {
  for (size_t bytes = 0; bytes < 40; ++bytes) {
    for (const char flag : {'\0', '\1', '\2'}) {
      const std::string value(bytes, flag);
      std::string expected = "unknown";
      if (bytes == 14) expected = "queue_meta";
      if ((bytes == 3 && flag == 0) || (bytes == 11 && flag == 1)) {
        expected = "alarm";
      }
      EXPECT_EQ(LegacyNamespaceName(ParseLegacyKey("\6", value).space),
                expected)
          << bytes << " of " << int{flag};
    }
  }
}

TEST(LegacyKeysTest, VersionsThatAreNotKnown) {
  for (const char* hex : {"0502", "0502000000000000000001", "05ff", "0600",
                          "0602", "0700", "0702", "0800", "0802", "08ff"}) {
    EXPECT_TRUE(HasUnknownVersion(Unhex(hex))) << hex;
  }
  for (const char* hex :
       {"", "01", "0402", "05", "0500", "0501", "050101", "06", "0601", "07",
        "0701", "0715", "08", "0801", "0815", "0902", "0a02", "ff02"}) {
    EXPECT_FALSE(HasUnknownVersion(Unhex(hex))) << hex;
  }
}

// (3, 5) of layout 1 is not where layout 0's INPUT went.
TEST(LegacyKeysTest, FieldsWithoutAPlaceInLayoutZero) {
  std::string zero;
  EXPECT_FALSE(LayoutZeroKey(Unhex("060115031505"), &zero));
  EXPECT_FALSE(LayoutZeroKey(Unhex("04aa"), &zero));
}

TEST(LegacyKeysTest, TextOfAKey) {
  EXPECT_EQ(BytesText(Unhex("0901ff")), "0901ff");
  EXPECT_EQ(BytesText(std::string(64, '\1')).size(), 128u);
  EXPECT_EQ(BytesText(std::string(65, '\1')).substr(126), "01...");
  EXPECT_EQ(BytesText("document:7"), "'document:7'");
  EXPECT_EQ(BytesText(std::string(65, 'a')).substr(62), "aaa'...");
  EXPECT_EQ(BytesText("it's"), "69742773");
  EXPECT_EQ(BytesText(""), "");
}

}  // namespace
}  // namespace actorkv
