#include "kv/share/server_call.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/descriptor.h"
#include "kv/base/thrown.h"

namespace actorkv {
namespace {

// The descriptors of a call, until it has ended.
class CallDescriptors {
 public:
  explicit CallDescriptors(ReceivedFrame* frame) {
    for (size_t i = 0; i < frame->descriptor_count(); ++i) {
      kept_.push_back(std::make_unique<Descriptor>(frame->TakeDescriptor(i)));
    }
  }
  std::vector<int> numbers() const {
    std::vector<int> numbers;
    for (const auto& one : kept_) numbers.push_back(one->get());
    return numbers;
  }

 private:
  std::vector<std::unique_ptr<Descriptor>> kept_;
};

// Counts a call as long as it runs.
class CountedCall {
 public:
  explicit CountedCall(ServerCore* core) : core_(core) {
    ++core_->running_calls;
  }
  ~CountedCall() { --core_->running_calls; }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;

 private:
  ServerCore* const core_;
};

// RunningCall: a call and the channel that its rows go to.
class RunningCall {
 public:
  explicit RunningCall(RequestScope* scope) : scope_(scope) {}

  Status AddRow(const ShareServer::Row& row) {
    if (!broken_.ok()) return broken_;
    CallRow message;
    message.columns = row;
    std::string frame;
    if (Status s = EncodeFrame(message, scope_->header().request, &frame);
        !s.ok()) {
      return s;
    }
    scope_->session()->NoteSentBytes(frame.size());
    broken_ = scope_->channel()->Send(frame, {});
    return broken_;
  }

  Status KeepOn() {
    if (!broken_.ok()) return broken_;
    if (scope_->core()->is_given_up.load()) {
      return Status::Interrupted("the owner of the store ends");
    }
    if (is_cancelled_) return Cancelled();
    Arrival arrival = Arrival::kNothing;
    broken_ = scope_->channel()->Receive(std::chrono::milliseconds(0), 0,
                                         &frame_, &arrival);
    if (broken_.ok() && arrival == Arrival::kEnd) {
      broken_ = Status::IOError("the caller is gone");
    }
    if (!broken_.ok()) return broken_;
    return arrival == Arrival::kNothing ? Status::Ok() : Hear();
  }

  // Of the channel.
  const Status& broken() const { return broken_; }

 private:
  static Status Cancelled() {
    return Status::Interrupted("the call was cancelled");
  }

  // Takes what came during the call.
  Status Hear() {
    CancelRequest cancel;
    broken_ = DecodeBody(frame_.header(), frame_.body(), &cancel);
    if (!broken_.ok()) return broken_;
    // Of an earlier call: it came too late.
    if (frame_.header().request != scope_->header().request) {
      return Status::Ok();
    }
    is_cancelled_ = true;
    return Cancelled();
  }

  RequestScope* const scope_;
  ReceivedFrame frame_;
  bool is_cancelled_ = false;
  Status broken_;
};

}  // namespace

Status ServeCall(RequestScope* scope, const CallRequest& request,
                 ReceivedFrame* frame) {
  const CallDescriptors descriptors(frame);
  const auto& function = scope->core()->parts.call;
  CallSpec spec;
  spec.function = std::string(request.function);
  spec.arguments = request.arguments;
  spec.descriptors = descriptors.numbers();
  if (spec.descriptors.size() != request.descriptor_count) {
    return scope->ReplyError(Status::InvalidArgument(
        "a call came with " + std::to_string(spec.descriptors.size()) +
        " descriptors, not " + std::to_string(request.descriptor_count)));
  }
  if (function == nullptr) {
    return scope->ReplyError(Status::NotSupported(
        "the owner of the store runs no functions for others: " +
        spec.function));
  }
  if (Status s = scope->CheckIsWanted(); !s.ok()) return scope->ReplyError(s);
  const CountedCall counted(scope->core());
  RunningCall call(scope);
  const Status done = Caught([&] {
    return function(
        spec, [&](const ShareServer::Row& row) { return call.AddRow(row); },
        [&] { return call.KeepOn(); });
  });
  if (!call.broken().ok()) return call.broken();
  return done.ok() ? scope->Reply(CallAnswer()) : scope->ReplyError(done);
}

}  // namespace actorkv
