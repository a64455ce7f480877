#include "kv/share/server_commit.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/metrics.h"
#include "kv/engine/failed_commit.h"
#include "kv/share/committed_head.h"

namespace actorkv {
namespace {

// A head that the commit moves.
struct NamedHead {
  SlotOfSession slot;
  const CommitHead* request = nullptr;
  std::shared_ptr<const HeadState> base;
  std::shared_ptr<const HeadState> state;  // when it is done
  uint64_t head_seq = 0;                   // and published

  Actor* actor() const { return slot.open->actor.get(); }
};

Status FindHeads(RequestScope* scope, const CommitRequest& request,
                 std::vector<NamedHead>* heads) {
  if (request.heads.size() > kMaxHeadsMoved) {
    return Status::InvalidArgument(std::to_string(request.heads.size()) +
                                   " heads in a commit, at most " +
                                   std::to_string(kMaxHeadsMoved) + " may be");
  }
  std::set<uint32_t> slots;
  for (const CommitHead& head : request.heads) {
    NamedHead named;
    named.request = &head;
    if (!slots.insert(head.slot).second) {
      return Status::InvalidArgument("a commit names a head twice: slot " +
                                     std::to_string(head.slot));
    }
    if (Status s = scope->session()->FindSlot(head.slot, &named.slot);
        !s.ok()) {
      return s;
    }
    heads->push_back(std::move(named));
  }
  return Status::Ok();
}

// Says what the heads will be, and pins them.
Status Prepare(RequestScope* scope, const Batch& batch,
               std::vector<NamedHead>* heads) {
  std::unique_ptr<EngineReader> reader;
  for (NamedHead& head : *heads) {
    if (reader == nullptr) reader = scope->store()->engine()->NewReader();
    if (Status s = head.actor()->Current(&head.base); !s.ok()) return s;
    if (Status s = CommittedHead(reader.get(), head.actor()->name(), batch,
                                 *head.base, &head.state);
        !s.ok()) {
      return s;
    }
    PinTable* const pins = scope->store()->pins();
    Status s = scope->session()->UsePin(head.request->pin, [&](Pin* pin) {
      if (pin == nullptr) return Status::Ok();
      pins->Add(head.state->head.snapshot, head.state->lineage, pin);
      return Status::Ok();
    });
    if (!s.ok()) return s;
  }
  return Status::Ok();
}

void Publish(RequestScope* scope, NamedHead* head) noexcept {
  ActorSlot* const slot = head->slot.open->slot;
  const uint64_t before = slot->head_seq();
  const auto& pages = head->request->changed_pages;
  head->actor()->PublishShared(
      head->base, {head->state, pages.has_value() ? &*pages : nullptr});
  // Where something else is known by now the number is one that is behind, and
  // the session asks what the head is.
  const bool is_head = head->actor()->Known() == head->state;
  head->head_seq = is_head ? before + 1 : before;
  if (head->state->lineage->size() > kMaxLineageDepth) {
    scope->store()->work()->SuggestFlatten(head->slot.open->actor);
  }
  // The session knows the new head as the one before it.
  if (head->slot.sent == head->base) {
    scope->session()->NoteSent(head->slot.open->number, head->state);
  }
}

// Forgets what is known of actors that the batch changed, but for the heads
// that it names.
void ForgetOthers(Store* store, const std::vector<NamedHead>& named,
                  TouchedHeads* touched) {
  for (const NamedHead& head : named) {
    touched->names.erase(head.actor()->name());
    touched->actors.erase(head.state->entry.actor.value);
  }
  for (const std::string& name : touched->names) {
    store->actors()->ForgetHead(name);
  }
  for (const uint64_t actor : touched->actors) {
    store->actors()->ForgetHeadOf(ActorId{actor});
  }
}

CommitResult Commit(RequestScope* scope, const CommitRequest& request,
                    std::vector<NamedHead>* heads) {
  Batch batch = BatchOf(request);
  Status s = scope->CheckIsWanted();
  if (s.ok()) s = FindHeads(scope, request, heads);
  if (s.ok()) s = Prepare(scope, batch, heads);
  if (s.ok() && request.newest_time_us != 0) {
    s = scope->store()->clock()->CoverTime(request.newest_time_us, &batch);
  }
  if (!s.ok()) return Failed(s);
  TouchedHeads touched = TouchedBy(batch);
  CommitResult result = scope->store()->Commit(batch, request.durability);
  if (result.done()) {
    Add(Metric::kCommits);
    for (NamedHead& head : *heads) Publish(scope, &head);
  } else if (result.outcome == CommitOutcome::kUnknown) {
    for (NamedHead& head : *heads) head.actor()->Forget();
  }
  const bool may_be_there =
      result.done() || result.outcome == CommitOutcome::kUnknown;
  if (may_be_there) ForgetOthers(scope->store(), *heads, &touched);
  return result;
}

}  // namespace

Status ServeCommit(RequestScope* scope, const CommitRequest& request) {
  std::vector<NamedHead> heads;
  const CommitResult result = Commit(scope, request, &heads);
  CommitAnswer answer;
  answer.outcome = result.outcome;
  answer.status = ToWire(result.status);
  if (result.done()) {
    for (const NamedHead& head : heads) {
      answer.head_seqs.push_back(head.head_seq);
    }
  }
  return scope->Reply(answer);
}

}  // namespace actorkv
