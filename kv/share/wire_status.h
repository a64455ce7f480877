// WireStatus: a Status as it goes from process to process; and the frames of
// answers that are an error.

#ifndef ACTORKV_KV_SHARE_WIRE_STATUS_H_
#define ACTORKV_KV_SHARE_WIRE_STATUS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/share/frame.h"
#include "kv/share/wire.h"

namespace actorkv {

// A code goes by its number, so none may come between the others: see the test.
constexpr EnumLimits<Code> LimitsOf(Code) {
  return {Code::kOk, Code::kInterrupted};
}

struct WireStatus {
  Code code = Code::kOk;
  uint32_t system_errno = 0;  // 0: none is known
  std::string_view text;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->code, &m->system_errno, &m->text);
  }
};

// The longest text that goes; a longer one is cut.
constexpr size_t kMaxStatusTextBytes = size_t{64} << 10;

// Returns the status as a message, which refers to its text.
WireStatus ToWire(const Status& status);
// Returns it with its own text. With no memory there is one text only.
Status FromWire(const WireStatus& status);

// Makes the frame that answers any request with an error. REQUIRES:
// !status.ok().
std::string EncodeErrorFrame(Op op, uint64_t request, const Status& status);

// Reads the error of an answer that has kErrorFlag into *status. Errors:
// kCorruption for what is none.
Status DecodeError(const FrameHeader& header, std::string_view body,
                   Status* status);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_WIRE_STATUS_H_
