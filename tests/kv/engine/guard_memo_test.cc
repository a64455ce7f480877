// GuardMemo: what it may know of a key, and what it must have forgotten.

#include "kv/engine/guard_memo.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace actorkv {
namespace {

class GuardMemoTest : public testing::Test {
 protected:
  void Learn(const std::string& key, const std::string& value) {
    memo_->Learn(memo_->Begin(key), key, value);
  }

  std::unique_ptr<GuardMemo> memo_ = std::make_unique<GuardMemo>();
};

TEST_F(GuardMemoTest, KnowsTheLastValue) {
  EXPECT_FALSE(memo_->Holds("k", "1"));
  Learn("k", "1");
  EXPECT_TRUE(memo_->Holds("k", "1"));
  Learn("k", "2");
  EXPECT_FALSE(memo_->Holds("k", "1"));
  EXPECT_TRUE(memo_->Holds("k", "2"));
  EXPECT_FALSE(memo_->Holds("other", "2"));
}

TEST_F(GuardMemoTest, ForgetsWhatOthersWrote) {
  Learn("k", "1");
  memo_->Forget("k");
  EXPECT_FALSE(memo_->Holds("k", "1"));
  EXPECT_FALSE(memo_->Holds("k", ""));
  Learn("k", "1");
  memo_->Clear();
  EXPECT_FALSE(memo_->Holds("k", "1"));
}

// Somebody else wrote the key between this write and its lesson.
TEST_F(GuardMemoTest, DoesNotLearnWhatWasOvertaken) {
  const GuardMemo::Ticket forgotten = memo_->Begin("k");
  memo_->Forget("k");
  memo_->Learn(forgotten, "k", "1");
  EXPECT_FALSE(memo_->Holds("k", "1"));
  const GuardMemo::Ticket cleared = memo_->Begin("k");
  memo_->Clear();
  memo_->Learn(cleared, "k", "1");
  EXPECT_FALSE(memo_->Holds("k", "1"));
}

TEST_F(GuardMemoTest, IsBounded) {
  for (int i = 0; i < 100000; ++i) {
    const std::string key = "key" + std::to_string(i);
    Learn(key, "1");
    ASSERT_TRUE(memo_->Holds(key, "1"));
  }
  int known = 0;
  for (int i = 0; i < 100000; ++i) {
    known += memo_->Holds("key" + std::to_string(i), "1") ? 1 : 0;
  }
  EXPECT_LE(known, 1024);
  EXPECT_GT(known, 500);
}

}  // namespace
}  // namespace actorkv
