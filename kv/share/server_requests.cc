#include "kv/share/server_requests.h"

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/share/actor_messages.h"
#include "kv/share/call_messages.h"
#include "kv/share/engine_messages.h"
#include "kv/share/server_actors.h"
#include "kv/share/server_call.h"
#include "kv/share/server_commit.h"

namespace actorkv {
namespace {

// Takes the message apart, and gives it to `serve`.
template <typename Request, typename Serve>
Status With(const ReceivedFrame& frame, const Serve& serve) {
  Request request;
  if (Status s = DecodeBody(frame.header(), frame.body(), &request); !s.ok()) {
    return s;
  }
  return serve(request);
}

// The same, for what answers by itself.
template <typename Request>
Status Give(RequestScope* scope, const ReceivedFrame& frame,
            Status (*serve)(RequestScope*, const Request&)) {
  return With<Request>(
      frame, [&](const Request& request) { return serve(scope, request); });
}

Status NoRequest(const FrameHeader& header) {
  return Status::Corruption("this is no request of a session: " +
                            FrameName(header));
}

Status ServeDrop(RequestScope* scope, const DropRequest& request) {
  Status s = scope->CheckIsWanted();
  if (s.ok()) s = scope->store()->engine()->Drop(request.partition);
  return scope->ReplyDone<Op::kDrop>(s);
}

Status ServeCompact(RequestScope* scope, const CompactRequest& request) {
  return scope->ReplyDone<Op::kCompact>(scope->store()->engine()->Compact(
      request.partition, request.begin, request.end));
}

Status ServeSync(RequestScope* scope, const SyncRequest& request) {
  static_cast<void>(request);
  return scope->ReplyDone<Op::kSync>(scope->store()->engine()->Sync());
}

Metric CounterOf(Op op) {
  switch (op) {
    case Op::kOpen:
      return Metric::kOpenRequests;
    case Op::kHead:
      return Metric::kHeadRequests;
    case Op::kGet:
      return Metric::kGetRequests;
    case Op::kSeek:
      return Metric::kSeekRequests;
    case Op::kScan:
      return Metric::kScanRequests;
    case Op::kCommit:
      return Metric::kCommitRequests;
    case Op::kWait:
      return Metric::kWaitRequests;
    case Op::kCall:
      return Metric::kCallRequests;
    default:
      return Metric::kOtherRequests;
  }
}

// What there is no answer to, as PROTOCOL.md says.
bool HasAnswer(Op op) {
  return op != Op::kClose && op != Op::kHints && op != Op::kYield &&
         op != Op::kCancel;
}

}  // namespace

Status ServerRequests::Serve(ReceivedFrame* frame) {
  const FrameHeader& header = frame->header();
  session_->NoteRequest(kFrameHeaderBytes + frame->body().size());
  if (header.flags != 0 || (HasAnswer(header.op) && header.request == 0) ||
      (frame->descriptor_count() > 0 && header.op != Op::kCall)) {
    return NoRequest(header);
  }
  RequestScope scope(core_, session_, channel_, header);
  Status served;
  Status thrown = Caught([&] {
    served = ServeTimed(&scope, frame);
    return Status::Ok();
  });
  if (thrown.ok()) return served;
  // Without memory for it nothing was answered. Of a commit it is not known
  // what became of it, and only the end of the channel says so.
  if (header.op == Op::kCommit) return thrown;
  return HasAnswer(header.op) ? scope.ReplyError(thrown) : Status::Ok();
}

Status ServerRequests::ServeTimed(RequestScope* scope, ReceivedFrame* frame) {
  const Op op = frame->header().op;
  Add(CounterOf(op));
  // These take as long as somebody else does.
  if (op == Op::kWait || op == Op::kCall) return ServeAny(scope, frame);
  const LatencyTimer timer(Metric::kRequestLatency);
  return ServeAny(scope, frame);
}

Status ServerRequests::ServeAny(RequestScope* scope, ReceivedFrame* frame) {
  switch (frame->header().op) {
    case Op::kOpen:
      return Give<OpenRequest>(scope, *frame, ServeOpen);
    case Op::kClose:
      return Give<CloseRequest>(scope, *frame, ServeClose);
    case Op::kHints:
      return Give<HintsRequest>(scope, *frame, ServeHints);
    case Op::kHead:
      return Give<HeadRequest>(scope, *frame, ServeHead);
    case Op::kPin:
      return Give<PinRequest>(scope, *frame, ServePin);
    case Op::kWait:
      return Give<WaitRequest>(scope, *frame, ServeWait);
    case Op::kYield:
      return Give<YieldRequest>(scope, *frame, ServeYield);
    case Op::kCall:
      return With<CallRequest>(*frame, [&](const CallRequest& request) {
        return ServeCall(scope, request, frame);
      });
    case Op::kCancel:
      // The call had ended when this came.
      return With<CancelRequest>(
          *frame, [](const CancelRequest&) { return Status::Ok(); });
    case Op::kGet:
    case Op::kSeek:
    case Op::kScan:
    case Op::kCommit:
    case Op::kDrop:
    case Op::kCompact:
    case Op::kSync:
      return ServeEngine(scope, frame);
    case Op::kHello:
    case Op::kGoAway:
      break;
  }
  return NoRequest(frame->header());
}

Status ServerRequests::ServeEngine(RequestScope* scope, ReceivedFrame* frame) {
  switch (frame->header().op) {
    case Op::kGet:
      return With<GetRequest>(*frame, [&](const GetRequest& request) {
        return reads_.Get(scope, request);
      });
    case Op::kSeek:
      return With<SeekRequest>(*frame, [&](const SeekRequest& request) {
        return reads_.Seek(scope, request);
      });
    case Op::kScan:
      return With<ScanRequest>(*frame, [&](const ScanRequest& request) {
        return reads_.Scan(scope, request);
      });
    case Op::kCommit:
      return Give<CommitRequest>(scope, *frame, ServeCommit);
    case Op::kDrop:
      return Give<DropRequest>(scope, *frame, ServeDrop);
    case Op::kCompact:
      return Give<CompactRequest>(scope, *frame, ServeCompact);
    default:
      return Give<SyncRequest>(scope, *frame, ServeSync);
  }
}

}  // namespace actorkv
