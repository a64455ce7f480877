#include "kv/share/call_messages.h"

#include <cstring>

namespace actorkv {
namespace {

static_assert(sizeof(double) == sizeof(uint64_t), "IEEE 754");

}  // namespace

CallValue CallValue::OfInteger(int64_t value) {
  CallValue made;
  made.kind = ValueKind::kInteger;
  made.number = static_cast<uint64_t>(value);
  return made;
}

CallValue CallValue::OfReal(double value) {
  CallValue made;
  made.kind = ValueKind::kReal;
  std::memcpy(&made.number, &value, sizeof value);
  return made;
}

int64_t CallValue::integer() const { return static_cast<int64_t>(number); }

double CallValue::real() const {
  double value = 0;
  std::memcpy(&value, &number, sizeof value);
  return value;
}

}  // namespace actorkv
