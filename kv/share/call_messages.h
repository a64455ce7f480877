// The messages by which a process has the owner of the store run a function,
// with values as SQLite has them. kv/share/PROTOCOL.md has each byte.

#ifndef ACTORKV_KV_SHARE_CALL_MESSAGES_H_
#define ACTORKV_KV_SHARE_CALL_MESSAGES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/share/frame.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire.h"

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: processes with other modules use them. They
// are those of SQLite's types, where it has a number for them.
enum class ValueKind : uint8_t {
  kInteger = 1,
  kReal = 2,
  kText = 3,
  kBlob = 4,
  kNull = 5,
};
constexpr EnumLimits<ValueKind> LimitsOf(ValueKind) {
  return {ValueKind::kInteger, ValueKind::kNull};
}

// CallValue: an argument or a column. The kind says which member counts.
struct CallValue {
  ValueKind kind = ValueKind::kNull;
  uint64_t number = 0;     // of an integer or a real: its 8 bytes
  std::string_view bytes;  // of a text, UTF-8, or a blob

  static CallValue OfInteger(int64_t value);
  static CallValue OfReal(double value);
  int64_t integer() const;  // REQUIRES: kind is kInteger
  double real() const;      // REQUIRES: kind is kReal

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->kind);
    switch (m->kind) {
      case ValueKind::kInteger:
      case ValueKind::kReal:
        wire->All(&m->number);
        break;
      case ValueKind::kText:
      case ValueKind::kBlob:
        wire->All(&m->bytes);
        break;
      case ValueKind::kNull:
        break;
    }
  }
};

// CallSpec: a function to run in the owner's process.
struct CallSpec {
  std::string function;
  std::vector<CallValue> arguments;  // refer to memory of somebody else
  // That go with it: whoever made it has them, and in the owner they are closed
  // after the call.
  std::vector<int> descriptors;
};

// CALL: runs a function. `descriptor_count` descriptors come with the frame;
// what they are is a matter of the function.
struct CallRequest {
  static constexpr Op kOp = Op::kCall;
  static constexpr uint8_t kFlags = 0;

  std::string_view function;  // its name: "actorkv_fork"
  uint8_t descriptor_count = 0;
  std::vector<CallValue> arguments;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->function, &m->descriptor_count, &m->arguments);
  }
};

// CallRow: a row of the result; more follow.
struct CallRow {
  static constexpr Op kOp = Op::kCall;
  static constexpr uint8_t kFlags = kAnswerFlag | kMoreFlag;

  std::vector<CallValue> columns;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->columns);
  }
};

// CallAnswer: the last row, or the end of the rows, where it has no column.
struct CallAnswer {
  static constexpr Op kOp = Op::kCall;
  static constexpr uint8_t kFlags = kAnswerFlag;

  std::vector<CallValue> columns;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->columns);
  }
};

// CANCEL: whoever made the CALL whose request number this frame has does not
// want its result any more. No answer of its own: the call ends with one.
using CancelRequest = EmptyRequest<Op::kCancel>;

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CALL_MESSAGES_H_
