#include "kv/share/server_actors.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kv/cache/page_cache.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/share/head_fields.h"
#include "kv/store/hints.h"

namespace actorkv {
namespace {

// A head that moves all the time is given with a number that is behind: then
// the session asks again.
constexpr int kHeadTries = 3;

struct FoundHead {
  std::shared_ptr<const HeadState> state;
  uint64_t head_seq = 0;
};

// The head, held by the pin. The number is looked at first: it rises before
// there is another head.
Status FindHead(RequestScope* scope, const SlotOfSession& slot, uint32_t pin,
                FoundHead* found) {
  const std::shared_ptr<Actor>& actor = slot.open->actor;
  return scope->session()->UsePin(pin, [&](Pin* held) {
    for (int i = 0; i < kHeadTries; ++i) {
      found->head_seq = slot.open->slot->head_seq();
      Status s = held == nullptr ? actor->Current(&found->state)
                                 : actor->CurrentPinned(scope->store()->pins(),
                                                        held, &found->state);
      if (!s.ok()) return s;
      if (slot.open->slot->head_seq() == found->head_seq) break;
    }
    return Status::Ok();
  });
}

// What changed between the head that the session knows and this one.
std::optional<std::vector<PageNo>> ChangedPages(Actor* actor,
                                                const HeadRequest& known,
                                                const HeadState& state) {
  const Snapshot& head = state.head.snapshot;
  if (!state.exists || known.known_branch != head.branch ||
      head.txid < known.known_txid) {
    return std::nullopt;
  }
  std::vector<PageNo> pages;
  if (!actor->changes()->AddChanged(head.branch, known.known_txid, head.txid,
                                    &pages) ||
      pages.size() > kMaxChangedPages) {
    return std::nullopt;
  }
  return pages;
}

// PagesInMemory: pages of a head, and what is sent of them.
class PagesInMemory {
 public:
  // Those of the pages that the owner has in its cache. They are none where all
  // together are too many.
  PagesInMemory(uint64_t cache_id, Actor* actor, const Snapshot& head,
                const std::vector<PageNo>& pages) {
    if (pages.size() * head.page_size > kHeadPagesBytes) return;
    for (const PageNo pgno : pages) {
      PagePin pin = PageCache::Instance()->Find(
          {cache_id, head.branch, pgno}, head.txid, actor->changes().get());
      if (pin == nullptr || pin->page().size() != head.page_size) continue;
      Page page{pgno, std::move(pin), {}};
      page.pin->form().changed.AppendTo(&page.blocks);
      pages_.push_back(std::move(page));
    }
  }

  // Valid as long as this object.
  std::vector<WirePage> Views() const {
    std::vector<WirePage> views;
    views.reserve(pages_.size());
    for (const Page& page : pages_) {
      views.push_back({page.pgno, page.pin->txid(), page.pin->page_hash(),
                       page.pin->form().base, page.blocks, page.pin->page()});
    }
    return views;
  }

 private:
  struct Page {
    PageNo pgno;
    PagePin pin;
    std::string blocks;  // the changed ones of its form
  };

  std::vector<Page> pages_;
};

// Whether anybody is there at the other end, without waiting.
bool IsConnected(int fd) {
  pollfd polled = {fd, POLLRDHUP, 0};
  return poll(&polled, 1, 0) <= 0 ||
         (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

}  // namespace

Status ServeOpen(RequestScope* scope, const OpenRequest& request) {
  SlotOfSession slot;
  Status s = scope->session()->OpenSlotOf(std::string(request.actor), &slot);
  FoundHead found;
  if (s.ok()) s = FindHead(scope, slot, request.pin, &found);
  if (!s.ok()) return scope->ReplyError(s);
  OpenAnswer answer;
  answer.slot = slot.open->number;
  answer.head_seq = found.head_seq;
  answer.head = FieldsOf(*found.state);
  scope->session()->NoteSent(slot.open->number, found.state);
  return scope->Reply(answer);
}

Status ServeClose(RequestScope* scope, const CloseRequest& request) {
  scope->session()->CloseSlot(request.slot);
  return Status::Ok();
}

Status ServeHints(RequestScope* scope, const HintsRequest& request) {
  // Advice that cannot be used is none.
  LearnedHints learned;
  learned.name = std::string(request.actor);
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  if (!DecodeRecord(HintsKey(), std::string(request.record), &learned.record)
           .ok() ||
      !scope->store()->OpenActor(learned.name, &actor).ok()) {
    return Status::Ok();
  }
  if (actor->Current(&state).ok() && state->exists) {
    learned.actor = state->entry.actor;
    scope->store()->hints()->Add(std::move(learned));
  }
  static_cast<void>(scope->store()->CloseActor(std::move(actor)));
  return Status::Ok();
}

Status ServeHead(RequestScope* scope, const HeadRequest& request) {
  SlotOfSession slot;
  Status s = scope->session()->FindSlot(request.slot, &slot);
  FoundHead found;
  if (s.ok()) s = FindHead(scope, slot, request.pin, &found);
  if (!s.ok()) return scope->ReplyError(s);
  HeadAnswer answer;
  std::optional<PagesInMemory> pages;  // in the answer
  answer.head_seq = found.head_seq;
  const Snapshot& head = found.state->head.snapshot;
  // The same commit may be read another way by now, so the state counts; and
  // who knows nothing looks like who knows that there is no actor.
  const bool is_known = found.state == slot.sent && found.state->exists &&
                        request.known_branch == head.branch &&
                        request.known_txid == head.txid;
  if (!is_known) {
    answer.head = FieldsOf(*found.state);
    answer.changed_pages =
        ChangedPages(slot.open->actor.get(), request, *found.state);
    if (answer.changed_pages.has_value()) {
      pages.emplace(scope->store()->cache_id(), slot.open->actor.get(), head,
                    *answer.changed_pages);
      answer.pages = pages->Views();
    }
    scope->session()->NoteSent(request.slot, found.state);
  }
  return scope->Reply(answer);
}

Status TakePin(ServerSession* session, PinTable* table,
               const PinFields& fields) {
  if (fields.pin >= kSlatePins) {
    return Status::InvalidArgument("there is no pin " +
                                   std::to_string(fields.pin));
  }
  if (fields.lineage.empty() || fields.lineage.size() > kMaxPinLineage ||
      fields.lineage.front().branch != fields.branch) {
    return Status::InvalidArgument("the lineage of a pin cannot be");
  }
  Snapshot snapshot;
  snapshot.branch = fields.branch;
  snapshot.txid = fields.txid;
  snapshot.page_count = fields.page_count;
  snapshot.page_size = fields.page_size;
  auto lineage = std::make_shared<Lineage>();
  lineage->reserve(fields.lineage.size());
  for (const LineagePoint& point : fields.lineage) {
    lineage->push_back({point.actor, point.branch, point.txid});
  }
  return session->UsePin(fields.pin, [&](Pin* pin) {
    table->Add(snapshot, lineage, pin);
    return Status::Ok();
  });
}

Status ServePin(RequestScope* scope, const PinRequest& request) {
  return scope->ReplyDone<Op::kPin>(
      TakePin(scope->session(), scope->store()->pins(), request.held));
}

Status ServeWait(RequestScope* scope, const WaitRequest& request) {
  SlotOfSession slot;
  if (Status s = scope->session()->FindSlot(request.slot, &slot); !s.ok()) {
    return scope->ReplyError(s);
  }
  const ServerCore* core = scope->core();
  const int fd = scope->channel()->fd();
  WaitAnswer answer;
  answer.is_granted = slot.open->queue->Wait(
      scope->session()->number(),
      std::chrono::microseconds(std::min(request.timeout_us, kMaxWaitUs)),
      [core, fd] { return !core->is_stopping.load() && IsConnected(fd); });
  return scope->Reply(answer);
}

Status ServeYield(RequestScope* scope, const YieldRequest& request) {
  SlotOfSession slot;
  if (scope->session()->FindSlot(request.slot, &slot).ok()) {
    slot.open->queue->Yield();
  }
  return Status::Ok();
}

}  // namespace actorkv
