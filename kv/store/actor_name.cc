#include "kv/store/actor_name.h"

#include "kv/base/types.h"
#include "kv/base/utf8.h"

namespace actorkv {

Status CheckActorName(const std::string& name) {
  if (name.empty()) return Status::InvalidArgument("actor name is empty");
  if (name.size() > kMaxActorNameBytes) {
    return Status::InvalidArgument(
        "actor name is " + std::to_string(name.size()) +
        " bytes long, the limit is " + std::to_string(kMaxActorNameBytes));
  }
  if (name.find('/') != std::string::npos) {
    return Status::InvalidArgument("actor name has a slash: " + name);
  }
  if (name.find('\0') != std::string::npos) {
    return Status::InvalidArgument("actor name has a NUL byte");
  }
  if (name == "." || name == "..") {
    return Status::InvalidArgument("actor name is a directory's: " + name);
  }
  if (!IsUtf8(name)) {
    return Status::InvalidArgument("actor name is not UTF-8");
  }
  return Status::Ok();
}

}  // namespace actorkv
