// CALL in the owner of a store: a function that runs here for a session, row by
// row, as fast as the session takes them.

#ifndef ACTORKV_KV_SHARE_SERVER_CALL_H_
#define ACTORKV_KV_SHARE_SERVER_CALL_H_

#include "kv/base/status.h"
#include "kv/share/call_messages.h"
#include "kv/share/channel.h"
#include "kv/share/request_scope.h"

namespace actorkv {

// Answers. `frame` is the one that the request came in, with its descriptors.
// Errors: of the channel; kCorruption where the session sends something else
// than CANCEL meanwhile.
Status ServeCall(RequestScope* scope, const CallRequest& request,
                 ReceivedFrame* frame);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_CALL_H_
