#include "sql/actors/actors_table.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "kv/base/duration.h"
#include "kv/base/utf8.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/legacy/legacy_store.h"
#include "kv/reclaim/actor_reclaim.h"
#include "kv/rivet/archive_json.h"
#include "kv/store/store.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/store_times.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, layout INTEGER, state TEXT,"
    " page_size INTEGER, page_count INTEGER, size_bytes INTEGER,"
    " history_bytes INTEGER, shared_bytes INTEGER, legacy_bytes INTEGER,"
    " head_txid INTEGER, generation INTEGER, owner_pid INTEGER,"
    " opened_at_ms INTEGER, created_at_ms INTEGER, modified_at_ms INTEGER,"
    " deleted_at_ms INTEGER, rivet_name TEXT, rivet_key TEXT)";

// The order is that of the declaration, which sql/README.md describes column by
// column.
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
  kRivetName,
  kRivetKey,
};

class ActorRows : public RowSource {
 public:
  ActorRows(Connection* connection, std::shared_ptr<Store> store,
            std::optional<std::string> only)
      : connection_(connection),
        times_(TimesShown(store.get())),
        // The actor that a WHERE names is looked up, so that a question about
        // one does not read all.
        walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override {
    use_.reset();
    if (Status s = walk_.Next(has_row); !s.ok() || !*has_row) return s;
    damaged_ = IsDamage(walk_.status());
    // A damaged actor is a row that says so; an error of the disk ends the
    // table.
    if (!walk_.status().ok() && !damaged_) return walk_.status();
    LoadHeadOfDeleted();
    return LoadLegacyRecord();
  }

  void Column(int index, Result* result) const override {
    const ActorEntry& entry = walk_.state().entry;
    switch (index) {
      case kActor:
        return result->Text(walk_.name());
      case kLayout:
        // NULL where the keys are in none.
        if (IsOpaque()) return;
        return result->Int(Layout());
      case kState:
        return result->Text(StateName());
      case kLegacyBytes:
        return result->Int(LegacyBytes());
      case kOwnerPid:
        // Only the process that has the store open to write can have it open,
        // so the owner is this one or not known.
        if (OpenedAtUs() == 0) return;
        return result->Int(static_cast<uint64_t>(getpid()));
      case kOpenedAt:
        // The wall clock may have been set back since.
        return result->IntOrNull(std::min(OpenedAtUs(), times_.wall_now_us()) /
                                 kUsPerMs);
      case kCreatedAt:
        return result->IntOrNull(times_.Wall(entry.created_at_us) / kUsPerMs);
      case kDeletedAt:
        return result->IntOrNull(times_.Wall(entry.deleted_at_us) / kUsPerMs);
      case kRivetName:
        if (metadata_.has_value()) result->Text(EscapedUtf8(metadata_->name));
        return;
      case kRivetKey:
        if (metadata_.has_value() && metadata_->key.has_value()) {
          result->Text(EscapedUtf8(*metadata_->key));
        }
        return;
      default:
        if (head_.has_value()) HeadColumn(index, result);
    }
  }

 private:
  // Returns 0 where this process does not own the actor: it is not open, or its
  // store is followed.
  uint64_t OpenedAtUs() const {
    Store* const store = walk_.store().get();
    return store->read_only() ? 0 : store->actors()->OpenedAtUs(walk_.name());
  }

  const char* StateName() const {
    if (damaged_) return "damaged";
    // A legacy actor may be at any step of its migration, which its record
    // knows and the catalog does not.
    if (walk_.state().is_legacy && legacy_.has_value()) {
      return LegacyStateName(legacy_->state);
    }
    return walk_.state().exists ? "live" : "deleted";
  }

  bool IsOpaque() const {
    return walk_.state().is_legacy && legacy_.has_value() && legacy_->opaque();
  }

  // Returns the oldest layout that its pairs have, where it is not live.
  uint64_t Layout() const {
    if (!walk_.state().is_legacy || !legacy_.has_value()) return kChunkLayout;
    return (legacy_->layouts & kHasLayoutZero) != 0 ? 0 : 1;
  }

  uint64_t LegacyBytes() const {
    if (!legacy_.has_value()) return 0;
    // actorkv_drop_legacy() removes SQLite's part alone; the other pairs stay.
    return legacy_->bytes -
           (legacy_->dropped_at_us != 0 ? legacy_->sqlite_bytes : 0);
  }

  Status LoadLegacyRecord() {
    legacy_.reset();
    metadata_.reset();
    if (damaged_ || walk_.is_deleted()) return Status::Ok();
    LegacyActor actor;
    const auto reader = walk_.engine()->NewReader();
    Status loaded = LoadLegacy(reader.get(), walk_.name(), &actor);
    if (loaded.ok()) {
      legacy_ = std::move(actor.record);
      ActorMetadata metadata;
      // Rivet's name and key are known of actors that came with them.
      if (!legacy_->metadata_json.empty() &&
          ParseActorMetadata(legacy_->metadata_json, &metadata).ok()) {
        metadata_ = std::move(metadata);
      }
      return loaded;
    }
    damaged_ = IsDamage(loaded);
    return damaged_ || loaded.code() == Code::kNotFound ? Status::Ok() : loaded;
  }

  // Reads the head of a deleted actor, which stays where it was. Where it is
  // not there, the sizes are not known.
  void LoadHeadOfDeleted() {
    head_.reset();
    if (damaged_) return;
    if (walk_.state().exists) {
      head_ = walk_.state().head;
      return;
    }
    std::optional<Head> head;
    const Status s =
        GetRecord(walk_.engine()->NewReader().get(),
                  ActorPartition(walk_.state().entry.actor), HeadKey(), &head);
    if (s.ok()) head_ = head;
  }

  // Reads all chunks of the actor, so only when a column asks for it. Where
  // that fails, actorkv_verify says why; where it is interrupted, SQLite is.
  const SpaceUse& Use() const {
    if (use_.has_value()) return *use_;
    ReclaimOptions options;
    // A pass of reclaim that removes nothing counts by what it would: so the
    // sizes are those that reclaim goes by.
    options.dry_run = true;
    ActorReclaim plan(walk_.store().get(), walk_.name(), walk_.state().entry,
                      options);
    bool done = false;
    while (!done && connection_->KeepOn().ok() && plan.Step(&done).ok()) {
    }
    // Kept for the row: two columns ask for it, and it reads every chunk.
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
        // What could be reclaimed at this moment is history still.
        return result->Int(Use().history_bytes + Use().reclaimable_bytes);
      case kSharedBytes:
        return result->Int(Use().shared_bytes);
      case kHeadTxid:
        return result->Int(snapshot.txid.value);
      case kGeneration:
        return result->Int(head_->generation.value);
      case kModifiedAt:
        return result->Int(times_.Wall(head_->committed_at_us) / kUsPerMs);
      default:
        return;
    }
  }

  Connection* const connection_;
  const TimeMap times_;
  ActorWalk walk_;
  std::optional<Head> head_;
  std::optional<LegacyRecord> legacy_;
  std::optional<ActorMetadata> metadata_;
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
