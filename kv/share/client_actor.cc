#include "kv/share/client_actor.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "kv/cache/page_cache.h"
#include "kv/format/chunk.h"
#include "kv/format/page_delta.h"
#include "kv/share/client_word.h"
#include "kv/share/head_fields.h"
#include "kv/store/actor.h"

namespace actorkv {
namespace {

// Whether it is a page of the head, and whole.
bool IsOf(const Snapshot& head, const WirePage& page) {
  return page.pgno > 0 && page.pgno <= head.page_count &&
         page.pgno != LockPage(head.page_size) && !(head.txid < page.txid) &&
         page.bytes.size() == head.page_size &&
         page.changed.size() == kWireBlocksBytes &&
         PageHash(page.pgno, page.bytes) == page.page_hash;
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
  const Snapshot& head = state.head.snapshot;
  for (const WirePage& page : pages) {
    if (!state.exists || !IsOf(head, page)) {
      return Status::Corruption(
          "the owner of the store gave a page that is none of the head: "
          "actor=" +
          place_->name() + " pgno=" + std::to_string(page.pgno));
    }
    if (cache_id == 0) continue;
    const StoredForm form{page.base, PageBlocks::Load(page.changed.data())};
    PageCache::Instance()->Insert(
        {cache_id, head.branch, page.pgno}, head.txid,
        CachedPage::Make({page.txid, page.page_hash}, page.bytes, form));
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
