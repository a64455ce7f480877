// The requests of a session about actors that are open, in the owner of a
// store: OPEN, CLOSE, HINTS, HEAD, PIN, WAIT and YIELD.
//
// Each answers, where there is an answer. Errors: of the channel.

#ifndef ACTORKV_KV_SHARE_SERVER_ACTORS_H_
#define ACTORKV_KV_SHARE_SERVER_ACTORS_H_

#include <cstddef>
#include <cstdint>

#include "kv/base/status.h"
#include "kv/share/actor_messages.h"
#include "kv/share/request_scope.h"

namespace actorkv {

// More pages than these that changed are not listed: the other side forgets
// what it knew of all of them.
constexpr size_t kMaxChangedPages = 4096;
// The bytes of pages that are sent with a head.
constexpr size_t kHeadPagesBytes = size_t{16} << 10;
// The longest that one WAIT waits.
constexpr uint32_t kMaxWaitUs = 10'000'000;
// No lineage of a pin is longer.
constexpr size_t kMaxPinLineage = 4096;

Status ServeOpen(RequestScope* scope, const OpenRequest& request);
Status ServeClose(RequestScope* scope, const CloseRequest& request);
Status ServeHints(RequestScope* scope, const HintsRequest& request);
// Beside the head it sends the pages that changed, where they are few and in
// memory: whoever asks is to read them sooner or later.
Status ServeHead(RequestScope* scope, const HeadRequest& request);
Status ServePin(RequestScope* scope, const PinRequest& request);
Status ServeWait(RequestScope* scope, const WaitRequest& request);
Status ServeYield(RequestScope* scope, const YieldRequest& request);

// Has a pin of the session hold what the fields say, which may be wrong.
// Errors: kInvalidArgument.
Status TakePin(ServerSession* session, PinTable* table,
               const PinFields& fields);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_ACTORS_H_
