// What there is to say while the process ends.

#ifndef ACTORKV_KV_BASE_PROCESS_END_H_
#define ACTORKV_KV_BASE_PROCESS_END_H_

#include <string>

#include "kv/base/status.h"

namespace actorkv {

// Returns the error of whoever asks for a store while the process ends:
// kIOError "the process is ending: WHAT".
Status ProcessIsEnding(const std::string& what);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_PROCESS_END_H_
