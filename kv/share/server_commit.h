// COMMIT in the owner of a store: what Store::Commit() does, and then the heads
// that it moved are published, as kv/pages/commit.h does for commits of this
// process.
//
// Invariants:
//  1. A new head is pinned before it is there, and published after it can be
//     read and before the session is told.
//  2. Whatever a batch says: where it changed the head or the entry of an actor
//     that it does not name, what is known of that actor here is forgotten.

#ifndef ACTORKV_KV_SHARE_SERVER_COMMIT_H_
#define ACTORKV_KV_SHARE_SERVER_COMMIT_H_

#include "kv/base/status.h"
#include "kv/share/engine_messages.h"
#include "kv/share/request_scope.h"

namespace actorkv {

// Answers. Errors: of the channel.
Status ServeCommit(RequestScope* scope, const CommitRequest& request);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_COMMIT_H_
