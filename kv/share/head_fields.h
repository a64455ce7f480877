// These make a HeadState (kv/store/actor.h) into the fields of a message, and
// those into a HeadState in another process.

#ifndef ACTORKV_KV_SHARE_HEAD_FIELDS_H_
#define ACTORKV_KV_SHARE_HEAD_FIELDS_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/share/actor_messages.h"
#include "kv/store/actor.h"

namespace actorkv {

// Returns the fields of a state, which they refer to.
HeadFields FieldsOf(const HeadState& state);

// Makes the state of the actor `name`. Records verify under their keys, as when
// they are read from a store. Errors: kCorruption, with the name, also for
// fields that do not go together; kNotSupported for a record of a version that
// this module does not know.
Status StateOf(const HeadFields& fields, const std::string& name,
               std::shared_ptr<const HeadState>* state);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_HEAD_FIELDS_H_
