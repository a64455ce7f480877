#include "kv/base/thrown.h"

#include <exception>
#include <new>
#include <string>
#include <system_error>

namespace actorkv {

namespace {

// Makes a status of a text, which may run out of memory in its turn.
Status TextStatus(const char* what, const char* text) noexcept {
  try {
    return Status::IOError(std::string(what) + text);
  } catch (...) {
    return Status::NoMemory();
  }
}

}  // namespace

void ThrowNoMemory() { throw std::bad_alloc(); }

Status ThrownStatus() noexcept {
  try {
    // Throws what the caller's catch clause has, to look at its type.
    throw;
  } catch (const std::bad_alloc&) {
    return Status::NoMemory();
  } catch (const std::system_error& error) {
    return TextStatus("the system refused a thread or a lock: ", error.what());
  } catch (const std::exception& error) {
    return TextStatus("unexpected: ", error.what());
  } catch (...) {
    return TextStatus("unexpected: ", "an exception of no known kind");
  }
}

}  // namespace actorkv
