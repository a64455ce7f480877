// Frame: the unit in which the processes of one store talk: a header of 16
// bytes, little-endian, and a body, which is a message (kv/share/PROTOCOL.md).
//
//   offset  bytes  field
//        0      2  magic = 0xAC56
//        2      1  op
//        3      1  flags: 1 answer, 2 error (the body is a Status), 4 more
//                  answers to the same request follow
//        4      4  size of the body, bytes; at most 32 MiB
//        8      8  request: a number that the asker gives; the answer has the
//                  same
//
// There is no checksum: the kernel copies frames within one machine, and what
// is stored has its own. A header that is not as expected means that the two
// sides have lost each other: the channel ends.

#ifndef ACTORKV_KV_SHARE_FRAME_H_
#define ACTORKV_KV_SHARE_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: processes with other modules use them. 9,
// 16 and 17 are none.
enum class Op : uint8_t {
  kHello = 1,     // begins a session, or adds a channel to one
  kOpen = 2,      // an actor, which gets a slot on the board
  kClose = 3,     // that slot
  kHints = 4,     // what was learned of the pages that an actor reads first
  kHead = 5,      // the newest head, with what changed since another one
  kGet = 6,       // as EngineReader
  kSeek = 7,      // as EngineReader
  kScan = 8,      // as EngineReader
  kCommit = 10,   // as Engine, and which heads it moves
  kDrop = 11,     // as Engine
  kCompact = 12,  // as Engine
  kSync = 13,     // as Engine
  kWait = 14,     // for the writer of an actor to end
  kYield = 15,    // the writer ended, and somebody waits
  kCall = 18,     // a function that the owner runs
  kCancel = 19,   // that call
  kGoAway = 20,   // the owner ends, or the session does
  kPin = 21,      // a commit that the session reads
};
constexpr uint8_t kLastOp = 21;

// "HELLO"; null for a number that is none.
const char* OpName(Op op);

// DO NOT CHANGE THESE VALUES: processes with other modules use them.
constexpr uint8_t kAnswerFlag = 1;
constexpr uint8_t kErrorFlag = 2;
constexpr uint8_t kMoreFlag = 4;

struct FrameHeader {
  Op op = Op::kHello;
  uint8_t flags = 0;
  uint32_t size_bytes = 0;  // of the body
  uint64_t request = 0;     // 0: none, the frame is no answer and wants none
};

constexpr size_t kFrameHeaderBytes = 16;
constexpr size_t kMaxFrameBytes = size_t{32} << 20;  // of the body

// Stores the header in the kFrameHeaderBytes bytes at `bytes`.
void StoreFrameHeader(const FrameHeader& header, char* bytes);

// Reads a header. Errors: kCorruption for another magic, an unknown op or flag,
// a size past the limit; the text has what was found. REQUIRES: `bytes` has
// kFrameHeaderBytes.
Status ParseFrameHeader(std::string_view bytes, FrameHeader* header);

// "GET answer 17", for messages.
std::string FrameName(const FrameHeader& header);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_FRAME_H_
