// This part of ActorFile takes its snapshots and reads them.

#include <cstring>
#include <utility>

#include "kv/history/history.h"
#include "kv/store/store.h"
#include "vfs/actor/actor_file.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// The bytes of page 1 that a pager reads to learn whether the file has changed
// (pager.c sqlite3PagerSharedLock, 3.40.1).
constexpr sqlite3_int64 kVersionOffset = 24;
constexpr int kVersionBytes = 16;

}  // namespace

// Threads and locks of what it uses do not exist in a child of fork(): a call
// would wait for ever.
int ActorFile::Refuse(Place place) {
  return Report(place, Status::NotSupported(
                           "this connection was opened before fork(), in the "
                           "parent, and only the parent can use it: open "
                           "another one in this process: actor=" +
                           actor_->name()));
}

// Most transactions begin where the last one of the connection ended. Then they
// cost no lock and touch no memory that others write to.
bool ActorFile::ResumeSnapshot() {
  if (resting_ == nullptr) return false;
  // Before the head is looked at: kv/store/pins.h, invariant 3.
  if (!pin_->Wake() || actor_->version() != version_) return false;
  state_ = std::move(resting_);
  return true;
}

void ActorFile::RestSnapshot() {
  pin_->Rest();
  resting_ = std::move(state_);
}

Status ActorFile::TakeSnapshot() {
  if (ResumeSnapshot()) return Status::Ok();
  // The pin is reused below, and what it held is not to be read any more.
  resting_.reset();
  if (options_.version != nullptr) {
    // A store that is not there any more has no past to show either.
    Status s;
    if (store_->read_only()) s = store_->engine()->CheckNotMoved();
    if (s.ok()) Adopt(options_.version);
    return s;
  }
  if (store_->read_only()) {
    if (Status s = store_->CatchUp(); !s.ok()) return s;
  }
  std::shared_ptr<const HeadState> state;
  // Both are taken before the head: what changes in between is noticed later,
  // where the other order would miss it.
  epoch_ = store_->epoch();
  const uint64_t version = actor_->version();
  if (Status s = actor_->CurrentPinned(store_->pins(), pin_, &state); !s.ok()) {
    pin_->Release();
    return s;
  }
  // Only another process can make the name another actor's while it is open
  // here. SQLite's page cache may hold pages of the actor that was, under the
  // same counters.
  const ActorId id = state->exists ? state->entry.actor : ActorId{};
  if (actor_id_ != ActorId{} && id != actor_id_) {
    pin_->Release();
    return Status::Fenced(
        "the actor was renamed, deleted or made anew: actor=" + actor_->name() +
        ": open it again");
  }
  actor_id_ = id;
  Adopt(std::move(state), version);
  return Status::Ok();
}

// Only a writer's newest version rests. A follower looks for commits before
// each transaction, and a past has nothing to compare with.
void ActorFile::LetGo() {
  if (version_ != 0 && !store_->read_only() && options_.version == nullptr) {
    RestSnapshot();
    return;
  }
  state_.reset();
  pin_->Release();
}

void ActorFile::Adopt(std::shared_ptr<const HeadState> state,
                      uint64_t version) noexcept {
  state_ = std::move(state);
  version_ = version;
  fetched_.Forget();
  if (generation_ == Generation{}) generation_ = state_->head.generation;
  reader_.SetSnapshot(*state_);
}

// Looks, after a publish that failed, whether the head is still the snapshot. A
// commit of which nobody knew may have happened. Then the pager must not go
// back to what it believes in; the error makes it forget its cache (pager.c
// pager_error() and pager_unlock(), 3.40.1), also while it keeps its lock for
// ever.
Status ActorFile::ResolveDoubt() {
  if (!in_doubt_ || state_ == nullptr) return Status::Ok();
  std::shared_ptr<const HeadState> now;
  if (Status s = actor_->Current(&now); !s.ok()) return s;
  const Generation generation = now->head.generation;
  // The head is another writer's by now: this connection has nothing to go on
  // from.
  if (generation_ != Generation{} && generation != generation_) {
    return FencedError(actor_->name(), generation_, generation);
  }
  in_doubt_ = false;
  if (now->head.snapshot == state_->head.snapshot) return Status::Ok();
  if (Status s = actor_->CurrentPinned(store_->pins(), pin_, &now); !s.ok()) {
    return s;
  }
  Adopt(std::move(now));
  journal_is_stale_ = true;
  return Status::IOError(
      "a commit whose outcome was not known has happened: actor=" +
      actor_->name());
}

Status ActorFile::EnsureSnapshot() {
  if (state_ != nullptr && !in_doubt_) return Status::Ok();
  if (Status s = ResolveDoubt(); !s.ok()) return s;
  if (state_ != nullptr) return Status::Ok();
  return TakeSnapshot();
}

// Returns true in the common case of a read: it is of a snapshot, and nothing
// else is to be looked after.
bool ActorFile::ReadsSnapshot() const {
  return state_ != nullptr && transaction_ == nullptr && !in_doubt_ &&
         !store_->read_only();
}

Status ActorFile::ReadSnapshot(const ReadRequest& request, size_t* copied) {
  Status s = reader_.Read(request, copied);
  // What the owner took away from this process while it was stopped.
  if (store_->side() != nullptr) {
    if (Status expired = CheckNotExpired(store_.get(), *state_, &epoch_);
        !expired.ok()) {
      s = expired;
    }
  }
  return s;
}

int ActorFile::Read(void* buffer, int size, sqlite3_int64 offset) {
  auto* bytes = static_cast<char*>(buffer);
  const auto want = static_cast<size_t>(size);
  if (is_of_parent()) {
    std::memset(bytes, 0, want);
    return Refuse(Place::kRead);
  }
  if (rolls_back_ && offset == kVersionOffset && size == kVersionBytes) {
    rolls_back_ = false;  // see the header: invariant 5
  }
  const ReadRequest request = {static_cast<uint64_t>(offset), want, bytes};
  size_t copied = 0;
  const Status s = ReadsSnapshot() ? ReadSnapshot(request, &copied)
                                   : ReadWithCare(request, &copied);
  if (!s.ok()) {
    // SQLite must not go on with what an earlier call left in the buffer.
    std::memset(bytes, 0, want);
    return Report(Place::kRead, s.WithContext("actor=" + actor_->name()));
  }
  if (request.offset < kHeaderBytes) ShowHeader(request);
  return copied == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

// A header that the pager wrote itself is shown as it wrote it.
void ActorFile::ShowHeader(const ReadRequest& request) {
  if (transaction_ != nullptr && transaction_->has_header()) return;
  view_.OnRead(request);
  if (PagerView::IsPageOne(request)) journal_is_stale_ = false;
}

class ActorFile::Borrowed {
 public:
  explicit Borrowed(ActorFile* file)
      : file_(file),
        borrows_(file->state_ == nullptr && !file->options_.never_locks) {}
  ~Borrowed() {
    if (!borrows_) return;
    file_->LetGo();
    file_->reader_.Release();
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

 private:
  ActorFile* const file_;
  const bool borrows_;
};

// A read without a lock happens, too: SQLite reads 100 bytes at open (pager.c
// sqlite3PagerReadFileheader, 3.40.1).
Status ActorFile::ReadWithCare(const ReadRequest& request, size_t* copied) {
  const Borrowed borrowed(this);
  if (Status s = EnsureSnapshot(); !s.ok()) return s;
  Status s = transaction_ != nullptr ? transaction_->Read(request, copied)
                                     : reader_.Read(request, copied);
  // The check is made also where the read went well: what it read may be of an
  // older commit.
  if (Status expired = CheckNotExpired(store_.get(), *state_, &epoch_);
      !expired.ok()) {
    s = expired;
  }
  return s;
}

// A null page sends the pager to xRead (pager.c getPageMMap, 3.40.1). So it is
// where a transaction may have written the page, and where the page is damaged
// or expired: xRead reports that.
int ActorFile::Fetch(sqlite3_int64 offset, int size, void** page) {
  *page = nullptr;
  if (is_of_parent() || !fetched_.enabled() || state_ == nullptr ||
      transaction_ != nullptr || reader_.page_size() == 0) {
    return SQLITE_OK;
  }
  // Only whole pages are kept. Before it has read page 1 a pager may ask in
  // another page size (btree.c lockBtree, 3.40.1).
  if (static_cast<uint32_t>(size) == reader_.page_size()) {
    *page = const_cast<void*>(fetched_.Again(offset));
    if (*page != nullptr) return SQLITE_OK;
  }
  const PagePart part =
      FirstPart(static_cast<uint64_t>(offset), static_cast<uint64_t>(size),
                reader_.page_size());
  PagePin pin;
  if (!reader_.Pin(part, &pin).ok() || pin == nullptr ||
      !CheckNotExpired(store_.get(), *state_, &epoch_).ok()) {
    return SQLITE_OK;
  }
  // SQLite does not write to pages that it fetched (PGHDR_MMAP).
  *page = const_cast<void*>(fetched_.Keep(offset, std::move(pin)));
  return SQLITE_OK;
}

int ActorFile::Unfetch(sqlite3_int64 offset, void* page) {
  // Null: the file may have changed; nothing is mapped that could be stale.
  if (page != nullptr) fetched_.Drop(offset, page);
  return SQLITE_OK;
}

int ActorFile::FileSize(sqlite3_int64* size) {
  if (is_of_parent()) return Refuse(Place::kFileSize);
  if (transaction_ != nullptr) {
    *size = static_cast<sqlite3_int64>(transaction_->size_bytes());
    return SQLITE_OK;
  }
  const Borrowed borrowed(this);
  if (Status s = EnsureSnapshot(); !s.ok()) {
    return Report(Place::kFileSize, s);
  }
  *size = static_cast<sqlite3_int64>(reader_.size_bytes());
  return SQLITE_OK;
}

}  // namespace actorkv
