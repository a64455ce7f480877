// Pairs looked for in any order are those that the engine finds, whether they
// come from a window or from a search.

#include "kv/legacy/pair_window.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/coding.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kPairs{PartitionKind::kLegacy, 3};
constexpr uint32_t kNumbers = 400;

std::string Key(char prefix, uint32_t number) {
  std::string key(1, prefix);
  AppendBig32(&key, number);
  return key;
}

class PairWindowTest : public testing::Test {
 protected:
  // Pairs of two prefixes, not every number, and some odd keys.
  void Fill(std::mt19937_64* bits) {
    Batch batch;
    for (const char prefix : {'a', 'b'}) {
      for (uint32_t i = 0; i < kNumbers; ++i) {
        if ((*bits)() % 10 == 0) continue;
        batch.Put(kPairs, Key(prefix, i), std::string((*bits)() % 3000, 'v'));
      }
    }
    for (const char* odd : {"", "a", "zz", "b\x01"}) {
      batch.Put(kPairs, odd, "odd");
    }
    ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  }

  // Every number of one prefix, as large as chunks.
  void FillWithChunks() {
    Batch batch;
    for (uint32_t i = 0; i < kNumbers; ++i) {
      batch.Put(kPairs, Key('a', i), std::string(4096, 'v'));
    }
    ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  }

  // Looks for the key in both ways; *next: what was found, or empty.
  void ExpectSame(PairWindow* window, const std::string& key,
                  std::string* next) {
    bool found = false;
    std::string_view found_key;
    std::string_view value;
    ASSERT_OK(window->SeekOne(key, &found, &found_key, &value));
    bool expected = false;
    std::string_view expected_key;
    std::string_view expected_value;
    ASSERT_OK(plain_->SeekOne(kPairs, key, &expected, &expected_key,
                              &expected_value));
    ASSERT_EQ(found, expected) << ToHexText(key);
    next->clear();
    if (!found) return;
    ASSERT_EQ(found_key, expected_key) << ToHexText(key);
    ASSERT_TRUE(value == expected_value) << ToHexText(key);
    *next = std::string(found_key);
  }

  static std::string ToHexText(const std::string& key) {
    return testing::PrintToString(key);
  }

  const std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
  const std::unique_ptr<EngineReader> plain_ = engine_->NewReader();
};

TEST_F(PairWindowTest, AnyOrderFindsWhatIsThere) {
  std::mt19937_64 bits(TestSeed());
  Fill(&bits);
  const std::unique_ptr<EngineReader> reader = engine_->NewReader();
  PairWindow window(reader.get(), kPairs);
  std::string next;
  for (int round = 0; round < 60; ++round) {
    std::string key = Key(bits() % 2 == 0 ? 'a' : 'b',
                          static_cast<uint32_t>(bits() % kNumbers));
    const uint64_t way = bits() % 3;
    for (uint64_t step = bits() % 300; step > 0; --step) {
      ExpectSame(&window, key, &next);
      if (next.empty()) break;
      if (way > 0 && next.size() == 5) {
        const uint32_t number = LoadBig32(way == 1 ? &next[1] : &key[1]);
        if (way == 2 && (number == 0 || key.size() != 5)) break;
        key = Key(way == 1 ? next[0] : key[0],
                  way == 1 ? number + 1 : number - 1);
      } else {
        key = next + '\0';
      }
    }
  }
}

// Counts how often the engine is asked.
class CountingReader : public EngineReader {
 public:
  explicit CountingReader(std::unique_ptr<EngineReader> base)
      : base_(std::move(base)) {}

  Status Get(Partition partition, const std::vector<std::string_view>& keys,
             std::vector<std::optional<std::string>>* values) override {
    return base_->Get(partition, keys, values);
  }
  Status Seek(Partition partition, const std::vector<std::string_view>& keys,
              std::vector<std::optional<KeyValue>>* found) override {
    return base_->Seek(partition, keys, found);
  }
  Status Scan(Partition partition, std::string_view start, size_t limit,
              std::vector<KeyValue>* pairs) override {
    return base_->Scan(partition, start, limit, pairs);
  }
  Status Visit(Partition partition, std::string_view start,
               const Visitor& visit) override {
    ++windows;
    return base_->Visit(partition, start, visit);
  }
  Status SeekOne(Partition partition, std::string_view key, bool* found,
                 std::string_view* found_key,
                 std::string_view* value) override {
    ++searches;
    return base_->SeekOne(partition, key, found, found_key, value);
  }
  void Refresh() override { base_->Refresh(); }

  int searches = 0;
  int windows = 0;

 private:
  const std::unique_ptr<EngineReader> base_;
};

TEST_F(PairWindowTest, WhoReadsOnIsServedFromWindows) {
  FillWithChunks();
  CountingReader reader(engine_->NewReader());
  PairWindow window(&reader, kPairs);
  std::string next;
  for (uint32_t i = 0; i < kNumbers; ++i) {
    ExpectSame(&window, Key('a', i), &next);
  }
  ExpectSame(&window, Key('a', kNumbers), &next);
  EXPECT_TRUE(next.empty());
  EXPECT_LE(reader.searches, 4);
  EXPECT_LE(reader.windows, 15);
}

// As a walk over a tree, which looks at an inner page now and then.
TEST_F(PairWindowTest, ALookElsewhereKeepsTheWindow) {
  FillWithChunks();
  CountingReader reader(engine_->NewReader());
  PairWindow window(&reader, kPairs);
  std::string next;
  for (uint32_t i = 100; i < kNumbers; ++i) {
    ExpectSame(&window, Key('a', i), &next);
    if (i % 20 == 0) ExpectSame(&window, Key('a', i / 20), &next);
  }
  EXPECT_LE(reader.searches, 24);
  EXPECT_LE(reader.windows, 12);
}

// As quick_check does, from the last page on.
TEST_F(PairWindowTest, WhoReadsBackwardsIsServedFromWindows) {
  FillWithChunks();
  CountingReader reader(engine_->NewReader());
  PairWindow window(&reader, kPairs);
  std::string next;
  for (uint32_t i = kNumbers; i-- > 50;) {
    ExpectSame(&window, Key('a', i), &next);
    if (i % 20 == 0) ExpectSame(&window, Key('a', i / 20), &next);
  }
  EXPECT_LE(reader.searches, 26);
  EXPECT_LE(reader.windows, 16);
}

TEST_F(PairWindowTest, WhoJumpsReadsNoWindow) {
  std::mt19937_64 bits(7);
  Fill(&bits);
  CountingReader reader(engine_->NewReader());
  PairWindow window(&reader, kPairs);
  std::string next;
  for (uint32_t i = 0; i < kNumbers; ++i) {
    ExpectSame(&window, Key('a', i * 7 % kNumbers), &next);
  }
  EXPECT_EQ(reader.windows, 0);
}

}  // namespace
}  // namespace actorkv
