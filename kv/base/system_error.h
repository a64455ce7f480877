// SystemError() makes a Status of the error of a system call.

#ifndef ACTORKV_KV_BASE_SYSTEM_ERROR_H_
#define ACTORKV_KV_BASE_SYSTEM_ERROR_H_

#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// Returns kNoSpace for ENOSPC and EDQUOT, kNotFound for ENOENT, kIOError
// otherwise, as "open DIR/actorkv.pid: Permission denied".
Status SystemError(std::string_view what, std::string_view path, int error);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_SYSTEM_ERROR_H_
