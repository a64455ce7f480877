// The names that an actor can have.

#ifndef ACTORKV_KV_STORE_ACTOR_NAME_H_
#define ACTORKV_KV_STORE_ACTOR_NAME_H_

#include <string>

#include "kv/base/status.h"

namespace actorkv {

// Errors: kInvalidArgument with the reason: empty, too long, '/', NUL, not
// UTF-8, "." or "..".
Status CheckActorName(const std::string& name);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_ACTOR_NAME_H_
