// Several sources of pairs as one: order, keys that come twice, what is left
// out.
#include "kv/rivet/merged_pairs.h"

#include <gtest/gtest.h>

#include "tests/support/map_pairs.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

Status Merge(const std::vector<std::vector<Pair>>& lists,
             std::vector<Pair>* pairs) {
  MergedPairs merged;
  for (const auto& list : lists) {
    std::vector<KeyValue> listed;
    for (const auto& [key, value] : list) listed.push_back({key, value});
    merged.Add(std::make_unique<VectorSource>(listed));
  }
  return ReadAllPairs(&merged, pairs);
}

TEST(MergedPairsTest, PairsComeInTheOrderOfAllKeys) {
  std::vector<Pair> pairs;
  ASSERT_OK(
      Merge({{{"b", "1"}, {"d", "2"}}, {}, {{"", "3"}, {"c", "4"}}}, &pairs));
  EXPECT_EQ(pairs,
            (std::vector<Pair>{{"", "3"}, {"b", "1"}, {"c", "4"}, {"d", "2"}}));
  ASSERT_OK(Merge({}, &pairs));
  EXPECT_TRUE(pairs.empty());
}

TEST(MergedPairsTest, KeysAreThereOnceAndInOrder) {
  std::vector<Pair> pairs;
  EXPECT_TRUE(IsError(Merge({{{"a", "1"}}, {{"a", "1"}}}, &pairs),
                      Code::kInvalidArgument, "twice: key='a'"));
  EXPECT_TRUE(IsError(Merge({{{"a", "1"}, {"a", "2"}}}, &pairs),
                      Code::kInvalidArgument, "twice: key='a'"));
  EXPECT_TRUE(IsError(Merge({{{"b", "1"}, {"a", "2"}}}, &pairs),
                      Code::kInvalidArgument, "out of order: key='a'"));
  EXPECT_TRUE(IsError(Merge({{{"", "1"}}, {{"", "2"}}}, &pairs),
                      Code::kInvalidArgument, "twice"));
}

TEST(MergedPairsTest, AReaderGivesWhatIsWanted) {
  MemoryPairs reader;
  for (const char* key : {"a", "b", "c"}) reader.Put(key, key);
  std::vector<Pair> pairs;
  ReaderPairs wanted(&reader,
                     [](const KeyValue& pair) { return pair.key != "b"; });
  ASSERT_OK(ReadAllPairs(&wanted, &pairs));
  EXPECT_EQ(pairs, (std::vector<Pair>{{"a", "a"}, {"c", "c"}}));
}

}  // namespace
}  // namespace actorkv
