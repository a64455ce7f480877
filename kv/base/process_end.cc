#include "kv/base/process_end.h"

namespace actorkv {

Status ProcessIsEnding(const std::string& what) {
  return Status::IOError("the process is ending: " + what);
}

}  // namespace actorkv
