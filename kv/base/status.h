// Status: the outcome of a call, in the shape of LevelDB's Status with
// Abseil's rule that a code tells the caller what to do next.
//
// Conventions of the whole tree: a function that can fail returns Status; its
// outputs are pointers, last in the list, and unchanged when it fails. Nothing
// of ours throws, but an allocation may (std::bad_alloc): what must hold then
// is said where it matters. A message says what, which and where: "page
// checksum mismatch: branch=12 pgno=7 txid=340".

#ifndef ACTORKV_KV_BASE_STATUS_H_
#define ACTORKV_KV_BASE_STATUS_H_

#include <memory>
#include <string>
#include <string_view>

namespace actorkv {

enum class Code {
  kOk,               // continue
  kNotFound,         // create or report: actor, key or version is not there
  kAlreadyExists,    // pick another name
  kInvalidArgument,  // fix the call
  kBusy,             // retry later: another writer or holder
  kConflict,         // retry the transaction on a new snapshot: the head moved
  kFenced,           // stop and reopen: a newer generation owns the actor
  kNoSpace,          // free space: disk full or quota
  kCorruption,       // restore: a checksum or a record did not decode
  kIOError,          // report: everything else from the engine or the system
  kNotSupported,     // do not ask: newer format, a mix that cannot be atomic
  kNoMemory,         // free memory, then retry: an allocation failed
  kReadOnly,         // ask on a connection that may write
  kInterrupted,      // call again, if it is still wanted: the caller stopped it
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  static Status Ok() { return Status(); }
  static Status NotFound(std::string message);
  static Status AlreadyExists(std::string message);
  static Status InvalidArgument(std::string message);
  static Status Busy(std::string message);
  static Status Conflict(std::string message);
  static Status Fenced(std::string message);
  static Status NoSpace(std::string message);
  static Status Corruption(std::string message);
  static Status IOError(std::string message);
  static Status NotSupported(std::string message);
  static Status ReadOnly(std::string message);
  // The message says that it was interrupted: nothing is put before it.
  static Status Interrupted(std::string message);

  // These say "memory ran out", under either code, without an allocation. The
  // second is for a write of which it is not known whether it was made.
  static Status NoMemory() noexcept;
  static Status NoMemoryInDoubt() noexcept;

  bool ok() const { return state_ == nullptr; }
  Code code() const { return state_ == nullptr ? Code::kOk : state_->code; }

  // Returns the message without the code's name; empty when ok.
  std::string_view message() const;

  // Returns "corruption: page checksum mismatch: ..." or "ok".
  std::string ToString() const;

  // Returns the same code with "context: " put before the message. Ok stays ok.
  Status WithContext(std::string_view context) const;

  // Returns the same code with another message. Ok stays ok.
  Status WithMessage(std::string message) const;

  // Returns the same with the system's error number, for callers who know no
  // codes.
  Status WithErrno(int error) const;

  // The error number of the system call that failed; 0: none is known.
  int system_errno() const { return state_ == nullptr ? 0 : state_->error; }

 private:
  struct State {
    Code code;
    std::string message;
    int error = 0;
  };
  Status(Code code, std::string message, int error = 0);
  explicit Status(const State* state) noexcept;  // it is never destroyed

  // The state; null is ok, so that ok costs nothing to make, copy and test.
  std::shared_ptr<const State> state_;
};

// The name of a code as messages print it: "not found", "busy", ...
std::string_view CodeName(Code code);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_STATUS_H_
