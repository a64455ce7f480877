// What a pattern matches, and what it does not.

#include "sql/history/name_pattern.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

bool Matches(const std::string& text, const std::string& name) {
  NamePattern pattern;
  EXPECT_OK(NamePattern::Parse(text, &pattern)) << text;
  return pattern.Matches(name);
}

TEST(NamePatternTest, Matches) {
  const struct {
    const char* pattern;
    const char* name;
    bool matches;
  } kCases[] = {
      {"alice", "alice", true},
      {"alice", "Alice", false},
      {"alice", "alic", false},
      {"alice", "alices", false},
      {"", "", true},
      {"", "a", false},
      {"%", "", true},
      {"%", "anything", true},
      {"%%", "a", true},
      {"a%", "a", true},
      {"a%", "ab", true},
      {"a%", "ba", false},
      {"%a", "aaa", true},
      {"%a", "aab", false},
      {"%ab%", "xaabx", true},
      {"%ab%c", "ababc", true},
      {"%ab%c", "abab", false},
      {"a%b%c", "a1b2b3c", true},
      {"a%b%c", "a1b2b3", false},
      {"_", "x", true},
      {"_", "", false},
      {"_", "xy", false},
      {"_", "\xc3\xbc", true},
      {"__", "\xc3\xbc", false},
      {"a_c", "abc", true},
      {"a_c",
       "a\xf0\x9f\x8e\xb2"
       "c",
       true},
      {"%_", "", false},
      {"%_x", "\xc3\xbcx", true},
      {"p\\_1", "p_1", true},
      {"p\\_1", "pX1", false},
      {"p\\%1", "p%1", true},
      {"p\\%1", "px1", false},
      {"p\\\\1", "p\\1", true},
      {"p\\1", "p1", true},
      {"\\\xc3\xbc", "\xc3\xbc", true},
      {"%\\%", "100%", true},
      {"%\\%", "100", false},
      {"\xc3\xbc%",
       "\xc3\xbc"
       "b",
       true},
      {"*", "abc", false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Matches(c.pattern, c.name), c.matches)
        << c.pattern << " " << c.name;
  }
}

TEST(NamePatternTest, TakesTimeInProportion) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "%a";
  EXPECT_FALSE(Matches(pattern + "b", std::string(255, 'a')));
}

TEST(NamePatternTest, Refuses) {
  NamePattern pattern;
  EXPECT_TRUE(IsError(NamePattern::Parse("a\\", &pattern),
                      Code::kInvalidArgument, "ends in a single \\"));
  EXPECT_TRUE(IsError(NamePattern::Parse("\xff", &pattern),
                      Code::kInvalidArgument, "not UTF-8"));
}

}  // namespace
}  // namespace actorkv
