// What the fuzzers found worth keeping (tests/fuzz/corpus/) goes through
// their targets again, whole, cut short and damaged.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "tests/fuzz/targets.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// As many cuts of a file, and as many damaged copies of it.
constexpr size_t kCopies = 50;

class FuzzCorpusTest : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzCorpusTest, PromisesHold) {
  std::mt19937_64 generator(TestSeed());
  size_t files = 0;
  const std::string directory =
      std::string("tests/fuzz/corpus/") + GetParam().name;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string bytes = FileContents(entry.path().string());
    SCOPED_TRACE(entry.path().string());
    GetParam().run(bytes);
    ++files;
    if (bytes.empty()) continue;
    for (size_t i = 0; i < std::min(kCopies, bytes.size()); ++i) {
      GetParam().run(bytes.substr(0, generator() % bytes.size()));
      std::string damaged = bytes;
      damaged[generator() % damaged.size()] = static_cast<char>(generator());
      GetParam().run(damaged);
    }
  }
  EXPECT_GT(files, 3U);
}

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpusTest, testing::ValuesIn(kFuzzTargets),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

}  // namespace
}  // namespace actorkv
