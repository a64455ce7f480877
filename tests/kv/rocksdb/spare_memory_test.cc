// Memory that is put aside for RocksDB: given up where there is no other,
// inside of it and nowhere else, and put aside anew.

#include "kv/rocksdb/spare_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>

#include "tests/support/failing_memory.h"

namespace actorkv {
namespace {

// The next allocation finds nothing; the one after it does.
bool AllocatesWithoutMemory() {
  FailingMemory::Plan plan;
  plan.kind = FailingMemory::Kind::kMalloc;
  FailingMemory::Begin(plan);
  bool allocated = true;
  try {
    const auto memory = std::make_unique<char[]>(1000);
    memory[0] = 'x';
    allocated = memory[0] == 'x';
  } catch (const std::bad_alloc&) {
    allocated = false;
  }
  EXPECT_EQ(FailingMemory::End(), 1u);
  return allocated;
}

class SpareMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!FailingMemory::Works(FailingMemory::Kind::kMalloc)) {
      GTEST_SKIP() << "not under a sanitizer";
    }
    SpareMemory::Install();
    ASSERT_TRUE(SpareMemory::Fill());
  }
};

TEST_F(SpareMemoryTest, IsForRocksDbAlone) {
  const size_t before = SpareMemory::spent_count();
  EXPECT_FALSE(AllocatesWithoutMemory());
  EXPECT_EQ(SpareMemory::spent_count(), before);
  {
    const SpareMemory::Use use;
    EXPECT_TRUE(AllocatesWithoutMemory());
    EXPECT_EQ(SpareMemory::spent_count(), before + 1);
    EXPECT_FALSE(AllocatesWithoutMemory()) << "it is used up";
    ASSERT_TRUE(SpareMemory::Fill());
    const SpareMemory::Use nested;
    EXPECT_TRUE(AllocatesWithoutMemory());
  }
  ASSERT_TRUE(SpareMemory::Fill());
  EXPECT_FALSE(AllocatesWithoutMemory());
  EXPECT_EQ(SpareMemory::spent_count(), before + 2);
}

}  // namespace
}  // namespace actorkv
