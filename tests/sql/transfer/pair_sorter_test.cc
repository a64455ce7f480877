// The sorter of pairs: in memory and in runs, the order, and what it keeps.

#include "sql/transfer/pair_sorter.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/pair_files.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

// The fixture loads the module, whose VFS knows the one of temporary files.
class PairSorterTest : public SqlTest {
 protected:
  static std::vector<Pair> All(PairSorter* sorter) {
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    EXPECT_OK(sorter->Open(&source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return pairs;
  }
};

TEST_F(PairSorterTest, GivesPairsInTheOrderOfTheirKeys) {
  // From all in memory to a run for each pair.
  for (const size_t memory : {size_t{8} << 20, size_t{4096}, size_t{1}}) {
    SCOPED_TRACE(memory);
    std::mt19937 numbers(7);
    std::map<std::string, std::string> expected;
    PairSorter sorter(memory);
    for (uint64_t row = 1; expected.size() < 1000; ++row) {
      std::string key(numbers() % 12, '\0');
      for (char& c : key) c = static_cast<char>(numbers());
      const std::string value(numbers() % 9000, static_cast<char>(numbers()));
      if (!expected.emplace(key, value).second) continue;
      ASSERT_OK(sorter.Add(key, value, row));
    }
    EXPECT_EQ(sorter.pair_count(), 1000U);
    EXPECT_EQ(sorter.on_disk(), memory < size_t{8} << 20);
    const std::vector<Pair> pairs = All(&sorter);
    EXPECT_TRUE(pairs == std::vector<Pair>(expected.begin(), expected.end()));
    EXPECT_TRUE(All(&sorter) == pairs) << "a second time";
  }
}

TEST_F(PairSorterTest, EqualKeysComeByTheirRows) {
  for (const size_t memory : {size_t{1} << 20, size_t{1}}) {
    PairSorter sorter(memory);
    ASSERT_OK(sorter.Add("b", "1", 1));
    ASSERT_OK(sorter.Add("a", "2", 2));
    ASSERT_OK(sorter.Add("b", "3", 3));
    ASSERT_OK(sorter.Add("a", "4", 4));
    std::unique_ptr<PairSource> source;
    ASSERT_OK(sorter.Open(&source));
    std::string text;
    KeyValue pair;
    for (bool more = true;;) {
      ASSERT_OK(source->Next(&pair, &more));
      if (!more) break;
      text += pair.key + pair.value + " in " + source->Place() + "; ";
    }
    EXPECT_EQ(text, "a2 in row 2; a4 in row 4; b1 in row 1; b3 in row 3; ");
  }
}

TEST_F(PairSorterTest, NothingAndLargePairs) {
  PairSorter nothing;
  EXPECT_TRUE(All(&nothing).empty());
  PairSorter sorter(100);
  const std::string large(3'000'000, 'x');
  ASSERT_OK(sorter.Add("b", large, 1));
  ASSERT_OK(sorter.Add("", "", 2));
  ASSERT_OK(sorter.Add(std::string(4000, 'a'), large, 3));
  EXPECT_TRUE(All(&sorter) ==
              (std::vector<Pair>{
                  {"", ""}, {std::string(4000, 'a'), large}, {"b", large}}));
}

}  // namespace
}  // namespace actorkv
