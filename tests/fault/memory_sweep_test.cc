// Memory runs out at any allocation of an operation: a clean error, or an
// outcome that is looked up. Never a torn commit, a wrong answer, a hang, nor
// the end of the process but where RocksDB asks for it (kv/README.md).
//
// Every allocation takes long: `make stress`. Else a fixed part of them.

#include "tests/fault/memory_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// Of one operation and kind, in a normal run.
constexpr uint64_t kSamples = 4;
// Steps of one process: what it gives up stays in its memory.
constexpr uint64_t kStepsOfProcess = 100;

TEST(MemorySweepChild, DISABLED_Sweeps) {
  RunSweep(SweepOrder::FromText(ChildArgument()));
}

// What was written by the child.
struct Outcome {
  uint64_t at = 0;    // the last step that it began
  uint64_t seen = 0;  // allocations
  bool ended = false;
  std::string died;  // its frames; empty: it did not, or hung
  std::string wrong;
};

Outcome ReadReport(const std::string& directory) {
  Outcome outcome;
  std::ifstream report(directory + "/report");
  for (std::string line; std::getline(report, line);) {
    const std::string word = line.substr(0, line.find(' '));
    const std::string rest =
        line.substr(std::min(word.size() + 1, line.size()));
    if (word == "at") outcome.at = std::stoull(rest);
    if (word == "seen") outcome.seen = std::stoull(rest);
    if (word == "died") outcome.died = rest;
    if (word == "end") outcome.ended = true;
    if (word == "wrong") outcome.wrong += rest + "\n";
  }
  return outcome;
}

// Whether the process died in code that is not ours: what asked for the memory,
// or asserted something, is RocksDB's. The frames of this program have no name.
bool DiedInRocksDb(const std::string& frames) {
  std::istringstream words(frames);
  for (std::string frame; words >> frame;) {
    const bool is_system =
        frame.find("libc.so") == 0 || frame.find("libstdc++") == 0 ||
        frame.find("libgcc") == 0 || frame.find("libasan") == 0 ||
        frame.find("libtsan") == 0;
    if (is_system || frame[0] == ':') continue;
    return frame.find("librocksdb") == 0;
  }
  return false;
}

class MemorySweepTest
    : public testing::TestWithParam<std::tuple<size_t, FailingMemory::Kind>> {
 protected:
  static void SetUpTestSuite() {
    temp_ = new TempDir;
    SweepWorld world(temp_->path());
    world.Make();
  }
  static void TearDownTestSuite() {
    delete temp_;
    temp_ = nullptr;
  }

  // Each process has a copy of the store of its own.
  Outcome Run(SweepOrder order) {
    TempDir copy;
    std::filesystem::copy(temp_->path(), copy.path(),
                          std::filesystem::copy_options::recursive);
    order.directory = copy.path();
    ChildProcess child("MemorySweepChild.DISABLED_Sweeps", order.ToText());
    const bool success = child.WaitForSuccess();
    Outcome outcome = ReadReport(order.directory);
    outcome.ended = outcome.ended && success;
    if (!outcome.ended) {
      SweepWorld after(order.directory);
      after.Open();
      for (const std::string& text : after.Check(1000000, 1, false)) {
        outcome.wrong += "after its death: " + text + "\n";
      }
      after.Close();
    }
    return outcome;
  }

  static TempDir* temp_;
};

TempDir* MemorySweepTest::temp_ = nullptr;

TEST_P(MemorySweepTest, NothingIsTornAndNothingHangs) {
  const auto [operation, kind] = GetParam();
  if (!FailingMemory::Works(kind)) GTEST_SKIP() << "not under a sanitizer";
  SweepOrder order;
  order.operation = operation;
  order.plan.kind = kind;
  const Outcome counted = Run(order);
  ASSERT_TRUE(counted.ended) << counted.died << counted.wrong;
  ASSERT_EQ(counted.wrong, "");
  ASSERT_GT(counted.seen, 0u);
  const bool all = EnvironmentNumber("ACTORKV_STRESS", 1) > 1;
  order.stride = EnvironmentNumber(
      "ACTORKV_STRIDE",
      all ? 1 : std::max<uint64_t>(counted.seen / kSamples, 1));
  std::map<std::string, int> deaths;
  for (uint64_t n = order.stride; n <= counted.seen + 1;) {
    order.plan.nth = n;
    order.last =
        std::min(counted.seen + 1, n + (kStepsOfProcess - 1) * order.stride);
    const Outcome outcome = Run(order);
    EXPECT_EQ(outcome.wrong, "") << "at " << outcome.at;
    if (outcome.ended) {
      n = order.last + order.stride;
      continue;
    }
    EXPECT_NE(outcome.died, "") << "hangs at " << outcome.at;
    EXPECT_TRUE(DiedInRocksDb(outcome.died))
        << "at " << outcome.at << ": " << outcome.died;
    ++deaths[outcome.died];
    n = std::max(outcome.at, n) + order.stride;
  }
  for (const auto& [frames, count] : deaths) {
    std::printf("ended in RocksDB %d times: %s\n", count, frames.c_str());
  }
}

std::string NameOf(
    const testing::TestParamInfo<MemorySweepTest::ParamType>& info) {
  std::string name = SweepOperations()[std::get<0>(info.param)].name;
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name + (std::get<1>(info.param) == FailingMemory::Kind::kNew
                     ? "_new"
                     : "_malloc");
}

INSTANTIATE_TEST_SUITE_P(
    All, MemorySweepTest,
    testing::Combine(testing::Range(size_t{0}, SweepOperations().size()),
                     testing::Values(FailingMemory::Kind::kNew,
                                     FailingMemory::Kind::kMalloc)),
    NameOf);

}  // namespace
}  // namespace actorkv
