// Batches: what went in comes out, in order, whatever was before in its memory.

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "kv/engine/engine.h"

namespace actorkv {
namespace {

constexpr Partition kOne{PartitionKind::kBranch, 1};
constexpr Partition kTwo{PartitionKind::kActor, 2};

std::string Text(const Batch& batch) {
  std::string text;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    text += std::to_string(op.partition.id) + ":" + std::string(op.key) + "=" +
            (op.value.has_value() ? "'" + std::string(*op.value) + "'" : "-") +
            " ";
  }
  for (const Batch::Guard& guard : batch.guards()) {
    text += "if " + guard.key + "=" + guard.expected.value_or("-") + " ";
  }
  return text;
}

TEST(BatchTest, KeepsWhatWentInInOrder) {
  Batch batch;
  EXPECT_TRUE(batch.empty());
  batch.Put(kOne, "b", "value");
  batch.Delete(kTwo, "a");
  batch.Put(kTwo, "", "");
  batch.PutMade(kOne, "made", [](std::string* bytes) {
    bytes->append("in ");
    bytes->append("place");
  });
  batch.PutMade(kOne, "empty", [](std::string*) {});
  batch.AddGuard(kTwo, "g", "x");
  batch.AddGuard(kTwo, "h", std::nullopt);
  EXPECT_EQ(Text(batch),
            "1:b='value' 2:a=- 2:='' 1:made='in place' 1:empty='' "
            "if g=x if h=- ");
  EXPECT_EQ(batch.size_bytes(), 1U + 5 + 1 + 4 + 8 + 5);
  EXPECT_FALSE(batch.empty());
}

TEST(BatchTest, AppendAddsBehind) {
  Batch first;
  first.Put(kOne, "a", "1");
  Batch second;
  second.Put(kTwo, "bb", "22");
  second.Delete(kOne, "c");
  second.AddGuard(kOne, "a", std::nullopt);
  first.Append(second);
  first.Append(Batch());
  first.Put(kOne, "d", "4");
  EXPECT_EQ(Text(first), "1:a='1' 2:bb='22' 1:c=- 1:d='4' if a=- ");
  EXPECT_EQ(first.size_bytes(), 9U);
  EXPECT_EQ(Text(second), "2:bb='22' 1:c=- if a=- ");
}

TEST(BatchTest, NothingIsLeftAfterClear) {
  Batch batch;
  batch.Reserve(100);
  batch.Put(kOne, "a", std::string(500, 'x'));
  batch.AddGuard(kOne, "a", "x");
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.size_bytes(), 0U);
  batch.Put(kTwo, "b", "y");
  EXPECT_EQ(Text(batch), "2:b='y' ");
  Batch moved = std::move(batch);
  EXPECT_EQ(Text(moved), "2:b='y' ");
}

// What is told, in order, by batches that say they are done.
TEST(BatchTest, TellsThoseWhoWaitWhenItIsDone) {
  std::string told;
  Batch batch;
  batch.WhenDone([&told] { told += "a"; });
  batch.Put(kOne, "k", "v");
  batch.WhenDone([&told] { told += "b"; });
  Batch other;
  other.WhenDone([&told] { told += "c"; });
  batch.Append(std::move(other));
  EXPECT_EQ(told, "") << "it is not done yet";
  const Batch moved = std::move(batch);
  moved.TellDone();
  EXPECT_EQ(told, "abc");
}

TEST(BatchTest, NobodyWaitsForWhatWasCleared) {
  bool told = false;
  Batch batch;
  batch.WhenDone([&told] { told = true; });
  batch.Clear();
  batch.TellDone();
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace actorkv
