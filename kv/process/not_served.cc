#include "kv/process/not_served.h"

#include <cerrno>

#include "kv/files/file_system.h"

namespace actorkv {
namespace {

// Errors of the system that stay as they are.
bool IsLasting(int error) {
  return error == EACCES || error == EPERM || error == ENAMETOOLONG;
}

bool MayPass(const Status& shared) {
  if (shared.code() == Code::kIOError) return !IsLasting(shared.system_errno());
  return shared.code() == Code::kNotFound || shared.code() == Code::kBusy;
}

std::string ReasonOf(const Status& shared) {
  if (shared.code() == Code::kNotFound) return "no socket";
  if (NobodyListens(shared)) return "nobody listens at its socket";
  return std::string(shared.message());
}

}  // namespace

bool NobodyListens(const Status& shared) {
  return shared.code() == Code::kNotFound ||
         shared.system_errno() == ECONNREFUSED;
}

Status NotServed(const std::string& directory, const Status& owned,
                 const Status& shared) {
  if (!MayPass(shared)) return shared;
  const bool owner_spoke =
      shared.code() == Code::kBusy && shared.system_errno() == 0;
  if (owner_spoke) return shared.WithContext(directory);
  std::string text = std::string(owned.message()) +
                     " (it does not serve others: " + ReasonOf(shared);
  const std::string file_system = SharedFileSystemOf(directory);
  if (!file_system.empty()) {
    text += "; the directory is on " + file_system +
            ", so the holder may be on another machine";
  }
  return Status::Busy(text + ")");
}

}  // namespace actorkv
