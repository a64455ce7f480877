#include "kv/base/status.h"

#include <new>
#include <utility>

namespace actorkv {

namespace {

// The text is short enough to lie in the string itself, so that no allocation
// is needed for it.
constexpr char kNoMemoryText[] = "memory ran out";

}  // namespace

Status::Status(Code code, std::string message, int error)
    : state_(std::make_shared<const State>(
          State{code, std::move(message), error})) {}

Status::Status(const State* state) noexcept
    // The aliasing constructor of shared_ptr: there is no count, and so no
    // allocation.
    : state_(std::shared_ptr<const State>(), state) {}

Status Status::NoMemory() noexcept {
  // Static memory, which is never destroyed: such a status may be made while
  // the process ends.
  alignas(State) static unsigned char memory[sizeof(State)];
  static const State* const state =
      new (memory) State{Code::kNoMemory, kNoMemoryText};
  return Status(state);
}

Status Status::NoMemoryInDoubt() noexcept {
  alignas(State) static unsigned char memory[sizeof(State)];
  static const State* const state =
      new (memory) State{Code::kIOError, kNoMemoryText};
  return Status(state);
}

Status Status::NotFound(std::string message) {
  return Status(Code::kNotFound, std::move(message));
}
Status Status::AlreadyExists(std::string message) {
  return Status(Code::kAlreadyExists, std::move(message));
}
Status Status::InvalidArgument(std::string message) {
  return Status(Code::kInvalidArgument, std::move(message));
}
Status Status::Busy(std::string message) {
  return Status(Code::kBusy, std::move(message));
}
Status Status::Conflict(std::string message) {
  return Status(Code::kConflict, std::move(message));
}
Status Status::Fenced(std::string message) {
  return Status(Code::kFenced, std::move(message));
}
Status Status::NoSpace(std::string message) {
  return Status(Code::kNoSpace, std::move(message));
}
Status Status::Corruption(std::string message) {
  return Status(Code::kCorruption, std::move(message));
}
Status Status::IOError(std::string message) {
  return Status(Code::kIOError, std::move(message));
}
Status Status::NotSupported(std::string message) {
  return Status(Code::kNotSupported, std::move(message));
}
Status Status::ReadOnly(std::string message) {
  return Status(Code::kReadOnly, std::move(message));
}
Status Status::Interrupted(std::string message) {
  return Status(Code::kInterrupted, std::move(message));
}

std::string_view Status::message() const {
  return state_ == nullptr ? std::string_view() : state_->message;
}

std::string Status::ToString() const {
  // The message says all: see Interrupted().
  if (code() == Code::kInterrupted) return state_->message;
  std::string text(CodeName(code()));
  if (!ok()) text.append(": ").append(state_->message);
  return text;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  std::string text(context);
  text.append(": ").append(state_->message);
  return Status(state_->code, std::move(text), state_->error);
}

Status Status::WithErrno(int error) const {
  return ok() ? *this : Status(state_->code, state_->message, error);
}

Status Status::WithMessage(std::string message) const {
  if (ok()) return *this;
  return Status(state_->code, std::move(message), state_->error);
}

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kNotFound:
      return "not found";
    case Code::kAlreadyExists:
      return "already exists";
    case Code::kInvalidArgument:
      return "invalid argument";
    case Code::kBusy:
      return "busy";
    case Code::kConflict:
      return "conflict";
    case Code::kFenced:
      return "fenced";
    case Code::kNoSpace:
      return "no space";
    case Code::kCorruption:
      return "corruption";
    case Code::kIOError:
      return "I/O error";
    case Code::kNotSupported:
      return "not supported";
    case Code::kNoMemory:
      return "out of memory";
    case Code::kReadOnly:
      return "read-only";
    case Code::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace actorkv
