// Rows as they are stored, good and damaged.

#include "sql/history/row_format.h"

#include "tests/support/testing.h"

namespace actorkv {
namespace {

using Kind = StoredValue::Kind;

std::string Bytes(const char* text, size_t size) { return {text, size}; }

TEST(RowFormat, EveryKindOfValue) {
  // NULL, -2, 258, 1.0, 0, 1, "hi", x'ff'.
  const std::string row = Bytes("\x09\x00\x01\x02\x07\x08\x09\x11\x0e", 9) +
                          Bytes("\xfe\x01\x02", 3) +
                          Bytes("\x3f\xf0\0\0\0\0\0\0", 8) + "hi\xff";
  std::vector<StoredValue> values;
  ASSERT_OK(ReadValues(row, 99, &values));
  ASSERT_EQ(values.size(), 8U);
  EXPECT_EQ(values[0].kind, Kind::kNull);
  EXPECT_EQ(values[1].integer, -2);
  EXPECT_EQ(values[2].integer, 258);
  EXPECT_EQ(values[3].kind, Kind::kReal);
  EXPECT_EQ(values[3].real, 1.0);
  EXPECT_EQ(values[4].integer, 0);
  EXPECT_EQ(values[4].kind, Kind::kInteger);
  EXPECT_EQ(values[5].integer, 1);
  EXPECT_EQ(values[6].kind, Kind::kText);
  EXPECT_EQ(values[6].bytes, "hi");
  EXPECT_EQ(values[7].kind, Kind::kBlob);
  EXPECT_EQ(values[7].bytes, "\xff");
}

TEST(RowFormat, TheBeginningIsARowOfItsOwn) {
  const std::string row = Bytes("\x04\x0f\x01\x0f", 4) + "k\x05v";
  std::string beginning;
  ASSERT_OK(BeginningOf(row, 2, &beginning));
  EXPECT_EQ(beginning, Bytes("\x03\x0f\x01", 3) + "k\x05");
  // Another value, the same key; fewer columns than asked for.
  std::string other;
  ASSERT_OK(BeginningOf(Bytes("\x04\x0f\x01\x00", 4) + "k\x05", 2, &other));
  EXPECT_EQ(other, beginning);
  ASSERT_OK(BeginningOf(beginning, 9, &other));
  EXPECT_EQ(other, beginning);
}

TEST(RowFormat, AKeyOfManyColumns) {
  const std::string types(200, '\x09');
  const std::string row = Bytes("\x81\x4a", 2) + types;
  std::string beginning;
  std::vector<StoredValue> values;
  ASSERT_OK(BeginningOf(row, 150, &beginning));
  ASSERT_OK(ReadValues(beginning, 999, &values));
  EXPECT_EQ(values.size(), 150U);
}

TEST(RowFormat, Damaged) {
  const std::string kBad[] = {
      "",
      Bytes("\x00", 1),          // a header shorter than its size
      Bytes("\x05\x01", 2),      // one longer than the row
      Bytes("\x02\x06\x01", 3),  // a value longer than the row
      Bytes("\x02\x0a", 2),      // a reserved type
      Bytes("\x02\x81", 2),      // a type that goes on
      Bytes("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10),  // a huge value
  };
  for (const std::string& row : kBad) {
    std::vector<StoredValue> values;
    std::string beginning;
    EXPECT_TRUE(IsError(ReadValues(row, 1, &values), Code::kCorruption,
                        "a stored row is damaged"));
    EXPECT_TRUE(IsError(BeginningOf(row, 1, &beginning), Code::kCorruption,
                        "a stored row is damaged"));
  }
}

}  // namespace
}  // namespace actorkv
