// How fields, errors and versions go from process to process.

#include "kv/share/wire.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kv/base/coding.h"
#include "kv/share/engine_messages.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire_status.h"
#include "tests/support/failing_memory.h"
#include "tests/support/share_frames.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

FrameHeader HeaderOf(Op op, uint8_t flags) {
  FrameHeader header;
  header.op = op;
  header.flags = flags;
  return header;
}

TEST(WireTest, RefusesAnotherOpOrOtherFlags) {
  SyncRequest sync;
  EXPECT_OK(DecodeBody(HeaderOf(Op::kSync, 0), "", &sync));
  EXPECT_TRUE(IsError(DecodeBody(HeaderOf(Op::kDrop, 0), "", &sync),
                      Code::kCorruption, "is damaged: DROP 0"));
  EXPECT_TRUE(IsError(DecodeBody(HeaderOf(Op::kSync, kAnswerFlag), "", &sync),
                      Code::kCorruption, "is damaged: SYNC answer 0"));
}

TEST(WireTest, RefusesValuesThatNoWriterMakes) {
  const auto decode = [](std::string body) {
    DropRequest drop;
    return DecodeBody(HeaderOf(Op::kDrop, 0), body, &drop);
  };
  EXPECT_OK(decode("\x04" + std::string(8, '\0')));
  EXPECT_FALSE(decode("\x05" + std::string(8, '\0')).ok()) << "partition kind";
  EXPECT_FALSE(decode(std::string(9, '\0')).ok()) << "partition kind";
  WaitAnswer wait;
  EXPECT_FALSE(DecodeBody(HeaderOf(Op::kWait, kAnswerFlag), "\x02", &wait).ok())
      << "bool";
}

TEST(WireTest, LeavesTheMessageAsItWasOnAnError) {
  DropRequest drop;
  drop.partition.id = 17;
  EXPECT_FALSE(DecodeBody(HeaderOf(Op::kDrop, 0), "\x01", &drop).ok());
  EXPECT_EQ(drop.partition.id, 17U);
}

// A body with a list of `count` keys, of which `bytes` follow.
std::string KeysBody(uint32_t count, size_t bytes) {
  std::string body("\x01" + std::string(12, '\0'));
  AppendLittle32(&body, count);
  return body + std::string(bytes, '\0');
}

TEST(WireTest, BelievesACountOnlyAsFarAsItemsFollow) {
  GetRequest get;
  const FrameHeader header = HeaderOf(Op::kGet, 0);
  EXPECT_OK(DecodeBody(header, KeysBody(2, 8), &get));
  EXPECT_EQ(get.keys.size(), 2U);
  EXPECT_FALSE(DecodeBody(header, KeysBody(3, 8), &get).ok());
  EXPECT_FALSE(DecodeBody(header, KeysBody(2, 9), &get).ok());
  EXPECT_FALSE(DecodeBody(header, KeysBody(0xFFFFFFFF, 8), &get).ok());
  EXPECT_EQ(get.keys.size(), 2U) << "unchanged";
}

// A count takes no memory before the items are known to follow.
TEST(WireTest, ACountAloneTakesNoMemory) {
  const auto allocations = [](const std::string& body) {
    FailingMemory::Plan none;
    none.nth = ~uint64_t{0};
    GetRequest get;
    FailingMemory::Begin(none);
    const Status status = DecodeBody(HeaderOf(Op::kGet, 0), body, &get);
    FailingMemory::End();
    EXPECT_FALSE(status.ok());
    return FailingMemory::Seen();
  };
  const uint64_t of_the_error = allocations("");
  EXPECT_GT(of_the_error, 0U);
  EXPECT_EQ(allocations(KeysBody(1000, 8)), of_the_error);
}

// An empty value of 1 byte takes some 24 in memory, so that a frame could ask
// for more memory than it has bytes.
TEST(WireTest, AListTakesNoMoreMemoryThanTheLargestFrame) {
  const size_t most = kMaxFrameBytes / sizeof(std::optional<std::string_view>);
  const auto body = [](size_t count) {
    std::string bytes;
    AppendLittle32(&bytes, static_cast<uint32_t>(count));
    return bytes + std::string(count, '\0');
  };
  GetAnswer answer;
  const FrameHeader header = HeaderOf(Op::kGet, kAnswerFlag);
  EXPECT_OK(DecodeBody(header, body(most), &answer));
  EXPECT_EQ(answer.values.size(), most);
  EXPECT_FALSE(DecodeBody(header, body(most + 1), &answer).ok());
  // A writer makes none that a reader would refuse.
  answer.values.resize(most + 1);
  std::string frame;
  EXPECT_TRUE(IsError(EncodeFrame(answer, 3, &frame), Code::kInvalidArgument,
                      "too large: GET answer 3 has more than 33554432"));
  EXPECT_TRUE(frame.empty());
}

TEST(WireTest, AMessageHasAtMostTheLargestFrame) {
  const auto encode = [](size_t bytes) {
    const std::string value(bytes, 'x');
    GetAnswer answer;
    answer.values = {value};
    std::string frame;
    return EncodeFrame(answer, 0, &frame);
  };
  constexpr size_t kBeside = 4 + 1 + 4;
  EXPECT_OK(encode(kMaxFrameBytes - kBeside));
  EXPECT_TRUE(IsError(encode(kMaxFrameBytes - kBeside + 1),
                      Code::kInvalidArgument, "too large"));
  EXPECT_TRUE(
      IsError(encode(kMaxFrameBytes + 1), Code::kInvalidArgument, "too large"));
}

TEST(WireStatusTest, EveryCodeHasItsNumber) {
  const Status statuses[] = {
      Status::NotFound("t"),        Status::AlreadyExists("t"),
      Status::InvalidArgument("t"), Status::Busy("t"),
      Status::Conflict("t"),        Status::Fenced("t"),
      Status::NoSpace("t"),         Status::Corruption("t"),
      Status::IOError("t"),         Status::NotSupported("t"),
      Status::NoMemory(),           Status::ReadOnly("t"),
      Status::Interrupted("t")};
  char number = 1;
  for (const Status& status : statuses) {
    const std::string frame = EncodeErrorFrame(Op::kCall, 9, status);
    EXPECT_EQ(frame[kFrameHeaderBytes], number++) << status.ToString();
    FrameHeader header;
    ASSERT_OK(ParseFrameHeader(frame.substr(0, kFrameHeaderBytes), &header));
    Status again;
    ASSERT_OK(DecodeError(header, frame.substr(kFrameHeaderBytes), &again));
    EXPECT_EQ(again.ToString(), status.ToString());
    EXPECT_EQ(again.system_errno(), 0);
  }
}

TEST(WireStatusTest, KeepsTheErrorNumberAndCutsALongText) {
  const Status status =
      Status::IOError(std::string(100'000, 'x')).WithErrno(ENOENT);
  const std::string frame = EncodeErrorFrame(Op::kGet, 1, status);
  FrameHeader header;
  ASSERT_OK(ParseFrameHeader(frame.substr(0, kFrameHeaderBytes), &header));
  Status again;
  ASSERT_OK(DecodeError(header, frame.substr(kFrameHeaderBytes), &again));
  EXPECT_EQ(again.code(), Code::kIOError);
  EXPECT_EQ(again.message(), std::string(kMaxStatusTextBytes, 'x'));
  EXPECT_EQ(again.system_errno(), ENOENT);
}

TEST(WireStatusTest, RefusesWhatIsNoError) {
  std::string body(9, '\0');
  Status status = Status::Busy("as it was");
  const FrameHeader error = HeaderOf(Op::kGet, kAnswerFlag | kErrorFlag);
  EXPECT_TRUE(IsError(DecodeError(error, body, &status), Code::kCorruption,
                      "GET answer 0"))
      << "ok is no error";
  body[0] = 14;
  EXPECT_FALSE(DecodeError(error, body, &status).ok()) << "unknown code";
  body[0] = 4;
  EXPECT_FALSE(
      DecodeError(HeaderOf(Op::kGet, kAnswerFlag), body, &status).ok());
  EXPECT_EQ(status.message(), "as it was");
  EXPECT_OK(DecodeError(error, body, &status));
  EXPECT_EQ(status.code(), Code::kBusy);
}

TEST(ProtocolTest, ReadsTheVersionOfAnyHello) {
  const std::string body = FrozenFrameOf("hello").substr(kFrameHeaderBytes);
  ModuleVersion version;
  ASSERT_OK(ReadModuleVersion(body, &version));
  EXPECT_EQ(version.protocol_max, 2U);
  EXPECT_EQ(version.pid, 4711U);
  EXPECT_EQ(version.module, "0.1.0");
  // What follows is of no concern, nor is that there is nothing.
  ASSERT_OK(ReadModuleVersion(body.substr(0, 21), &version));
  EXPECT_TRUE(IsError(ReadModuleVersion(body.substr(0, 20), &version),
                      Code::kCorruption, "HELLO"));
}

TEST(ProtocolTest, PicksTheNewestThatBothSpeak) {
  const auto version = [](uint32_t min, uint32_t max, std::string_view module) {
    return ModuleVersion{min, max, 4711, module};
  };
  uint32_t protocol = 0;
  ASSERT_OK(
      PickProtocol(version(1, 2, "0.2"), version(1, 1, "0.1"), &protocol));
  EXPECT_EQ(protocol, 1U);
  ASSERT_OK(
      PickProtocol(version(2, 3, "0.3"), version(2, 4, "0.4"), &protocol));
  EXPECT_EQ(protocol, 3U);
  const char text[] =
      "store is open in process 4711 with module 0.3 (protocol 3); this is 0.1 "
      "(protocol 1): use one module, or mode=ro to follow";
  EXPECT_TRUE(IsError(
      PickProtocol(version(2, 3, "0.3"), version(1, 1, "0.1"), &protocol),
      Code::kNotSupported, text));
  EXPECT_FALSE(
      PickProtocol(version(1, 1, "0.1"), version(2, 3, "0.3"), &protocol).ok());
  EXPECT_EQ(protocol, 3U) << "unchanged";
}

}  // namespace
}  // namespace actorkv
