#include "kv/share/client_call.h"

#include <chrono>
#include <utility>

#include "kv/share/process_state.h"

namespace actorkv {

using std::chrono::steady_clock;

Status ClientCall::Run(const CallSpec& call) {
  Status s = Ask(call);
  if (s.ok() || !is_begun_ || !stopped_.ok()) return s;
  return s.WithContext("whether it was done is not known: " + call.function);
}

Status ClientCall::Ask(const CallSpec& call) {
  Status s;
  bool again = true;
  for (int asked = 0; again && asked < kMaxOwnersAsked; ++asked) {
    s = session_->AskOneOwner(
        OwnerSession::Use::kPatient, session_->owner_wait(),
        [&](OwnerSession*, ClientChannel* channel) {
          return RunBy(channel, call);
        },
        &again);
    if (is_begun_) return s;
  }
  return s;
}

Status ClientCall::RunBy(ClientChannel* channel, const CallSpec& call) {
  CallRequest request;
  request.function = call.function;
  request.descriptor_count = static_cast<uint8_t>(call.descriptors.size());
  request.arguments = call.arguments;
  if (Status s = channel->Begin(request, call.descriptors); !s.ok()) return s;
  is_begun_ = true;
  Status s;
  for (bool is_last = false; !is_last && s.ok();) s = Next(channel, &is_last);
  // What the function answered with is known.
  if (channel->fate() == ChannelFate::kUsable) is_begun_ = false;
  return s.ok() ? stopped_ : s;
}

Status ClientCall::Next(ClientChannel* channel, bool* is_last) {
  if (Status s = AwaitNext(channel); !s.ok()) return s;
  return TakeRow(channel, is_last);
}

Status ClientCall::AwaitNext(ClientChannel* channel) {
  auto since = steady_clock::now();
  for (bool came = false; !came;) {
    // What was cancelled may go on with rows that nobody wants.
    if (!stopped_.ok() &&
        steady_clock::now() - cancelled_at_ >= session_->owner_wait()) {
      channel->GiveUp();
      return stopped_;
    }
    if (Status s = channel->ReceiveNext(Op::kCall, kCallLook, &came);
        !s.ok() || came) {
      return s;
    }
    if (stopped_.ok() && keep_on_ != nullptr) {
      if (Status reason = keep_on_(); !reason.ok()) {
        if (Status s = Cancel(channel, std::move(reason)); !s.ok()) return s;
      }
    }
    // A function may take as long as it likes, but not where it cannot go on.
    if (steady_clock::now() - since < session_->owner_wait()) continue;
    since = steady_clock::now();
    if (LookAtProcess(channel->owner_pid()).is_stopped()) {
      channel->GiveUp();
      return OwnerDoesNotAnswer(channel->owner_pid(), session_->owner_wait());
    }
  }
  return Status::Ok();
}

Status ClientCall::Cancel(ClientChannel* channel, Status reason) {
  stopped_ = std::move(reason);
  cancelled_at_ = steady_clock::now();
  return channel->TellOfLast(CancelRequest{});
}

Status ClientCall::TakeRow(ClientChannel* channel, bool* is_last) {
  *is_last = (channel->header().flags & kMoreFlag) == 0;
  std::vector<CallValue> columns;
  if (*is_last) {
    CallAnswer answer;
    if (Status s = channel->ReadAnswer(&answer); !s.ok()) return s;
    columns = std::move(answer.columns);
    if (columns.empty()) return Status::Ok();
  } else {
    CallRow row;
    if (Status s = channel->ReadAnswer(&row); !s.ok()) return s;
    columns = std::move(row.columns);
  }
  if (!stopped_.ok()) return Status::Ok();
  // Whoever does not want the rest has it cancelled.
  Status s = visit_(columns);
  if (s.ok() || *is_last) return s;
  return Cancel(channel, std::move(s));
}

}  // namespace actorkv
