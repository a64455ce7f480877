#include "sql/history/restore_tables.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/base/duration.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/store_times.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

// ActorRecordWalk finds the records of one kind of all actors, deleted ones
// included, actor by actor in the order of their keys.
class ActorRecordWalk {
 public:
  ActorRecordWalk(std::shared_ptr<Store> store, std::optional<std::string> only,
                  std::string prefix)
      : actors_(std::move(store), std::move(only)),
        reader_(actors_.engine()->NewReader()),
        prefix_(std::move(prefix)) {}

  const std::string& actor() const { return actors_.name(); }

  // Deleted actors are walked as well: their restore points are what undelete
  // brings back.
  Status Next(bool* found, KeyValue* pair) {
    for (;;) {
      if (!next_key_.empty()) {
        if (Status s = NextOfActor(found, pair); !s.ok() || *found) return s;
      }
      if (Status s = actors_.NextReadable(found); !s.ok() || !*found) return s;
      next_key_ = prefix_;
    }
  }

 private:
  Status NextOfActor(bool* found, KeyValue* pair) {
    std::vector<std::optional<KeyValue>> pairs;
    const Partition partition = ActorPartition(actors_.state().entry.actor);
    if (Status s = reader_->Seek(partition, {next_key_}, &pairs); !s.ok()) {
      return s;
    }
    *found = pairs[0].has_value() &&
             pairs[0]->key.compare(0, prefix_.size(), prefix_) == 0;
    if (!*found) return Status::Ok();
    next_key_ = pairs[0]->key + '\0';
    *pair = std::move(*pairs[0]);
    return Status::Ok();
  }

  ActorWalk actors_;
  const std::unique_ptr<EngineReader> reader_;
  const std::string prefix_;
  std::string next_key_;  // empty: no actor yet
};

// ---- actorkv_restore_points ------------------------------------------------

constexpr char kPointsDeclaration[] =
    "CREATE TABLE x(actor TEXT, name TEXT, txid INTEGER,"
    " created_at_ms INTEGER, expires_at_ms INTEGER)";

class PointRows : public RowSource {
 public:
  PointRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : times_(TimesShown(store.get())),
        walk_(std::move(store), std::move(only), RestorePointPrefix()) {}

  Status Next(bool* has_row) override {
    KeyValue pair;
    if (Status s = walk_.Next(has_row, &pair); !s.ok() || !*has_row) return s;
    if (Status s = ParseRestorePointKey(pair.key, &name_); !s.ok()) return s;
    return DecodeRecord(pair.key, pair.value, &point_)
        .WithContext("actor=" + walk_.actor());
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->Text(walk_.actor());
      case 1:
        return result->Text(name_);
      case 2:
        return result->Int(point_.txid.value);
      case 3:
        // Stored times are the store's own; what people see is that of the wall
        // (kv/README.md, "Times").
        return result->Int(times_.Wall(point_.created_at_us) / kUsPerMs);
      case 4:
        // NULL says that it never ends.
        if (point_.expires_at_us == 0) return;
        return result->Int(EndOf(point_, times_) / kUsPerMs);
      default:
        return;
    }
  }

 private:
  const TimeMap times_;
  ActorRecordWalk walk_;
  std::string name_;
  RestorePointRecord point_;
};

// ---- actorkv_restores ------------------------------------------------------

constexpr char kRestoresDeclaration[] =
    "CREATE TABLE x(actor TEXT, from_txid INTEGER, to_txid INTEGER,"
    " undo_name TEXT, restored_at_ms INTEGER)";

class RestoreRows : public RowSource {
 public:
  RestoreRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : times_(TimesShown(store.get())),
        walk_(std::move(store), std::move(only), RestorePrefix()) {}

  Status Next(bool* has_row) override {
    KeyValue pair;
    if (Status s = walk_.Next(has_row, &pair); !s.ok() || !*has_row) return s;
    return DecodeRecord(pair.key, pair.value, &restore_)
        .WithContext("actor=" + walk_.actor());
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->Text(walk_.actor());
      case 1:
        return result->Int(restore_.from_txid.value);
      case 2:
        return result->Int(restore_.source_txid.value);
      case 3:
        return result->Text(restore_.undo_name);
      case 4:
        return result->Int(times_.Wall(restore_.restored_at_us) / kUsPerMs);
      default:
        return;
    }
  }

 private:
  const TimeMap times_;
  ActorRecordWalk walk_;
  RestoreRecord restore_;
};

constexpr TableSpec kPoints = {"actorkv_restore_points", kPointsDeclaration, 0,
                               0, OpenStoreRows<PointRows>};
constexpr TableSpec kRestores = {"actorkv_restores", kRestoresDeclaration, 0, 0,
                                 OpenStoreRows<RestoreRows>};

}  // namespace

int RegisterRestoreTables(Connection* connection) {
  return RegisterTables<kPoints, kRestores>(connection);
}

}  // namespace actorkv
