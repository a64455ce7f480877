// ServerRequests: serves the requests of one channel of a session, one after
// the other: takes each message apart, and has it served by its part.
//
// Of one thread.

#ifndef ACTORKV_KV_SHARE_SERVER_REQUESTS_H_
#define ACTORKV_KV_SHARE_SERVER_REQUESTS_H_

#include "kv/base/status.h"
#include "kv/share/channel.h"
#include "kv/share/request_scope.h"
#include "kv/share/server_reads.h"

namespace actorkv {

class ServerRequests {
 public:
  ServerRequests(ServerCore* core, ServerSession* session,
                 ShareChannel* channel)
      : core_(core),
        session_(session),
        channel_(channel),
        reads_(core, session) {}

  // Serves what came. Errors, of the channel, which has to end: kCorruption for
  // what is no request; those of ShareChannel::Send().
  Status Serve(ReceivedFrame* frame);

 private:
  Status ServeTimed(RequestScope* scope, ReceivedFrame* frame);
  Status ServeAny(RequestScope* scope, ReceivedFrame* frame);
  Status ServeEngine(RequestScope* scope, ReceivedFrame* frame);

  ServerCore* const core_;
  ServerSession* const session_;
  ShareChannel* const channel_;
  ServerReads reads_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_REQUESTS_H_
