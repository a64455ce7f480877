// RunCorpus() gives what the fuzzers found worth keeping (tests/fuzz/corpus/)
// to their targets again, whole, cut short and damaged.

#ifndef ACTORKV_TESTS_SUPPORT_FUZZ_CORPUS_H_
#define ACTORKV_TESTS_SUPPORT_FUZZ_CORPUS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>

#include "tests/fuzz/targets.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {

// As many cuts of a file, and as many damaged copies of it.
constexpr size_t kCorpusCopies = 50;

inline void RunCorpus(const FuzzTarget& target) {
  std::mt19937_64 generator(TestSeed());
  size_t files = 0;
  const std::string directory = std::string("tests/fuzz/corpus/") + target.name;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string bytes = FileContents(entry.path().string());
    SCOPED_TRACE(entry.path().string());
    target.run(bytes);
    ++files;
    if (bytes.empty()) continue;
    for (size_t i = 0; i < std::min(kCorpusCopies, bytes.size()); ++i) {
      target.run(bytes.substr(0, generator() % bytes.size()));
      std::string damaged = bytes;
      damaged[generator() % damaged.size()] = static_cast<char>(generator());
      target.run(damaged);
    }
  }
  EXPECT_GT(files, 3U);
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FUZZ_CORPUS_H_
