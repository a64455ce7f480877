// Pieces one after the other have every pair once, in order, however large
// pairs are.

#include "kv/legacy/pair_piece.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kPairs{PartitionKind::kLegacy, 3};

class PairPieceTest : public testing::Test {
 protected:
  void Put(const std::string& key, const std::string& value) {
    Batch batch;
    batch.Put(kPairs, key, value);
    ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
    expected_[key] = value;
  }

  // Reads all pairs; *count: in how many pieces they came.
  std::map<std::string, std::string> ReadAll(size_t* count) {
    const std::unique_ptr<EngineReader> reader = engine_->NewReader();
    std::map<std::string, std::string> found;
    PairPieces pieces(reader.get(), kPairs);
    for (*count = 0;; ++*count) {
      const PairPiece* piece = nullptr;
      EXPECT_OK(pieces.Next(&piece));
      if (piece == nullptr) break;
      for (size_t i = 0; i < piece->size(); ++i) {
        EXPECT_TRUE(found.empty() || found.rbegin()->first < piece->key(i));
        found.emplace(piece->key(i), piece->value(i));
      }
    }
    return found;
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
  std::map<std::string, std::string> expected_;
};

TEST_F(PairPieceTest, NothingIsOnePiece) {
  size_t count = 0;
  EXPECT_TRUE(ReadAll(&count).empty());
  EXPECT_EQ(count, 1U);
}

TEST_F(PairPieceTest, EveryPairOnce) {
  std::mt19937_64 bits(TestSeed());
  Put("", "the empty key");
  for (int i = 0; i < 3000; ++i) {
    Put(std::to_string(bits()), std::string(bits() % 2000, 'v'));
  }
  size_t count = 0;
  EXPECT_TRUE(ReadAll(&count) == expected_);
  EXPECT_GT(count, 1U);
}

TEST_F(PairPieceTest, WhoStopsInTheMiddleWaitsForTheThread) {
  for (int i = 0; i < 30; ++i) {
    Put(std::to_string(i), std::string(kPairPieceBytes / 4, 'v'));
  }
  for (int round = 0; round < 100; ++round) {
    const std::unique_ptr<EngineReader> reader = engine_->NewReader();
    PairPieces pieces(reader.get(), kPairs);
    const PairPiece* piece = nullptr;
    ASSERT_OK(pieces.Next(&piece));
    ASSERT_NE(piece, nullptr);
    EXPECT_EQ(piece->key(0), "0");
  }
}

TEST_F(PairPieceTest, PairsLargerThanAPiece) {
  for (const char* key : {"a", "b", "c"}) {
    Put(key, std::string(2 * kPairPieceBytes, *key));
  }
  size_t count = 0;
  EXPECT_TRUE(ReadAll(&count) == expected_);
  EXPECT_EQ(count, 3U);
}

}  // namespace
}  // namespace actorkv
