#include "tests/fuzz/share_targets.h"

#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "kv/format/keys.h"
#include "kv/format/record_frame.h"
#include "kv/share/actor_messages.h"
#include "kv/share/channel.h"
#include "kv/share/committed_head.h"
#include "kv/share/engine_messages.h"
#include "kv/share/head_fields.h"
#include "tests/fuzz/require.h"
#include "tests/support/memory_engine.h"
#include "tests/support/share_messages.h"

namespace actorkv {

namespace {

// The socket takes so much before anybody reads.
constexpr size_t kMostSentBytes = size_t{32} << 10;
constexpr char kActor[] = "alice";

// The next frame, as it came. False at the end of what can be read.
bool NextFrame(ShareChannel* channel, ReceivedFrame* frame, std::string* bytes,
               bool* is_end) {
  Arrival arrival = Arrival::kNothing;
  const Status s =
      channel->Receive(std::chrono::milliseconds(0), 0, frame, &arrival);
  *is_end = s.ok() && arrival == Arrival::kEnd;
  if (!Accepted(s) || arrival != Arrival::kFrame) return false;
  bytes->assign(kFrameHeaderBytes, '\0');
  StoreFrameHeader(frame->header(), bytes->data());
  bytes->append(frame->body());
  return true;
}

// A record with a check that holds: a fuzzer does not find one.
std::string Sealed(std::string_view key, std::string_view record) {
  return record.empty() ? std::string()
                        : FinishRecord(key, std::string(record));
}

// The client's side: what it takes for a head comes out again.
void FuzzHeadOfOwner(const FrameHeader& header, std::string_view body) {
  OpenAnswer answer;
  if (!Accepted(DecodeBody(header, body, &answer))) return;
  const std::string entry =
      Sealed(ActorEntryKey(kActor), answer.head.entry_bytes);
  const std::string head = Sealed(HeadKey(), answer.head.head_bytes);
  answer.head.entry_bytes = entry;
  answer.head.head_bytes = head;
  std::shared_ptr<const HeadState> state;
  if (!Accepted(StateOf(answer.head, kActor, &state))) return;
  Require(state->exists == (state->lineage != nullptr), "a head has a lineage");
  const HeadFields fields = FieldsOf(*state);
  std::shared_ptr<const HeadState> again;
  Require(StateOf(fields, kActor, &again).ok(), "a head comes back");
  Require(again->head_bytes == state->head_bytes &&
              again->entry_bytes == state->entry_bytes &&
              again->head.snapshot == state->head.snapshot,
          "a head comes back as it was");
}

// The owner's side.
void FuzzHeadOfCommit(const FrameHeader& header, std::string_view body) {
  CommitRequest request;
  if (!Accepted(DecodeBody(header, body, &request))) return;
  std::list<std::string> sealed;
  for (CommitOp& op : request.ops) {
    if (!op.value.has_value()) continue;
    op.value = sealed.emplace_back(Sealed(op.key, *op.value));
  }
  const Batch batch = BatchOf(request);
  const TouchedHeads touched = TouchedBy(batch);
  const std::unique_ptr<Engine> engine = NewMemoryEngine(UnboundedLimits());
  std::shared_ptr<const HeadState> state;
  if (!Accepted(CommittedHead(engine->NewReader().get(), kActor, batch,
                              HeadState(), &state))) {
    return;
  }
  Require(state->exists && state->lineage != nullptr, "a head has a lineage");
  Require(touched.actors.count(state->entry.actor.value) != 0,
          "whose head it is, is known");
}

}  // namespace

void FuzzShareMessages(std::string_view input) {
  std::string again;
  if (!Accepted(RecodeFrame(input, &again))) return;
  Require(input.substr(kFrameHeaderBytes) == again.substr(kFrameHeaderBytes),
          "there is one encoding for one message");
}

void FuzzShareFrames(std::string_view input) {
  const std::string_view sent = input.substr(0, kMostSentBytes);
  std::unique_ptr<ShareChannel> writer;
  std::unique_ptr<ShareChannel> reader;
  if (!ShareChannel::MakePair(&writer, &reader).ok()) return;
  Require(writer->Send(sent, {}).ok(), "a socket has room for it");
  writer->Shutdown();
  ReceivedFrame frame;
  std::string bytes;
  size_t taken = 0;
  bool is_end = false;
  while (NextFrame(reader.get(), &frame, &bytes, &is_end)) {
    Require(sent.substr(taken, bytes.size()) == bytes, "a frame is what came");
    taken += bytes.size();
  }
  Require(is_end == (taken == sent.size()), "an end is between two frames");
  Require(!NextFrame(reader.get(), &frame, &bytes, &is_end) && !is_end,
          "nothing comes after an error or an end");
}

void FuzzShareHeads(std::string_view input) {
  if (input.empty()) return;
  FrameHeader header;
  header.request = 1;
  if (input[0] == 0) {
    header.op = Op::kOpen;
    header.flags = kAnswerFlag;
    return FuzzHeadOfOwner(header, input.substr(1));
  }
  header.op = Op::kCommit;
  FuzzHeadOfCommit(header, input.substr(1));
}

}  // namespace actorkv
