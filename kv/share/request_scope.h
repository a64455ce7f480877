// RequestScope: one request of a session, and the way to answer it.

#ifndef ACTORKV_KV_SHARE_REQUEST_SCOPE_H_
#define ACTORKV_KV_SHARE_REQUEST_SCOPE_H_

#include <string>

#include "kv/base/status.h"
#include "kv/share/channel.h"
#include "kv/share/frame.h"
#include "kv/share/server_core.h"
#include "kv/share/server_session.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire.h"
#include "kv/share/wire_status.h"

namespace actorkv {

class RequestScope {
 public:
  RequestScope(ServerCore* core, ServerSession* session, ShareChannel* channel,
               const FrameHeader& header)
      : core_(core), session_(session), channel_(channel), header_(header) {}
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

  ServerCore* core() const { return core_; }
  ServerSession* session() const { return session_; }
  ShareChannel* channel() const { return channel_; }
  Store* store() const { return core_->parts.store.get(); }
  const FrameHeader& header() const { return header_; }

  // Ok while somebody waits for the answer. What changes the store asks before
  // it begins: whoever has given up waiting, as where this process was stopped,
  // may have gone on without it. Errors: kInterrupted.
  Status CheckIsWanted() const {
    if (!channel_->HasPeerEnded()) return Status::Ok();
    return Status::Interrupted("nobody waits for the answer");
  }

  // Sends an answer. Errors: those of ShareChannel::Send(). One that is too
  // large is answered with that error.
  template <typename Answer>
  Status Reply(const Answer& answer) {
    std::string frame;
    if (Status s = EncodeFrame(answer, header_.request, &frame); !s.ok()) {
      return ReplyError(s);
    }
    return Send(frame);
  }
  // Answers with an error. REQUIRES: !status.ok().
  Status ReplyError(const Status& status) {
    return Send(EncodeErrorFrame(header_.op, header_.request, status));
  }
  // Answers that it is done, or why it is not.
  template <Op op>
  Status ReplyDone(const Status& status);

 private:
  Status Send(const std::string& frame) {
    session_->NoteSentBytes(frame.size());
    return channel_->Send(frame, {});
  }

  ServerCore* const core_;
  ServerSession* const session_;
  ShareChannel* const channel_;
  const FrameHeader header_;
};

template <Op op>
Status RequestScope::ReplyDone(const Status& status) {
  return status.ok() ? Reply(DoneAnswer<op>()) : ReplyError(status);
}

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_REQUEST_SCOPE_H_
