#include "kv/process/not_served.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kv/files/file_system.h"

namespace actorkv {
namespace {

bool IsOfAccess(int error) { return error == EACCES || error == EPERM; }

// Errors of the system that stay as they are.
bool IsLasting(int error) { return IsOfAccess(error) || error == ENAMETOOLONG; }

// Who may do what with the directory: "755".
std::string ModeOf(const struct stat& directory) {
  constexpr int kBits = 3;
  std::string mode;
  for (int shift = 2 * kBits; shift >= 0; shift -= kBits) {
    mode += static_cast<char>('0' + (directory.st_mode >> shift & 7));
  }
  return mode;
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

Status NamingUsers(const std::string& directory, const Status& status) {
  struct stat found = {};
  if (!IsOfAccess(status.system_errno()) ||
      stat(directory.c_str(), &found) != 0) {
    return status;
  }
  return status.WithContext("the store's directory is of user " +
                            std::to_string(found.st_uid) + ", mode " +
                            ModeOf(found) + ", and this process of user " +
                            std::to_string(geteuid()));
}

Status NotServed(const std::string& directory, const Status& owned,
                 const Status& shared) {
  if (!MayPass(shared)) return NamingUsers(directory, shared);
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
