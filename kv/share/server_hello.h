// HELLO in the owner of a store: a session begins, or gets one more channel.

#ifndef ACTORKV_KV_SHARE_SERVER_HELLO_H_
#define ACTORKV_KV_SHARE_SERVER_HELLO_H_

#include <memory>

#include "kv/base/status.h"
#include "kv/share/channel.h"
#include "kv/share/server_core.h"
#include "kv/share/server_session.h"

namespace actorkv {

// Serves the first frame of a channel, and answers it. *session: that of the
// channel, which is one of its own now. Errors, after an answer that says the
// same where there can be one: kCorruption for what is no HELLO, kNotSupported
// for another protocol or format, kFenced for another store, kBusy for too
// many, kNotFound for a session that is not there; those of the channel. The
// channel has to end then.
Status ServeHello(ServerCore* core, ShareChannel* channel,
                  const ReceivedFrame& frame,
                  std::shared_ptr<ServerSession>* session);

// The channel goes, and its session with it where it is the last.
void LeaveSession(ServerCore* core, ShareChannel* channel,
                  const std::shared_ptr<ServerSession>& session);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_HELLO_H_
