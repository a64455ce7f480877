#include "kv/store/actor.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "kv/base/metrics.h"
#include "kv/cache/actor_hints.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"
#include "kv/store/clock.h"
#include "kv/store/store_side.h"
#include "kv/store/writer_queue.h"

namespace actorkv {

Status FencedError(const std::string& name, Generation expected,
                   Generation actual) {
  return Status::Fenced("actor=" + name + ": expected generation " +
                        std::to_string(expected.value) + ", actual " +
                        std::to_string(actual.value) +
                        ": another writer has taken over; open it again");
}

namespace {

Status LoadFloors(EngineReader* reader, ActorId actor, HeadState* state) {
  std::optional<LegacyRecord> record;
  if (Status s =
          GetRecord(reader, ActorPartition(actor), LegacyRecordKey(), &record);
      !s.ok()) {
    return s;
  }
  // A record that is missing is for those to report who need it.
  if (!record.has_value()) return Status::Ok();
  state->txid_floor = record->last_txid;
  state->generation_floor = record->last_generation;
  return Status::Ok();
}

}  // namespace

Status LoadHeadState(EngineReader* reader, const std::string& name,
                     std::shared_ptr<const HeadState>* state) {
  auto loaded = std::make_shared<HeadState>();
  const std::string entry_key = ActorEntryKey(name);
  std::optional<std::string> value;
  if (Status s = GetValue(reader, CatalogPartition(), entry_key, &value);
      !s.ok()) {
    return s;
  }
  if (value.has_value()) {
    loaded->entry_bytes = std::move(*value);
    Status s = DecodeRecord(entry_key, loaded->entry_bytes, &loaded->entry);
    if (!s.ok()) return s.WithContext("actor=" + name);
    loaded->exists = loaded->entry.state == ActorState::kLive;
    loaded->is_legacy = loaded->entry.state == ActorState::kLegacy;
  }
  if (!loaded->exists && !loaded->is_legacy) {
    *state = std::move(loaded);
    return Status::Ok();
  }
  const ActorId id = loaded->entry.actor;
  if (Status s = GetValue(reader, ActorPartition(id), HeadKey(), &value);
      !s.ok()) {
    return s;
  }
  if (!value.has_value() && loaded->is_legacy) {
    if (Status s = LoadFloors(reader, id, loaded.get()); !s.ok()) {
      return s.WithContext("actor=" + name);
    }
    *state = std::move(loaded);
    return Status::Ok();
  }
  if (!value.has_value()) {
    return Status::Corruption("head record missing: actor=" + name);
  }
  loaded->exists = true;
  loaded->is_legacy = false;
  loaded->entry.state = ActorState::kLive;
  loaded->head_bytes = std::move(*value);
  if (Status s = DecodeRecord(HeadKey(), loaded->head_bytes, &loaded->head);
      !s.ok()) {
    return s.WithContext("actor=" + name);
  }
  if (Status s =
          LoadLineageOf(reader, id, loaded->head.snapshot, &loaded->lineage);
      !s.ok()) {
    return s.WithContext("actor=" + name);
  }
  *state = std::move(loaded);
  return Status::Ok();
}

Actor::Actor(std::string name, Engine* engine,
             const std::atomic<uint64_t>* epoch,
             std::unique_ptr<ActorSide> side)
    : name_(std::move(name)),
      opened_at_us_(WallClockUs()),
      engine_(engine),
      epoch_(epoch),
      hints_(std::make_unique<ActorHints>()),
      side_(std::move(side)),
      writers_(std::make_shared<WriterQueue>()) {
  if (side_ != nullptr) {
    version_ = side_->version_word();
    writers_->Share(side_->writer_word());
  }
  Add(Metric::kOpenActors);
}

Actor::~Actor() {
  // Whoever still has a writer of it writes no more.
  if (side_ != nullptr) writers_->Share(nullptr);
  Close();
}

uint64_t Actor::SetLocked(std::shared_ptr<const HeadState> state) noexcept {
  // The version goes up before the state changes. A connection that finds it as
  // it was has read it before this, and its snapshot was the head then; the
  // order of both matters to PinTable::Snapshots() as well, so it is seq_cst.
  // Where another process owns the store its word has risen already.
  uint64_t now = 0;
  if (side_ == nullptr) {
    now = own_version_.fetch_add(1, std::memory_order_seq_cst) + 1;
    if (head_word_ != nullptr) {
      head_word_->fetch_add(1, std::memory_order_seq_cst);
    }
  }
  state_ = std::move(state);
  return now;
}

void Actor::Close() {
  if (opened_at_us_.exchange(0) != 0) Subtract(Metric::kOpenActors);
}

void Actor::OpenAgain() {
  opened_at_us_ = WallClockUs();
  Add(Metric::kOpenActors);
}

Status Actor::LoadFromOwnerLocked(const Pin* pin) {
  // The word is looked at first: it rises before there is another head.
  if (pin == nullptr && state_ != nullptr && version() == state_epoch_) {
    return Status::Ok();
  }
  NewestHead newest;
  Status s = side_->LoadHead(state_, pin, &newest);
  // Another owner has another word.
  version_.store(side_->version_word(), std::memory_order_release);
  if (!s.ok()) return s;
  if (newest.state != state_) {
    const Snapshot& head = newest.state->head.snapshot;
    if (newest.changed_pages.has_value()) {
      changes_->Add(head.branch, head.txid, *newest.changed_pages);
    } else {
      changes_->Reset(head.branch, head.txid);
    }
  }
  SetLocked(std::move(newest.state));
  state_epoch_ = newest.version;
  return Status::Ok();
}

Status Actor::LoadLocked() {
  if (side_ != nullptr) return LoadFromOwnerLocked(nullptr);
  // The epoch is read before the head: a head that is read later than it is at
  // least as new.
  const uint64_t epoch = epoch_->load(std::memory_order_acquire);
  if (state_ != nullptr && state_epoch_ == epoch) return Status::Ok();
  std::unique_ptr<EngineReader> reader = engine_->NewReader();
  std::shared_ptr<const HeadState> state;
  if (Status s = LoadHeadState(reader.get(), name_, &state); !s.ok()) return s;
  SetLocked(std::move(state));
  state_epoch_ = epoch;
  // What came between the last head and this one is not known.
  changes_->Reset(state_->head.snapshot.branch, state_->head.snapshot.txid);
  return Status::Ok();
}

Status Actor::Current(std::shared_ptr<const HeadState>* state) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (Status s = LoadLocked(); !s.ok()) return s;
  *state = state_;
  return Status::Ok();
}

Status Actor::PreparePin(PinTable* pins, Pin* pin) const {
  if (pins->Prepare(pin)) return Status::Ok();
  return Status::Busy(
      "too many snapshots are being read in this process: actor=" + name_);
}

Status Actor::PinByOwnerLocked(PinTable* pins, Pin* pin) {
  if (Status s = PreparePin(pins, pin); !s.ok()) return s;
  // An owner that ended after it pinned the head did so in vain, where the next
  // one was told of the pins before this one was among them.
  uint64_t owner_count = 0;
  do {
    owner_count = side_->owner_count();
    // The owner pins it, under the mutex that it has for the same actor.
    if (Status s = LoadFromOwnerLocked(pin); !s.ok()) return s;
    pins->AddKept(state_->head.snapshot, state_->lineage, pin);
  } while (side_->owner_count() != owner_count);
  return Status::Ok();
}

Status Actor::CurrentPinned(PinTable* pins, Pin* pin,
                            std::shared_ptr<const HeadState>* state) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (side_ != nullptr) {
    if (Status s = PinByOwnerLocked(pins, pin); !s.ok()) return s;
    *state = state_;
    return Status::Ok();
  }
  if (Status s = LoadLocked(); !s.ok()) return s;
  // Under the mutex, so that no other head is published between the look and
  // the pin: what is the head is not removed.
  pins->Add(state_->head.snapshot, state_->lineage, pin);
  *state = state_;
  return Status::Ok();
}

std::shared_ptr<const HeadState> Actor::Known() {
  std::lock_guard<std::mutex> lock(mutex_);
  return state_;
}

namespace {

Status WriterIsBusy(const std::string& name, WriterQueue* writers) {
  const WordHolder holder = writers->OtherHolder();
  const bool is_other =
      holder.is_other && holder.pid != static_cast<uint32_t>(getpid());
  std::string text = std::string("another ") +
                     (is_other ? "process" : "connection") +
                     " is writing: actor=" + name;
  if (!is_other) return Status::Busy(text);
  if (holder.pid != 0) text += " pid=" + std::to_string(holder.pid);
  constexpr int64_t kSecondMs = 1000;
  if (holder.since_ms >= kSecondMs) {
    text += " since " + std::to_string(holder.since_ms / kSecondMs) + " s";
  } else if (holder.since_ms >= 0) {
    text += " since " + std::to_string(holder.since_ms) + " ms";
  }
  return Status::Busy(text);
}

}  // namespace

Status Actor::Reserve(Writer* writer, const Snapshot& snapshot,
                      Generation generation) {
  std::lock_guard<std::mutex> lock(mutex_);
  // SQLite asks again after this (its busy handler).
  const auto busy = [this] { return WriterIsBusy(name_, writers_.get()); };
  if (!writers_->MayTake(writer)) return busy();
  if (Status s = LoadLocked(); !s.ok()) return s;
  // A writer that saw no actor has no generation; it is only late.
  const auto fenced = [&] {
    return generation != Generation{} && state_->exists &&
           state_->head.generation != generation;
  };
  if (fenced()) {
    // Only a fence that the store shows is one.
    SetLocked(nullptr);
    if (Status s = LoadLocked(); !s.ok()) return s;
  }
  if (fenced()) {
    return FencedError(name_, generation, state_->head.generation);
  }
  // SQLite would write over what another connection has committed since: it
  // gets SQLITE_BUSY_SNAPSHOT.
  if (state_->head.snapshot != snapshot) {
    return Status::Conflict(
        "the actor has changed since the transaction began: actor=" + name_ +
        " snapshot=" + std::to_string(snapshot.txid.value) +
        " head=" + std::to_string(state_->head.snapshot.txid.value));
  }
  // The head stays what it is while the mutex is held. So the word is taken by
  // those alone that will use it.
  if (!writers_->Take(writer)) return busy();
  if (side_ == nullptr || version() == state_epoch_) return Status::Ok();
  // Another process has committed between the look and the word.
  writers_->Release(writer);
  return Status::Conflict(
      "the actor has changed since the transaction began: actor=" + name_);
}

void Actor::Release(Writer* writer) { writers_->Release(writer); }

bool Actor::reserved() { return writers_->held(); }

bool Actor::TakeWriterAway() { return writers_->TakeAway(); }

TxId Actor::TakeTxId(TxId floor) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != nullptr) {
    // The head may be another owner's, and the floor that of a name which is
    // used again: a txid stands above all of them.
    last_txid_ =
        std::max({last_txid_, state_->head.snapshot.txid, state_->txid_floor});
  }
  last_txid_ = TxId{std::max(last_txid_, floor).value + 1};
  return last_txid_;
}

uint64_t Actor::Publish(std::shared_ptr<const HeadState> state,
                        const std::vector<PageNo>& pages) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  const Snapshot& snapshot = state->head.snapshot;
  // The cache asks these whether an older page is still right. They are there
  // before the head that needs them can be seen.
  changes_->Add(snapshot.branch, snapshot.txid, pages);
  const uint64_t version = SetLocked(std::move(state));
  state_epoch_ = epoch_->load(std::memory_order_acquire);
  // What landed late would lie in the branch before this commit, and this one
  // is there.
  continues_branch_ = true;
  return version;
}

void Actor::PublishShared(const std::shared_ptr<const HeadState>& base,
                          SharedHead head) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  // What is known of a later head holds what is known of this one; and who has
  // forgotten the head reads it.
  if (state_ != base) {
    if (side_ == nullptr) SetLocked(nullptr);
    return;
  }
  const Snapshot& snapshot = head.state->head.snapshot;
  if (head.pages != nullptr) {
    changes_->Add(snapshot.branch, snapshot.txid, *head.pages);
  } else {
    changes_->Reset(snapshot.branch, snapshot.txid);
  }
  SetLocked(std::move(head.state));
  // Where others have committed since, the word says so.
  state_epoch_ =
      side_ != nullptr ? head.version : epoch_->load(std::memory_order_acquire);
  continues_branch_ = false;
}

void Actor::Share(std::atomic<uint64_t>* head_word,
                  std::shared_ptr<WriterWord> writer_word) {
  std::lock_guard<std::mutex> lock(mutex_);
  head_word_ = head_word;
  writers_->Share(std::move(writer_word));
}

void Actor::Unshare() {
  std::lock_guard<std::mutex> lock(mutex_);
  head_word_ = nullptr;
  writers_->Share(nullptr);
}

void Actor::PublishTakeOver(std::shared_ptr<const HeadState> state) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  SetLocked(std::move(state));
  state_epoch_ = epoch_->load(std::memory_order_acquire);
  continues_branch_ = false;
}

bool Actor::continues_branch() {
  std::lock_guard<std::mutex> lock(mutex_);
  return continues_branch_;
}

void Actor::Forget() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  // The txid in doubt is above the head; it stays given.
  if (state_ != nullptr) {
    last_txid_ = std::max(last_txid_, state_->head.snapshot.txid);
  }
  SetLocked(nullptr);
  continues_branch_ = false;
}

void Actor::ReplaceLineage(BranchId branch,
                           std::shared_ptr<const Lineage> lineage) {
  std::lock_guard<std::mutex> lock(mutex_);
  // The actor was restored meanwhile, or its head is not known: whoever reads
  // it next finds the new records.
  if (state_ == nullptr || state_->head.snapshot.branch != branch) return;
  auto state = std::make_shared<HeadState>(*state_);
  state->lineage = std::move(lineage);
  SetLocked(std::move(state));
}

}  // namespace actorkv
