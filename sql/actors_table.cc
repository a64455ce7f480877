#include "sql/actors_table.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "kv/actor_reclaim.h"
#include "kv/catalog.h"
#include "kv/keys.h"
#include "kv/legacy_store.h"
#include "sql/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, layout INTEGER, state TEXT,"
    " page_size INTEGER, page_count INTEGER, size_bytes INTEGER,"
    " history_bytes INTEGER, shared_bytes INTEGER, legacy_bytes INTEGER,"
    " head_txid INTEGER, generation INTEGER, owner_pid INTEGER,"
    " opened_at_ms INTEGER, created_at_ms INTEGER, modified_at_ms INTEGER,"
    " deleted_at_ms INTEGER)";

enum ColumnIndex {
  kActor,
  kLayout,
  kState,
  kPageSize,
  kPageCount,
  kSizeBytes,
  kHistoryBytes,
  kSharedBytes,
  kLegacyBytes,
  kHeadTxid,
  kGeneration,
  kOwnerPid,
  kOpenedAt,
  kCreatedAt,
  kModifiedAt,
  kDeletedAt,
};

// A record that does not decode says nothing about the other actors.
bool IsDamage(const Status& status) {
  return status.code() == Code::kCorruption ||
         status.code() == Code::kNotSupported;
}

class ActorRows : public RowSource {
 public:
  ActorRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : store_(std::move(store)), only_(std::move(only)) {
    if (only_.has_value()) next_name_ = *only_;
  }

  Status Next(bool* has_row) override {
    std::shared_ptr<const HeadState> state;
    *has_row = false;
    name_.clear();
    use_.reset();
    Status s = NextActor(store_.get(), next_name_, has_row, &name_, &state);
    if (*has_row && only_.has_value() && name_ != *only_) *has_row = false;
    damaged_ = *has_row && IsDamage(s);
    if (!*has_row) return name_.empty() ? s : Status::Ok();
    if (!s.ok() && !damaged_) return s;
    next_name_ = NameAfter(name_);
    state_ = damaged_ ? std::make_shared<const HeadState>() : std::move(state);
    LoadHeadOfDeleted();
    return LoadLegacyRecord();
  }

  void Column(int index, Result* result) const override {
    const ActorEntry& entry = state_->entry;
    switch (index) {
      case kActor:
        return result->Text(name_);
      case kLayout:
        return result->Int(Layout());
      case kState:
        return result->Text(StateName());
      case kLegacyBytes:
        return result->Int(LegacyBytes());
      case kOwnerPid:
        if (OpenedAtUs() == 0) return;
        return result->Int(static_cast<uint64_t>(getpid()));
      case kOpenedAt:
        return result->IntOrNull(OpenedAtUs() / 1000);
      case kCreatedAt:
        return result->IntOrNull(entry.created_at_us / 1000);
      case kDeletedAt:
        return result->IntOrNull(entry.deleted_at_us / 1000);
      default:
        if (head_.has_value()) HeadColumn(index, result);
    }
  }

 private:
  // 0 where this process does not own it: it is not open, or followed.
  uint64_t OpenedAtUs() const {
    return store_->read_only() ? 0 : store_->OpenedAtUs(name_);
  }

  const char* StateName() const {
    if (damaged_) return "damaged";
    if (state_->is_legacy && legacy_.has_value()) {
      return LegacyStateName(legacy_->state);
    }
    return state_->exists ? "live" : "deleted";
  }

  // The oldest that its pairs are of, for one that is not live.
  uint64_t Layout() const {
    if (!state_->is_legacy || !legacy_.has_value()) return kChunkLayout;
    return (legacy_->layouts & kHasLayoutZero) != 0 ? 0 : 1;
  }

  uint64_t LegacyBytes() const {
    if (!legacy_.has_value()) return 0;
    return legacy_->bytes -
           (legacy_->dropped_at_us != 0 ? legacy_->sqlite_bytes : 0);
  }

  Status LoadLegacyRecord() {
    legacy_.reset();
    if (damaged_ || (!state_->exists && !state_->is_legacy)) {
      return Status::Ok();
    }
    LegacyActor actor;
    const std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    Status loaded = LoadLegacy(reader.get(), name_, &actor);
    if (loaded.ok()) {
      legacy_ = std::move(actor.record);
      return loaded;
    }
    damaged_ = IsDamage(loaded);
    return damaged_ || loaded.code() == Code::kNotFound ? Status::Ok() : loaded;
  }

  // The head of a deleted actor stays where it was; without one its sizes are
  // not known.
  void LoadHeadOfDeleted() {
    head_.reset();
    if (damaged_) return;
    if (state_->exists) {
      head_ = state_->head;
      return;
    }
    Head head;
    const std::string key = HeadKey();
    std::vector<std::optional<std::string>> values;
    const std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    const Status s =
        reader->Get(ActorPartition(state_->entry.actor), {key}, &values);
    if (s.ok() && values[0].has_value() &&
        DecodeRecord(key, *values[0], &head).ok()) {
      head_ = head;
    }
  }

  // Reads all chunks of the actor, so only when a column asks for it. Where
  // that fails, actorkv_verify says why.
  const SpaceUse& Use() const {
    if (use_.has_value()) return *use_;
    ReclaimOptions options;
    options.dry_run = true;
    ActorReclaim plan(store_.get(), name_, state_->entry, options);
    bool done = false;
    while (!done && plan.Step(&done).ok()) {
    }
    use_ = plan.use();
    return *use_;
  }

  void HeadColumn(int index, Result* result) const {
    const Snapshot& snapshot = head_->snapshot;
    const uint64_t size = uint64_t{snapshot.page_count} * snapshot.page_size;
    switch (index) {
      case kPageSize:
        return result->Int(snapshot.page_size);
      case kPageCount:
        return result->Int(snapshot.page_count);
      case kSizeBytes:
        return result->Int(size);
      case kHistoryBytes:
        return result->Int(Use().history_bytes + Use().reclaimable_bytes);
      case kSharedBytes:
        return result->Int(Use().shared_bytes);
      case kHeadTxid:
        return result->Int(snapshot.txid.value);
      case kGeneration:
        return result->Int(head_->generation.value);
      case kModifiedAt:
        return result->Int(head_->committed_at_us / 1000);
      default:
        return;
    }
  }

  const std::shared_ptr<Store> store_;
  const std::optional<std::string> only_;
  std::string next_name_;
  std::string name_;
  std::shared_ptr<const HeadState> state_;
  std::optional<Head> head_;
  std::optional<LegacyRecord> legacy_;
  bool damaged_ = false;
  mutable std::optional<SpaceUse> use_;
};

constexpr TableSpec kActors = {"actorkv_actors", kDeclaration, kActor, 0,
                               OpenStoreRows<ActorRows>};

}  // namespace

int RegisterActorsTable(Connection* connection) {
  return RegisterTables<kActors>(connection);
}

}  // namespace actorkv
