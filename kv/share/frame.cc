#include "kv/share/frame.h"

#include <cstring>

#include "kv/base/coding.h"

namespace actorkv {
namespace {

constexpr uint32_t kMagic = 0xAC56;
constexpr uint8_t kAllFlags = kAnswerFlag | kErrorFlag | kMoreFlag;

constexpr int kOpShift = 16;
constexpr int kFlagsShift = 24;

Status Unexpected(const std::string& what) {
  return Status::Corruption("a frame of another process is damaged: " + what);
}

}  // namespace

const char* OpName(Op op) {
  switch (op) {
    case Op::kHello:
      return "HELLO";
    case Op::kOpen:
      return "OPEN";
    case Op::kClose:
      return "CLOSE";
    case Op::kHints:
      return "HINTS";
    case Op::kHead:
      return "HEAD";
    case Op::kGet:
      return "GET";
    case Op::kSeek:
      return "SEEK";
    case Op::kScan:
      return "SCAN";
    case Op::kCommit:
      return "COMMIT";
    case Op::kDrop:
      return "DROP";
    case Op::kCompact:
      return "COMPACT";
    case Op::kSync:
      return "SYNC";
    case Op::kWait:
      return "WAIT";
    case Op::kYield:
      return "YIELD";
    case Op::kCall:
      return "CALL";
    case Op::kCancel:
      return "CANCEL";
    case Op::kGoAway:
      return "GOAWAY";
    case Op::kPin:
      return "PIN";
  }
  return nullptr;
}

void StoreFrameHeader(const FrameHeader& header, char* bytes) {
  std::string encoded;
  encoded.reserve(kFrameHeaderBytes);
  AppendLittle32(&encoded,
                 kMagic | static_cast<uint32_t>(header.op) << kOpShift |
                     static_cast<uint32_t>(header.flags) << kFlagsShift);
  AppendLittle32(&encoded, header.size_bytes);
  AppendLittle64(&encoded, header.request);
  std::memcpy(bytes, encoded.data(), kFrameHeaderBytes);
}

Status ParseFrameHeader(std::string_view bytes, FrameHeader* header) {
  FieldReader fields(bytes);
  const uint32_t first = fields.Little32();
  if ((first & 0xFFFF) != kMagic) {
    return Unexpected("magic " + std::to_string(first & 0xFFFF) + ", not " +
                      std::to_string(kMagic));
  }
  FrameHeader read;
  const auto op = static_cast<uint8_t>(first >> kOpShift);
  read.op = static_cast<Op>(op);
  read.flags = static_cast<uint8_t>(first >> kFlagsShift);
  read.size_bytes = fields.Little32();
  read.request = fields.Little64();
  if (OpName(read.op) == nullptr) {
    return Unexpected("unknown op " + std::to_string(op));
  }
  if ((read.flags & ~kAllFlags) != 0) {
    return Unexpected("unknown flags " + std::to_string(read.flags));
  }
  if (read.size_bytes > kMaxFrameBytes) {
    return Unexpected(std::to_string(read.size_bytes) + " bytes, at most " +
                      std::to_string(kMaxFrameBytes));
  }
  *header = read;
  return Status::Ok();
}

std::string FrameName(const FrameHeader& header) {
  const bool is_answer = (header.flags & kAnswerFlag) != 0;
  return std::string(OpName(header.op)) + (is_answer ? " answer " : " ") +
         std::to_string(header.request);
}

}  // namespace actorkv
