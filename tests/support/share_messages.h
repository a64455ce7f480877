// All messages of processes that share a store, to be taken apart and put
// together again, whatever their bytes are.

#ifndef ACTORKV_TESTS_SUPPORT_SHARE_MESSAGES_H_
#define ACTORKV_TESTS_SUPPORT_SHARE_MESSAGES_H_

#include <string>
#include <string_view>

#include "kv/share/actor_messages.h"
#include "kv/share/call_messages.h"
#include "kv/share/engine_messages.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire_status.h"

namespace actorkv {

template <typename... Message>
struct MessageList {};

using AllMessages =
    MessageList<HelloRequest, HelloAnswer, OpenRequest, OpenAnswer,
                CloseRequest, HintsRequest, HeadRequest, HeadAnswer, GetRequest,
                GetAnswer, SeekRequest, SeekAnswer, ScanRequest, ScanAnswer,
                CommitRequest, CommitAnswer, DropRequest, DoneAnswer<Op::kDrop>,
                CompactRequest, DoneAnswer<Op::kCompact>, SyncRequest,
                DoneAnswer<Op::kSync>, WaitRequest, WaitAnswer, YieldRequest,
                PinRequest, DoneAnswer<Op::kPin>, CallRequest, CallRow,
                CallAnswer, CancelRequest, GoAwayRequest>;

template <typename Message>
bool Recode(const FrameHeader& header, std::string_view body, Status* status,
            std::string* again) {
  if (header.op != Message::kOp || header.flags != Message::kFlags) {
    return false;
  }
  Message message;
  *status = DecodeBody(header, body, &message);
  if (status->ok()) *status = EncodeFrame(message, header.request, again);
  return true;
}

template <typename... Message>
Status RecodeOneOf(MessageList<Message...>, const FrameHeader& header,
                   std::string_view body, std::string* again) {
  Status status = Status::NotFound("no message has this op and these flags: " +
                                   FrameName(header));
  // The first that fits; the others are not looked at.
  static_cast<void>((Recode<Message>(header, body, &status, again) || ...));
  return status;
}

// Takes a frame apart and puts it together again. Errors: those of
// ParseFrameHeader(), DecodeBody() and DecodeError(); kNotFound where no
// message has such a header.
inline Status RecodeFrame(std::string_view frame, std::string* again) {
  FrameHeader header;
  const std::string_view bytes = frame.substr(0, kFrameHeaderBytes);
  if (bytes.size() < kFrameHeaderBytes) {
    return Status::Corruption("no whole header");
  }
  if (Status s = ParseFrameHeader(bytes, &header); !s.ok()) return s;
  const std::string_view body = frame.substr(kFrameHeaderBytes);
  if (header.flags != (kAnswerFlag | kErrorFlag)) {
    return RecodeOneOf(AllMessages(), header, body, again);
  }
  Status error;
  if (Status s = DecodeError(header, body, &error); !s.ok()) return s;
  *again = EncodeErrorFrame(header.op, header.request, error);
  return Status::Ok();
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SHARE_MESSAGES_H_
