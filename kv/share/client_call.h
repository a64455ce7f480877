// ClientCall: a function that the owner of the store runs for this process
// (ShareClient::RunInOwner()).
//
// It is asked for once: where the owner ends meanwhile nobody knows whether it
// was done. Who does not want it any more cancels it, and waits for its end.

#ifndef ACTORKV_KV_SHARE_CLIENT_CALL_H_
#define ACTORKV_KV_SHARE_CLIENT_CALL_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/share/call_messages.h"
#include "kv/share/client_session.h"

namespace actorkv {

// How often it is asked whether the result is still wanted.
constexpr std::chrono::milliseconds kCallLook{20};

class ClientCall {
 public:
  // All live longer. `keep_on` may be null.
  ClientCall(ClientSession* session, const ShareClient::RowVisitor& visit,
             const std::function<Status()>& keep_on)
      : session_(session), visit_(visit), keep_on_(keep_on) {}
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;

  Status Run(const CallSpec& call);

 private:
  // Waits for a channel that may be used for long.
  Status Ask(const CallSpec& call);
  Status RunBy(ClientChannel* channel, const CallSpec& call);
  // Receives the next answer. *is_last: no more follow.
  Status Next(ClientChannel* channel, bool* is_last);
  Status AwaitNext(ClientChannel* channel);
  Status TakeRow(ClientChannel* channel, bool* is_last);
  // Nobody wants the result any more, for this reason.
  Status Cancel(ClientChannel* channel, Status reason);

  ClientSession* const session_;
  const ShareClient::RowVisitor& visit_;
  const std::function<Status()>& keep_on_;
  bool is_begun_ = false;  // the owner may have begun it
  Status stopped_;         // why its result is not wanted any more
  std::chrono::steady_clock::time_point cancelled_at_;  // where it is so
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_CALL_H_
