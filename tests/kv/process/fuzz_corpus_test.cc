// What the fuzzers found worth keeping goes through their targets again
// (tests/support/fuzz_corpus.h).
#include "tests/support/fuzz_corpus.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/fuzz/targets.h"

namespace actorkv {
namespace {

class FuzzCorpusTest : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzCorpusTest, PromisesHold) { RunCorpus(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpusTest, testing::ValuesIn(kFuzzTargets),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

}  // namespace
}  // namespace actorkv
