#include "kv/share/client_actor.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "kv/cache/page_cache.h"
#include "kv/pages/chunk_batch.h"
#include "kv/share/client_word.h"
#include "kv/share/head_fields.h"
#include "kv/store/actor.h"

namespace actorkv {
namespace {

// Whether the head may see this version of a page.
bool MaySee(const HeadState& state, const WirePage& page) {
  const Snapshot& head = state.head.snapshot;
  if (!state.exists || page.pgno == 0 || page.pgno > head.page_count ||
      page.pgno == LockPage(head.page_size)) {
    return false;
  }
  const auto has = [&](const BranchPoint& point) {
    const TxId bound = point.branch == head.branch ? head.txid : point.txid;
    return point.branch == page.branch && !(bound < page.txid);
  };
  return std::any_of(state.lineage->begin(), state.lineage->end(), has);
}

}  // namespace

ClientActor::ClientActor(std::shared_ptr<ClientSession> session,
                         const std::string& name)
    : session_(std::move(session)),
      place_(std::make_shared<ActorPlace>(name)),
      word_(std::make_shared<ClientWord>(session_, place_)) {
  session_->AddPlace(place_);
}

ClientActor::~ClientActor() {
  // What the parent has open, a child of fork() lets be.
  if (session_->is_of_parent()) return;
  session_->RemovePlace(place_.get());
  place_->Close();
}

Status ClientActor::LoadHead(const std::shared_ptr<const HeadState>& known,
                             const Pin* pin, NewestHead* head) {
  const uint32_t number = pin == nullptr ? kNoPin : pin->number();
  NewestHead newest;
  Status s =
      session_->AskOwner([&](OwnerSession* owner, ClientChannel* channel) {
        return LoadAt(owner, channel, known, number, &newest);
      });
  if (s.ok()) *head = std::move(newest);
  return s;
}

Status ClientActor::OpenAndLoad(OwnerSession* owner, ClientChannel* channel,
                                uint32_t pin, NewestHead* head) {
  OpenAnswer answer;
  if (Status s =
          place_->Open(owner, channel, session_->patience(), pin, &answer);
      !s.ok()) {
    return s;
  }
  head->version = answer.head_seq;
  return StateOf(answer.head, place_->name(), &head->state);
}

Status ClientActor::CachePages(const std::vector<WirePage>& pages,
                               const HeadState& state) const {
  const uint64_t cache_id = session_->cache_id();
  for (const WirePage& page : pages) {
    if (!MaySee(state, page)) {
      return Status::Corruption(
          "the owner of the store gave a page that the head does not see: "
          "actor=" +
          place_->name() + " pgno=" + std::to_string(page.pgno));
    }
    if (cache_id == 0) continue;
    // One that is damaged is left to who asks for it.
    const Status ignored = CacheChunk(cache_id, state.head.snapshot,
                                      {{page.branch, page.pgno, page.txid},
                                       page.chunk,
                                       page.base.value_or(std::string_view())},
                                      PageCache::Source::kCommit);
    static_cast<void>(ignored);
  }
  return Status::Ok();
}

Status ClientActor::LoadAt(OwnerSession* owner, ClientChannel* channel,
                           const std::shared_ptr<const HeadState>& known,
                           uint32_t pin, NewestHead* head) {
  const std::optional<uint32_t> slot = place_->SlotAt(owner);
  if (!slot.has_value()) return OpenAndLoad(owner, channel, pin, head);
  HeadRequest request;
  request.slot = *slot;
  request.pin = pin;
  // What has no head is told anew each time.
  const bool is_known = known != nullptr && known->exists;
  if (is_known) {
    request.known_branch = known->head.snapshot.branch;
    request.known_txid = known->head.snapshot.txid;
  }
  HeadAnswer answer;
  if (Status s = channel->Ask(request, session_->patience(), &answer);
      !s.ok()) {
    return s;
  }
  head->version = answer.head_seq;
  if (answer.head.has_value()) {
    if (is_known) head->changed_pages = std::move(answer.changed_pages);
    Status s = StateOf(*answer.head, place_->name(), &head->state);
    return s.ok() ? CachePages(answer.pages, *head->state) : s;
  }
  if (!is_known) {
    return Status::Corruption(
        "the owner of the store gave no head where none is known: actor=" +
        place_->name());
  }
  head->state = known;
  return Status::Ok();
}

}  // namespace actorkv
