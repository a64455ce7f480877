// The corpus of the fuzz target `salvage`, as tests/support/fuzz_corpus.h runs
// it.

#include <gtest/gtest.h>

#include "tests/fuzz/sql_targets.h"
#include "tests/support/fuzz_corpus.h"

namespace actorkv {
namespace {

class SqlFuzzCorpusTest : public testing::TestWithParam<FuzzTarget> {};

TEST_P(SqlFuzzCorpusTest, PromisesHold) { RunCorpus(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, SqlFuzzCorpusTest,
                         testing::ValuesIn(kSqlFuzzTargets),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

}  // namespace
}  // namespace actorkv
