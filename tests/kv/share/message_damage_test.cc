// Messages that are cut short, longer, or of any bytes: a reader refuses them,
// and what it accepts is what a writer makes.

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <set>
#include <string>

#include "tests/support/share_frames.h"
#include "tests/support/share_messages.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class MessageDamageTest : public testing::TestWithParam<FrozenFrame> {
 protected:
  const std::string frame_ = BytesOfHex(GetParam().hex);
};

TEST_P(MessageDamageTest, ComesBackByteForByte) {
  std::string again;
  ASSERT_OK(RecodeFrame(frame_, &again));
  EXPECT_EQ(again, frame_);
}

TEST_P(MessageDamageTest, IsRefusedWhereverItIsCut) {
  for (size_t size = 0; size < frame_.size(); ++size) {
    std::string again = "as it was";
    EXPECT_TRUE(IsError(RecodeFrame(frame_.substr(0, size), &again),
                        Code::kCorruption, ""))
        << size << " of " << frame_.size() << " bytes";
    EXPECT_EQ(again, "as it was");
  }
}

TEST_P(MessageDamageTest, IsRefusedWithMoreBehindIt) {
  std::string again;
  EXPECT_TRUE(IsError(RecodeFrame(frame_ + '\0', &again), Code::kCorruption,
                      "a message of another process is damaged: "));
}

// What is accepted of damaged bytes has one encoding only.
TEST_P(MessageDamageTest, DamageIsRefusedOrComesBack) {
  std::mt19937_64 generator(TestSeed());
  for (uint64_t i = 0; i < TestRounds(2000); ++i) {
    std::string damaged = frame_;
    for (uint64_t n = 1 + generator() % 3; n > 0; --n) {
      damaged[generator() % damaged.size()] = static_cast<char>(generator());
    }
    std::string again;
    const Status status = RecodeFrame(damaged, &again);
    if (!status.ok()) {
      EXPECT_FALSE(status.message().empty());
      continue;
    }
    // The size in the header is that of the body again.
    EXPECT_EQ(again.substr(kFrameHeaderBytes),
              damaged.substr(kFrameHeaderBytes));
  }
}

INSTANTIATE_TEST_SUITE_P(All, MessageDamageTest,
                         testing::ValuesIn(kFrozenFrames),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

template <typename... Message>
size_t CountOf(MessageList<Message...>) {
  return sizeof...(Message);
}

// A message without frozen bytes would not be looked at by any of the tests.
TEST(MessageListTest, EachMessageHasAFrozenFrame) {
  std::set<std::pair<int, int>> kinds;
  for (const FrozenFrame& frozen : kFrozenFrames) {
    FrameHeader header;
    const std::string frame = BytesOfHex(frozen.hex);
    ASSERT_OK(ParseFrameHeader(std::string_view(frame).substr(0, 16), &header));
    EXPECT_EQ(header.size_bytes, frame.size() - kFrameHeaderBytes);
    kinds.emplace(static_cast<int>(header.op), header.flags);
  }
  // Errors have no message of their own.
  EXPECT_EQ(kinds.size(), CountOf(AllMessages()) + 1);
}

// The fuzzer begins with them: with those of today.
TEST(MessageListTest, EachFrozenFrameIsASeed) {
  for (const FrozenFrame& frozen : kFrozenFrames) {
    EXPECT_EQ(FileContents(std::string("tests/fuzz/corpus/share_messages/") +
                           frozen.name),
              BytesOfHex(frozen.hex))
        << frozen.name;
  }
}

TEST(MessageListTest, RandomBodiesNeverCrash) {
  std::mt19937_64 generator(TestSeed());
  for (uint64_t i = 0; i < TestRounds(20000); ++i) {
    const FrozenFrame& frozen =
        kFrozenFrames[generator() % std::size(kFrozenFrames)];
    std::string frame = BytesOfHex(frozen.hex).substr(0, kFrameHeaderBytes);
    for (uint64_t size = generator() % 64; size > 0; --size) {
      // Small numbers are counts and sizes that lead further.
      const uint64_t byte = generator();
      frame.push_back(static_cast<char>(byte % 4 == 0 ? byte >> 8 : 0));
    }
    std::string again;
    if (!RecodeFrame(frame, &again).ok()) continue;
    EXPECT_EQ(again.substr(kFrameHeaderBytes), frame.substr(kFrameHeaderBytes));
  }
}

}  // namespace
}  // namespace actorkv
