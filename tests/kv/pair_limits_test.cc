// Limits of pairs, and what is counted on the way.
#include "kv/pair_limits.h"

#include <gtest/gtest.h>

#include "kv/kv_bin.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using std::string_literals::operator""s;

TEST(PairLimitsTest, NamesLimitAndSize) {
  EXPECT_OK(CheckPairKeySize(2048));
  EXPECT_OK(CheckPairValueSize(131072));
  EXPECT_TRUE(IsError(CheckPairKeySize(2049), Code::kInvalidArgument,
                      "a key of 2049 bytes is larger than the limit of 2048"));
  EXPECT_TRUE(
      IsError(CheckPairValueSize(131073), Code::kInvalidArgument,
              "a value of 131073 bytes is larger than the limit of 131072"));
}

TEST(PairLimitsTest, KnowsQueueMessages) {
  const std::string id = "\0\0\0\0\0\0\0\1"s;
  EXPECT_TRUE(IsQueueMessageKey("\5" + id));
  EXPECT_TRUE(IsQueueMessageKey("\5\1\2" + id));
  EXPECT_FALSE(IsQueueMessageKey("\5\1\1"));
  EXPECT_FALSE(IsQueueMessageKey("\4" + id));
  EXPECT_FALSE(IsQueueMessageKey("\5" + id + "x"));
}

TEST(PairLimitsTest, CountsPairsAndLargeMessages) {
  const std::string id = "\0\0\0\0\0\0\0\1"s;
  const std::string bytes =
      EncodeKvBinEntry("\5" + id, std::string(65537, 'm')) +
      EncodeKvBinEntry("\5\1\2" + id, std::string(65536, 'm')) +
      EncodeKvBinEntry("\4u", std::string(65537, 'm'));
  PairCounts counts;
  std::vector<Pair> pairs;
  ASSERT_OK(ReadAllPairs(
      CheckedPairs(ReadKvBin(MemoryBytes(bytes)), &counts).get(), &pairs));
  EXPECT_EQ(counts.pairs, 3U);
  EXPECT_EQ(counts.bytes, 9U + 11U + 2U + 2 * 65537 + 65536);
  EXPECT_EQ(counts.large_queue_messages, 1U);
  EXPECT_FALSE(counts.is_sorted);
}

TEST(PairLimitsTest, KeysThatComeTwiceAreSeenOrSuspected) {
  const struct {
    std::vector<std::string> keys;
    bool is_sorted;
    const char* error;  // null: none
  } kCases[] = {
      {{"", "a", "b"}, true, nullptr},
      {{"a", "b", "a"}, false, nullptr},
      {{"a", "b", "b"}, true, "pair 3: the key 62 comes twice"},
      {{"", ""}, true, "pair 2: the key  comes twice"},
  };
  for (const auto& c : kCases) {
    std::string bytes;
    for (const std::string& key : c.keys) bytes += EncodeKvBinEntry(key, "v");
    PairCounts counts;
    std::vector<Pair> pairs;
    const Status s = ReadAllPairs(
        CheckedPairs(ReadKvBin(MemoryBytes(bytes)), &counts).get(), &pairs);
    if (c.error == nullptr) {
      EXPECT_OK(s);
    } else {
      EXPECT_TRUE(IsError(s, Code::kInvalidArgument, c.error));
    }
    EXPECT_EQ(counts.is_sorted, c.is_sorted);
  }
}

}  // namespace
}  // namespace actorkv
