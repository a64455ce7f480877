#include "kv/share/wire_status.h"

#include <cassert>
#include <utility>

namespace actorkv {
namespace {

Status StatusOf(Code code, std::string text) {
  switch (code) {
    case Code::kOk:
      return Status::Ok();
    case Code::kNotFound:
      return Status::NotFound(std::move(text));
    case Code::kAlreadyExists:
      return Status::AlreadyExists(std::move(text));
    case Code::kInvalidArgument:
      return Status::InvalidArgument(std::move(text));
    case Code::kBusy:
      return Status::Busy(std::move(text));
    case Code::kConflict:
      return Status::Conflict(std::move(text));
    case Code::kFenced:
      return Status::Fenced(std::move(text));
    case Code::kNoSpace:
      return Status::NoSpace(std::move(text));
    case Code::kCorruption:
      return Status::Corruption(std::move(text));
    case Code::kIOError:
      return Status::IOError(std::move(text));
    case Code::kNotSupported:
      return Status::NotSupported(std::move(text));
    case Code::kNoMemory:
      return Status::NoMemory();
    case Code::kReadOnly:
      return Status::ReadOnly(std::move(text));
    case Code::kInterrupted:
      return Status::Interrupted(std::move(text));
  }
  return Status::Corruption(std::move(text));
}

}  // namespace

WireStatus ToWire(const Status& status) {
  WireStatus wire;
  wire.code = status.code();
  wire.system_errno = static_cast<uint32_t>(status.system_errno());
  // With no memory there is one text, whatever was around it.
  const bool is_no_memory = status.code() == Code::kNoMemory;
  wire.text = (is_no_memory ? Status::NoMemory() : status)
                  .message()
                  .substr(0, kMaxStatusTextBytes);
  return wire;
}

Status FromWire(const WireStatus& status) {
  Status made = StatusOf(status.code, std::string(status.text));
  if (status.system_errno == 0) return made;
  return made.WithErrno(static_cast<int>(status.system_errno));
}

std::string EncodeErrorFrame(Op op, uint64_t request, const Status& status) {
  assert(!status.ok());
  const WireStatus wire = ToWire(status);
  MessageWriter writer;
  writer.All(&wire);
  FrameHeader header;
  header.op = op;
  header.flags = kAnswerFlag | kErrorFlag;
  header.request = request;
  std::string frame;
  // A text that was cut is not too large.
  static_cast<void>(writer.Finish(header, &frame));
  return frame;
}

Status DecodeError(const FrameHeader& header, std::string_view body,
                   Status* status) {
  WireStatus wire;
  MessageReader reader(body);
  reader.All(&wire);
  const bool is_error = header.flags == (kAnswerFlag | kErrorFlag);
  if (!is_error || wire.code == Code::kOk) reader.Refuse();
  if (Status s = reader.Finish(header); !s.ok()) return s;
  const Status read = FromWire(wire);
  // Another text than the one that there is with no memory is nobody's.
  if (read.message() != wire.text) reader.Refuse();
  if (Status s = reader.Finish(header); !s.ok()) return s;
  *status = read;
  return Status::Ok();
}

}  // namespace actorkv
