// JSON lines: what is a line of a dump and what is not.
#include "kv/rivet/json_lines.h"

#include <gtest/gtest.h>

#include "kv/base/utf8.h"
#include "kv/rivet/pair_limits.h"
#include "tests/support/memory_bytes.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using std::string_literals::operator""s;

TEST(JsonLinesTest, ReadsPairs) {
  const std::vector<Pair> kTwo = {{"\x01", "\xab\xcd"}, {"\x02", ""}};
  const std::string kGood[] = {
      "{\"k\":\"01\",\"v\":\"abcd\"}\n{\"k\":\"02\",\"v\":\"\"}\n",
      "{\"k\":\"01\",\"v\":\"ABCD\"}\n{\"k\":\"02\",\"v\":\"\"}",
      std::string(" { \"v\" : \"aBcD\" , \"k\" : \"01\" } \r\n") +
          "{\"k\":\"02\",\"v\":\"\"}\n\n\n",
      std::string(kByteOrderMark) + R"({"k":"01","v":"abcd"})" + "\n" +
          R"({"k":"02","v":""})",
      "{\"\\u006b\":\"0\\u0031\",\"v\":\"abcd\"}\n{\"k\":\"02\",\"v\":\"\"}\n",
  };
  for (const std::string& text : kGood) {
    std::vector<Pair> pairs;
    ASSERT_OK(ReadAllPairs(ReadJsonLines(MemoryBytes(text)).get(), &pairs));
    EXPECT_EQ(pairs, kTwo) << text;
  }
  std::vector<Pair> pairs;
  for (const char* none : {"", "\n", "\xef\xbb\xbf", "\xef\xbb\xbf\n"}) {
    ASSERT_OK(ReadAllPairs(ReadJsonLines(MemoryBytes(none)).get(), &pairs));
    EXPECT_TRUE(pairs.empty());
  }
}

TEST(JsonLinesTest, BadLinesAreNamed) {
  const struct {
    std::string line;
    const char* error;
  } kCases[] = {
      {R"({"k":"01","v":"ab)", "column 18; the file ends in this line"},
      {"{\"k\":\"01\",\"v\":\"ab\n", "not JSON at column"},
      {"nothing\n", "not JSON at column 2"},
      {"\xef\xbb{\"k\":\"01\",\"v\":\"\"}\n", "not UTF-8"},
      {"{\"k\":\"01\",\"v\":\"\"}}\n", "not JSON at column 18"},
      {"{\"k\":\"01\",\"v\":\"\"} {\n", "not JSON at column 19"},
      {"{\"k\":\"01\",\"v\":\"abc\"}\n", R"("v" is not hexadecimal)"},
      {"{\"k\":\"0g\",\"v\":\"\"}\n", R"("k" is not hexadecimal)"},
      {"{\"k\":\"01\"}\n", R"("v" is missing)"},
      {"{\"v\":\"01\"}\n", R"("k" is missing)"},
      {"{}\n", R"("k" is missing)"},
      {"{\"k\":\"01\",\"v\":\"\",\"k\":\"01\"}\n", R"("k" twice)"},
      {"{\"k\":\"01\",\"v\":\"\",\"x\":1}\n",
       R"(a member other than "k" and "v")"},
      {"{\"k\":\"01\",\"v\":null}\n", "not a string"},
      {"{\"k\":1,\"v\":\"\"}\n", "not a string"},
      {"{\"k\":1e999,\"v\":\"\"}\n", "not JSON"},
      {"{\"k\":[\"01\"],\"v\":\"\"}\n", "not a string"},
      {"{\"k\":{\"k\":\"01\"}}\n", "an object inside the object"},
      {"[]\n", "not an object"},
      {"\"k\"\n", "not an object"},
      {"7\n", "not an object"},
      {"{\"k\":\"\xff\",\"v\":\"\"}\n", "not UTF-8"},
      {"{\"k\":\"01\",\"v\":\"\0\"}\n"s, "not JSON"},
      {"\n{\"k\":\"01\",\"v\":\"\"}\n", "an empty line before it"},
  };
  for (const auto& c : kCases) {
    const std::string text = "{\"k\":\"00\",\"v\":\"00\"}\n" + c.line;
    std::vector<Pair> pairs;
    const Status s =
        ReadAllPairs(ReadJsonLines(MemoryBytes(text)).get(), &pairs);
    const std::string place = c.line[0] == '\n' ? "line 3: " : "line 2: ";
    EXPECT_TRUE(IsError(s, Code::kInvalidArgument, place)) << c.line;
    EXPECT_TRUE(IsError(s, Code::kInvalidArgument, c.error)) << c.line;
    EXPECT_EQ(pairs.size(), 1U);
  }
}

TEST(JsonLinesTest, LimitsAreNamed) {
  const auto line = [](size_t key_bytes, size_t value_bytes) {
    return R"({"k":")" + std::string(2 * key_bytes, '0') + R"(","v":")" +
           std::string(2 * value_bytes, '0') + R"("})";
  };
  const struct {
    std::string text;
    const char* error;  // null: legal
  } kCases[] = {
      {line(kMaxStoredKeyBytes, kMaxStoredValueBytes), nullptr},
      {line(kMaxStoredKeyBytes + 1, 0),
       "line 1: a key of 4001 bytes is larger than the limit of 4000"},
      {line(1, kMaxStoredValueBytes + 1),
       "line 1: a value of 8000001 bytes is larger than the limit of 8000000"},
      {std::string(kMaxJsonLineBytes + 1, 'x'),
       "line 1: longer than the limit of 33554432 bytes for a line"},
  };
  for (const auto& c : kCases) {
    std::vector<Pair> pairs;
    const Status s =
        ReadAllPairs(ReadJsonLines(MemoryBytes(c.text)).get(), &pairs);
    if (c.error == nullptr) {
      EXPECT_OK(s);
    } else {
      EXPECT_TRUE(IsError(s, Code::kInvalidArgument, c.error));
    }
  }
}

TEST(JsonLinesTest, WritesWhatItReads) {
  const TempDir directory;
  const std::string path = directory.File("a.jsonl");
  std::unique_ptr<PairSink> sink;
  ASSERT_OK(WriteJsonLines(path, /*overwrite=*/false, &sink));
  ASSERT_OK(sink->Add("\x01\xff", "\x10"));
  ASSERT_OK(sink->Add("k", ""));
  ASSERT_OK(sink->Finish());
  EXPECT_EQ(FileContents(path),
            "{\"k\":\"01ff\",\"v\":\"10\"}\n{\"k\":\"6b\",\"v\":\"\"}\n");
}

}  // namespace
}  // namespace actorkv
