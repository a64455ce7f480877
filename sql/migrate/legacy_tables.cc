#include "sql/migrate/legacy_tables.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kv/base/coding.h"
#include "kv/base/utf8.h"
#include "kv/history/history.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_keys.h"
#include "sql/bind/actor_connection.h"
#include "sql/migrate/rivet_schema.h"
#include "vfs/migrate/migration.h"

namespace actorkv {

namespace {

// The number of pairs between two looks at sqlite3_interrupt().
constexpr uint64_t kPairsAtOnce = 1024;

enum TableIndex {
  kKv,
  kQueueMessages,
  kWorkflow,
  kTraces,
  kConnections,
  kMeta,
  kOversized
};
constexpr size_t kTableCount = kPlacedTableCount;

struct TableText {
  const char* name;
  const char* columns;
  size_t prefix_bytes;  // of a key of layout 1 that the table leaves out
};

// The text in sqlite_schema tells a table of ours from one of the user's.
constexpr TableText kTables[kTableCount] = {
    {"_actorkv_kv", "key BLOB PRIMARY KEY, value BLOB", 1},
    {"_actorkv_queue_messages", "id INTEGER PRIMARY KEY, value BLOB", 3},
    {"_actorkv_workflow", "key BLOB PRIMARY KEY, value BLOB", 2},
    {"_actorkv_traces", "key BLOB PRIMARY KEY, value BLOB", 2},
    {"_actorkv_connections", "conn_id PRIMARY KEY, value BLOB", 1},
    {"_actorkv_meta", "key BLOB PRIMARY KEY, value BLOB", 0},
    {"_actorkv_oversized", "key BLOB PRIMARY KEY, value BLOB", 0},
};

TableIndex TableOf(LegacyNamespace space) {
  switch (space) {
    case LegacyNamespace::kUser:
      return kKv;
    case LegacyNamespace::kQueueMessage:
      return kQueueMessages;
    case LegacyNamespace::kWorkflow:
      return kWorkflow;
    case LegacyNamespace::kTraces:
      return kTraces;
    case LegacyNamespace::kConnections:
      return kConnections;
    // Single pairs, and those that nobody looks for by their kind.
    case LegacyNamespace::kState:
    case LegacyNamespace::kInspector:
    case LegacyNamespace::kQueueMeta:
    case LegacyNamespace::kAlarm:
    case LegacyNamespace::kSqliteMeta:
    case LegacyNamespace::kSqliteChunk:
    case LegacyNamespace::kUnknown:
      return kMeta;
  }
  return kMeta;
}

std::string CreateText(const TableText& table) {
  return std::string("CREATE TABLE ") + table.name + "(" + table.columns + ")";
}

class Placement {
 public:
  Placement(sqlite3* db, const LegacyRecord& record)
      : db_(db), record_(record) {}
  ~Placement() {
    for (sqlite3_stmt* insert : inserts_) sqlite3_finalize(insert);
  }
  Placement(const Placement&) = delete;
  Placement& operator=(const Placement&) = delete;

  // Makes the tables that are missing. *any says that there is something to
  // fill.
  Status MakeTables(bool* any);
  Status Fill(const Placing& placing);

 private:
  bool IsWanted(size_t index) const;
  Status Make(size_t index);
  Status Insert(const KeyValue& pair);
  Status Bind(size_t index, std::string_view key, sqlite3_stmt* insert);

  sqlite3* const db_;
  const LegacyRecord& record_;
  std::array<sqlite3_stmt*, kTableCount> inserts_ = {};  // null: leave alone
};

Status Placement::Make(size_t index) {
  const TableText& table = kTables[index];
  const std::string text = CreateText(table);
  std::optional<std::string> found;
  if (Status s = QueryText(db_,
                           std::string("SELECT sql FROM sqlite_master WHERE "
                                       "name = '") +
                               table.name + "' COLLATE NOCASE",
                           &found);
      !s.ok()) {
    return s;
  }
  // A table of ours that is there was filled by an earlier call, and the user
  // may have changed it since: it is left alone.
  if (found.has_value()) {
    if (*found == text) return Status::Ok();
    return Status::AlreadyExists(
        std::string("the database has something else by the name of ") +
        table.name + ": rename that first");
  }
  if (Status s = Execute(db_, text); !s.ok()) return s;
  const std::string insert =
      std::string("INSERT INTO ") + table.name + " VALUES(?1, ?2)";
  const int code =
      sqlite3_prepare_v2(db_, insert.c_str(), -1, &inserts_[index], nullptr);
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db_);
}

// Says whether the actor can have pairs in the table, or has any that are
// oversized.
bool Placement::IsWanted(size_t index) const {
  if (index == kOversized) return record_.oversized_count > 0;
  return index == kKv || !record_.opaque();
}

Status Placement::MakeTables(bool* any) {
  *any = false;
  for (size_t i = 0; i < kTableCount; ++i) {
    if (!IsWanted(i)) continue;
    if (Status s = Make(i); !s.ok()) return s;
    *any = *any || inserts_[i] != nullptr;
  }
  return Status::Ok();
}

Status Placement::Bind(size_t index, std::string_view key,
                       sqlite3_stmt* insert) {
  int code = SQLITE_OK;
  if (index == kQueueMessages) {
    // Ids of messages count up, so as rowids they keep the order of the queue.
    code = sqlite3_bind_int64(
        insert, 1, static_cast<sqlite3_int64>(LoadBig64(key.data())));
  } else if (index == kConnections && IsUtf8(key) &&
             key.find('\0') == std::string_view::npos) {
    // Ids of connections are texts in Rivet; one that cannot be a text of
    // SQLite stays a blob, so that no id is changed.
    code = sqlite3_bind_text64(insert, 1, key.data(), key.size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  } else {
    // A key of no bytes is a blob too, not NULL.
    code = sqlite3_bind_blob64(insert, 1, key.empty() ? "" : key.data(),
                               key.size(), SQLITE_STATIC);
  }
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db_);
}

Status Placement::Insert(const KeyValue& pair) {
  const bool opaque = record_.opaque();
  // Files of SQLite became the database itself.
  if (!opaque && IsSqliteKey(pair.key)) return Status::Ok();
  const size_t index = PlacedTableOf(record_, pair);
  sqlite3_stmt* const insert = inserts_[index];
  if (insert == nullptr) return Status::Ok();
  std::string_view key = pair.key;
  if (!opaque) key.remove_prefix(kTables[index].prefix_bytes);
  if (Status s = Bind(index, key, insert); !s.ok()) return s;
  // data() of a string of no bytes is no null pointer, so this is an empty
  // blob, not NULL.
  if (sqlite3_bind_blob64(insert, 2, pair.value.data(), pair.value.size(),
                          SQLITE_STATIC) != SQLITE_OK) {
    return ConnectionError(db_);
  }
  const int code = sqlite3_step(insert);
  Status stepped = code == SQLITE_DONE ? Status::Ok() : ConnectionError(db_);
  sqlite3_reset(insert);
  return stepped;
}

Status Placement::Fill(const Placing& placing) {
  std::optional<KeyValue> pair;
  std::string from;
  for (uint64_t count = 0;; ++count) {
    if (count % kPairsAtOnce == 0) {
      if (Status s = placing.keep_on(); !s.ok()) return s;
    }
    if (Status s = placing.pairs->Seek(from, &pair); !s.ok()) return s;
    if (!pair.has_value()) return Status::Ok();
    placing.work->Add(pair->key.size() + pair->value.size());
    if (Status s = Insert(*pair); !s.ok()) return s;
    from = pair->key + '\0';
  }
}

Status PlaceAll(const Placing& placing) {
  sqlite3* const db = placing.db;
  // The write lock is taken at once, so that what is found about the tables
  // still holds when they are filled.
  if (Status s = Execute(db, "BEGIN IMMEDIATE"); !s.ok()) return s;
  bool any = false;
  {
    // Its statements are finalized before COMMIT, which open ones would make
    // fail.
    Placement placement(db, *placing.record);
    if (Status s = placement.MakeTables(&any); !s.ok()) return s;
    if (any) {
      if (Status s = placement.Fill(placing); !s.ok()) return s;
    }
  }
  return Execute(db, "COMMIT");
}

// Finds the last commit of the migration's own before anybody else wrote. The
// commits tell it, so that neither a crash behind COMMIT nor a writer beside
// this one can make the record claim what is the user's.
Status LastOwnCommit(EngineReader* reader, const LegacyActor& actor,
                     TxId* last) {
  const TxId migrated = actor.record.migrated_txid;
  TxId own = migrated;
  // Read from the newest commit back: one that is somebody else's takes away
  // what was found behind it.
  CommitScan newest_first(reader, actor.actor());
  CommitRecord commit;
  for (bool found = migrated != TxId{}; found;) {
    if (Status s = newest_first.Next(&found, &commit); !s.ok()) return s;
    const TxId txid = commit.snapshot.txid;
    if (!found || !(migrated < txid)) break;
    if (commit.origin != Origin::kMigrate) {
      own = migrated;
    } else if (own == migrated) {
      own = txid;
    }
  }
  *last = own;
  return Status::Ok();
}

}  // namespace

Status Place(const Connection& connection, const Target& target,
             const PlaceStep& step) {
  using Steady = std::chrono::steady_clock;
  const Steady::time_point begin = Steady::now();
  std::unique_ptr<LegacyLease> lease;
  const auto keep_on = [&]() -> Status {
    if (lease != nullptr) {
      if (Status s = lease->Renew(); !s.ok()) return s;
    }
    return connection.KeepOn();
  };
  if (Status s = WaitForLease(target.store, target.actor, keep_on, &lease);
      !s.ok()) {
    return s;
  }
  const LegacyActor& actor = lease->actor();
  if (actor.record.state != LegacyState::kLive) {
    return Status::InvalidArgument("its migration was undone: actor=" +
                                   target.actor);
  }
  WorkMeter work = target.BeginWork(WorkKind::kMigration);
  work.Enter(LegacyPhaseName(LegacyPhase::kTables), actor.record.bytes);
  Engine* const engine = target.engine();
  // The actor is written as by any user, through the VFS: the lease keeps other
  // migrations away, not writers.
  ActorConnection database;
  if (Status s = database.Open(target, Origin::kMigrate); !s.ok()) return s;
  LegacyPairs stored(engine, actor.record.legacy);
  LayoutOneView view(&stored);
  std::vector<std::string> notes;
  Placing placing;
  placing.pairs = &view;
  // Keys of an opaque actor have no layout.
  if (actor.record.opaque()) placing.pairs = &stored;
  placing.record = &actor.record;
  placing.keep_on = keep_on;
  placing.db = database.db();
  placing.notes = &notes;
  placing.work = &work;
  if (Status s = step(placing); !s.ok()) {
    return s.WithContext("actor=" + target.actor);
  }
  TxId last;
  if (Status s = LastOwnCommit(engine->NewReader().get(), actor, &last);
      !s.ok()) {
    return s;
  }
  // The record has the newest commit of the migration's own, so that going back
  // is not refused because of it.
  return lease->Update([&](LegacyRecord* record) {
    record->migrated_txid = last;
    for (const std::string& note : notes) {
      const std::vector<std::string>& known = record->warnings;
      if (std::find(known.begin(), known.end(), note) == known.end()) {
        AddLegacyNote(note, &record->warnings);
      }
    }
    record->phase = LegacyPhase::kTables;
    record->phase_us[static_cast<size_t>(LegacyPhase::kTables)] +=
        static_cast<uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(
                Steady::now() - begin)
                .count());
  });
}

Status PlaceInTables(const Connection& connection, const Target& target) {
  return Place(connection, target, PlaceAll);
}

std::vector<SchemaTable> PlacedTables() {
  std::vector<SchemaTable> tables = MadeRivetTables();
  for (const TableText& table : kTables) {
    tables.push_back({table.name, CreateText(table)});
  }
  return tables;
}

PlacedTable PlacedTableAt(size_t index, bool opaque) {
  constexpr std::string_view kPrefixes[kTableCount] = {
      std::string_view("\x04", 1),
      std::string_view("\x05\x01\x02", 3),
      std::string_view("\x06\x01", 2),
      std::string_view("\x07\x01", 2),
      std::string_view("\x02", 1),
      std::string_view(),
      std::string_view(),
  };
  const TableText& text = kTables[index];
  PlacedTable table;
  table.schema = {text.name, CreateText(text)};
  table.has_ids = index == kQueueMessages;
  table.key = table.has_ids ? "id" : index == kConnections ? "conn_id" : "key";
  table.is_oversized = index == kOversized;
  if (!opaque) table.prefix = std::string(kPrefixes[index]);
  return table;
}

size_t PlacedTableOf(LegacyNamespace space) { return TableOf(space); }

size_t PlacedTableOf(const LegacyRecord& record, const KeyValue& pair) {
  if (record.IsOversized(pair.key, pair.value)) return kOversized;
  if (record.opaque()) return kKv;
  return TableOf(ParseLegacyKey(pair.key, pair.value).space);
}

}  // namespace actorkv
