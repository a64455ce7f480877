// The record of a clock step: frozen bytes, and what is refused.

#include "kv/store/clock_step.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/format/keys.h"
#include "tests/support/bytes.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

ClockStep TestStep() {
  ClockStep step;
  step.begin_us = 0x2122232425262728;
  step.wall_us = 0x1112131415161718;
  step.boot = {0x0102030405060708, 0x31};
  step.jump_us = 0x32;
  step.seen_running = true;
  return step;
}

std::string KeyOf(const ClockStep& step) { return ClockStepKey(step.begin_us); }

// DO NOT CHANGE THESE STRINGS: stores hold keys and records with these bytes.
TEST(ClockStepTest, GoldenBytes) {
  EXPECT_EQ(Hex(KeyOf(TestStep())), "572122232425262728");
  EXPECT_EQ(Hex(EncodeRecord(KeyOf(TestStep()), TestStep())),
            "01181716151413121108070605040302013100000000000000320000000000"
            "000001074ebe42173b2f27");
}

TEST(ClockStepTest, OnlyWholeRecordsDecode) {
  const std::string key = KeyOf(TestStep());
  const std::string value = EncodeRecord(key, TestStep());
  ClockStep decoded;
  ASSERT_OK(DecodeRecord(key, value, &decoded));
  EXPECT_EQ(decoded.begin_us, TestStep().begin_us);
  EXPECT_EQ(decoded.offset_us(), uint64_t{0x1010101010101010});
  EXPECT_EQ(Hex(EncodeRecord(key, decoded)), Hex(value));
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(DecodeRecord(key, value.substr(0, size), &decoded).ok());
  }
  EXPECT_FALSE(DecodeRecord(key, value + "x", &decoded).ok());
  ForEachBitFlip(value, [&](const std::string& damaged) {
    EXPECT_FALSE(DecodeRecord(key, damaged, &decoded).ok());
  });
  EXPECT_FALSE(DecodeRecord(ClockStepKey(7), value, &decoded).ok());
}

// No clock makes such a step: the time of a store is never behind the wall's.
TEST(ClockStepTest, AStepIsNotBeforeItsWallTime) {
  ClockStep step = TestStep();
  step.wall_us = step.begin_us;
  ClockStep decoded;
  const std::string key = KeyOf(step);
  EXPECT_OK(DecodeRecord(key, EncodeRecord(key, step), &decoded));
  step.wall_us += 1;
  EXPECT_TRUE(IsError(DecodeRecord(key, EncodeRecord(key, step), &decoded),
                      Code::kCorruption, "clock step record damaged"));
}

TEST(ClockStepTest, AllAreLoadedInOrderAndDamageIsNamed) {
  const std::unique_ptr<Engine> engine = NewMemoryEngine(UnboundedLimits());
  Batch batch;
  for (const uint64_t begin_us : {500, 7, 90}) {
    ClockStep step;
    step.begin_us = begin_us;
    const std::string key = KeyOf(step);
    batch.Put(CatalogPartition(), key, EncodeRecord(key, step));
  }
  ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
  std::vector<ClockStep> steps;
  ASSERT_OK(LoadClockSteps(engine->NewReader().get(), &steps));
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].begin_us, 7u);
  EXPECT_EQ(steps[2].begin_us, 500u);
  batch.Clear();
  batch.Put(CatalogPartition(), ClockStepKey(90), "rubbish of some length");
  ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
  EXPECT_EQ(LoadClockSteps(engine->NewReader().get(), &steps).code(),
            Code::kNotSupported);
  EXPECT_EQ(steps.size(), 2u) << "those that can be read";
}

}  // namespace
}  // namespace actorkv
