// The header of a frame.

#include "kv/share/frame.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/bytes.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string Encode(const FrameHeader& header) {
  std::string bytes(kFrameHeaderBytes, '\xee');
  StoreFrameHeader(header, bytes.data());
  return bytes;
}

FrameHeader SomeHeader() {
  FrameHeader header;
  header.op = Op::kCommit;
  header.flags = kAnswerFlag | kErrorFlag;
  header.size_bytes = 0x01020304 & (kMaxFrameBytes - 1);
  header.request = 0x1112131415161718;
  return header;
}

TEST(FrameTest, HasItsBytes) {
  EXPECT_EQ(Hex(Encode(SomeHeader())),
            "56ac"              // magic
            "0a"                // COMMIT
            "03"                // answer, error
            "04030201"          // size
            "1817161514131211"  // request
  );
}

TEST(FrameTest, ComesBack) {
  FrameHeader header;
  ASSERT_OK(ParseFrameHeader(Encode(SomeHeader()), &header));
  EXPECT_EQ(header.op, Op::kCommit);
  EXPECT_EQ(header.flags, kAnswerFlag | kErrorFlag);
  EXPECT_EQ(header.size_bytes, 0x01020304U);
  EXPECT_EQ(header.request, 0x1112131415161718U);
  EXPECT_EQ(FrameName(header), "COMMIT answer 1230066625199609624");
}

TEST(FrameTest, EveryOpHasItsNumberAndName) {
  const char* const names[] = {
      "HELLO", "OPEN",  "CLOSE",  "HINTS", "HEAD",    "GET",    "SEEK",
      "SCAN",  nullptr, "COMMIT", "DROP",  "COMPACT", "SYNC",   "WAIT",
      "YIELD", nullptr, nullptr,  "CALL",  "CANCEL",  "GOAWAY", "PIN"};
  ASSERT_EQ(std::size(names), size_t{kLastOp});
  for (uint8_t op = 1; op <= kLastOp; ++op) {
    EXPECT_STREQ(OpName(static_cast<Op>(op)), names[op - 1]);
  }
  EXPECT_EQ(OpName(static_cast<Op>(0)), nullptr);
  EXPECT_EQ(OpName(static_cast<Op>(kLastOp + 1)), nullptr);
}

TEST(FrameTest, RefusesWhatIsNoHeader) {
  const std::string good = Encode(SomeHeader());
  const auto refused = [&good](size_t at, char byte, const std::string& part) {
    std::string bad = good;
    bad[at] = byte;
    FrameHeader header;
    header.request = 5;
    EXPECT_TRUE(
        IsError(ParseFrameHeader(bad, &header), Code::kCorruption, part));
    EXPECT_EQ(header.request, 5U) << "unchanged";
  };
  refused(0, '\0', "magic 44032, not 44118");
  refused(1, '\0', "magic 86, not 44118");
  refused(2, '\0', "unknown op 0");
  refused(2, 16, "unknown op 16");
  refused(2, 22, "unknown op 22");
  refused(3, 8, "unknown flags 8");
  refused(7, 3, "bytes, at most 33554432");
}

TEST(FrameTest, TakesTheLargestBody) {
  FrameHeader header = SomeHeader();
  header.size_bytes = kMaxFrameBytes;
  ASSERT_OK(ParseFrameHeader(Encode(header), &header));
  ++header.size_bytes;
  EXPECT_TRUE(IsError(ParseFrameHeader(Encode(header), &header),
                      Code::kCorruption, "33554433 bytes, at most 33554432"));
}

}  // namespace
}  // namespace actorkv
