#include "kv/base/system_error.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace actorkv {

Status SystemError(std::string_view what, std::string_view path, int error) {
  const std::string message = std::string(what) + " " + std::string(path) +
                              ": " + std::generic_category().message(error);
  Status status = Status::IOError(message);
  if (error == ENOSPC || error == EDQUOT) status = Status::NoSpace(message);
  if (error == ENOENT) status = Status::NotFound(message);
  return status.WithErrno(error);
}

}  // namespace actorkv
