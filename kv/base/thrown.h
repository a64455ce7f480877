// Here is where exceptions end. Nothing of ours throws, but the libraries do:
// std::bad_alloc where memory runs out, std::system_error where the system has
// no thread for us. Mostly they pass through, up to the border
// (vfs/sqlite/file_methods.h). These functions catch them where that may not
// be.

#ifndef ACTORKV_KV_BASE_THROWN_H_
#define ACTORKV_KV_BASE_THROWN_H_

#include "kv/base/status.h"

namespace actorkv {

// Returns kNoMemory for std::bad_alloc; else kIOError with the text of the
// exception. REQUIRES: called in a catch clause.
Status ThrownStatus() noexcept;

// Throws std::bad_alloc as a library does. Allocates nothing.
[[noreturn]] void ThrowNoMemory();

// Returns the Status of `call`, or what it threw as one.
template <typename Call>
Status Caught(const Call& call) noexcept {
  try {
    return call();
  } catch (...) {
    return ThrownStatus();
  }
}

// Calls `call`, which may be left undone where there is no memory for it.
// False: it threw.
template <typename Call>
bool IfMemory(const Call& call) noexcept {
  try {
    call();
    return true;
  } catch (...) {
    return false;
  }
}

// Returns what `call` returns. Where it throws, `undo` is called, and what was
// thrown goes on.
template <typename Call, typename Undo>
auto OrUndo(const Call& call, const Undo& undo) {
  try {
    return call();
  } catch (...) {
    undo();
    throw;
  }
}

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_THROWN_H_
