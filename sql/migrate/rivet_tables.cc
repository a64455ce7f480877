#include "sql/migrate/rivet_tables.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/coding.h"
#include "kv/base/hex.h"
#include "kv/base/utf8.h"
#include "kv/rivet/actor_persist.h"
#include "kv/rivet/layout_view.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/sql_statement.h"
#include "sql/migrate/legacy_tables.h"
#include "sql/migrate/rivet_schema.h"

namespace actorkv {

namespace {

// The number of pairs between two looks at sqlite3_interrupt().
constexpr uint64_t kPairsAtOnce = 1024;

enum Insert {
  kActor,
  kActorState,
  kEvent,
  kConn,
  kConnState,
  kMessage,
  kWorkflow,
  kUser,
};
constexpr const char* kInserts[] = {
    "INSERT INTO _rivet_actor VALUES(1, ?1, ?2)",
    "INSERT INTO _rivet_actor_state VALUES(1, ?1)",
    ("INSERT INTO _rivet_schedule_events VALUES(?1, ?2, ?3, ?4, 0, NULL, NULL, "
     "NULL, NULL, 0)"),
    "INSERT OR IGNORE INTO _rivet_conns VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    "INSERT OR IGNORE INTO _rivet_conn_state VALUES(?1, ?2, ?3, ?4, ?5)",
    "INSERT INTO _rivet_queue VALUES(?1, ?2, ?3, ?4)",
    "INSERT INTO _rivet_wf_kv VALUES(?1, ?2)",
    "INSERT INTO _rivet_user_kv VALUES(?1, ?2)",
};

void BindOptional(SqlStatement* insert, int index,
                  const std::optional<std::string>& bytes) {
  if (bytes.has_value()) {
    insert->BindBlob(index, *bytes);
  } else {
    insert->BindNull(index);
  }
}

Status NoText(const char* what) {
  return Status::NotSupported(std::string(what) +
                              " is no UTF-8, as a text of Rivet's tables is");
}

class RivetPlacement {
 public:
  explicit RivetPlacement(sqlite3* db) : db_(db) {}

  // Prepares what puts rows into the tables, which are there.
  Status Prepare() {
    for (size_t i = 0; i < inserts_.size(); ++i) {
      if (Status s = inserts_[i].Prepare(db_, kInserts[i]); !s.ok()) return s;
    }
    return Status::Ok();
  }

  Status Add(const KeyValue& pair);
  // Writes the row that several pairs make together.
  Status Finish();
  void Describe(std::vector<std::string>* notes) const;

 private:
  Status AddState(const std::string& value);
  Status AddConnection(const std::string& value);
  Status AddMetadata(const std::string& value);
  Status AddMessage(std::string_view key, const std::string& value);
  Status AddVerbatim(Insert insert, const KeyValue& pair);

  sqlite3* const db_;
  std::array<SqlStatement, std::size(kInserts)> inserts_;
  std::optional<int64_t> alarm_ms_;
  std::optional<std::string> token_;
  uint64_t next_id_ = 1;
  uint64_t old_connections_ = 0;
  NamedKeys traces_;
  NamedKeys unknown_;
};

Status RivetPlacement::AddState(const std::string& value) {
  PersistedActor actor;
  if (Status s = DecodePersist(value, &actor); !s.ok()) return s;
  old_connections_ = actor.old_connection_count;
  inserts_[kActor].BindInt(1, actor.has_initialized ? 1 : 0);
  BindOptional(&inserts_[kActor], 2, actor.input);
  if (Status s = inserts_[kActor].Run(); !s.ok()) return s;
  inserts_[kActorState].BindBlob(1, actor.state);
  if (Status s = inserts_[kActorState].Run(); !s.ok()) return s;
  SqlStatement& insert = inserts_[kEvent];
  for (const ScheduledEvent& event : actor.events) {
    if (!IsUtf8(event.id) || !IsUtf8(event.action)) {
      return NoText("a scheduled event");
    }
    insert.BindText(1, event.id);
    insert.BindInt(2, event.timestamp_ms);
    insert.BindText(3, event.action);
    BindOptional(&insert, 4, event.args);
    if (Status s = insert.Run(); !s.ok()) return s;
  }
  return Status::Ok();
}

Status RivetPlacement::AddConnection(const std::string& value) {
  PersistedConnection connection;
  if (Status s = DecodePersist(value, &connection); !s.ok()) return s;
  if (!IsUtf8(connection.id) || !IsUtf8(connection.request_path)) {
    return NoText("a connection");
  }
  SqlStatement& conn = inserts_[kConn];
  conn.BindText(1, connection.id);
  conn.BindBlob(2, connection.parameters);
  conn.BindBlob(3, connection.gateway_id);
  conn.BindBlob(4, connection.request_id);
  conn.BindText(5, connection.request_path);
  conn.BindBlob(6, EncodeCborMap(connection.request_headers));
  if (Status s = conn.Run(); !s.ok()) return s;
  SqlStatement& state = inserts_[kConnState];
  state.BindText(1, connection.id);
  state.BindBlob(2, connection.state);
  state.BindInt(3, connection.server_message_index);
  state.BindInt(4, connection.client_message_index);
  state.BindBlob(5, EncodeCborArray(connection.subscriptions));
  return state.Run();
}

Status RivetPlacement::AddMetadata(const std::string& value) {
  QueueMetadata metadata;
  if (Status s = DecodePersist(value, &metadata); !s.ok()) return s;
  next_id_ = std::max(next_id_, metadata.next_id);
  return Status::Ok();
}

Status RivetPlacement::AddMessage(std::string_view key,
                                  const std::string& value) {
  QueueMessage message;
  const uint64_t id = LoadBig64(key.data() + kQueueMessagePrefix.size());
  if (Status s = DecodePersist(value, &message); !s.ok()) return s;
  if (!message.IsPlain()) {
    return Status::NotSupported(
        "a message with retries, a delay, or in flight, for which Rivet's "
        "tables have no column");
  }
  if (id >= uint64_t{std::numeric_limits<int64_t>::max()}) {
    return Status::NotSupported("a message whose id has more than 63 bits");
  }
  if (!IsUtf8(message.name)) return NoText("the name of a message");
  next_id_ = std::max(next_id_, id + 1);
  SqlStatement& insert = inserts_[kMessage];
  insert.BindInt(1, static_cast<int64_t>(id));
  insert.BindText(2, message.name);
  insert.BindBlob(3, message.body);
  insert.BindInt(4, message.created_at_ms);
  return insert.Run();
}

Status RivetPlacement::AddVerbatim(Insert insert, const KeyValue& pair) {
  inserts_[insert].BindBlob(1, pair.key);
  inserts_[insert].BindBlob(2, pair.value);
  return inserts_[insert].Run();
}

Status RivetPlacement::Add(const KeyValue& pair) {
  switch (ParseLegacyKey(pair.key, pair.value).space) {
    case LegacyNamespace::kState:
      return AddState(pair.value);
    case LegacyNamespace::kConnections:
      return AddConnection(pair.value);
    case LegacyNamespace::kInspector:
      if (!IsUtf8(pair.value)) return NoText("the token of the inspector");
      token_ = pair.value;
      return Status::Ok();
    case LegacyNamespace::kUser:
      return AddVerbatim(kUser, pair);
    case LegacyNamespace::kQueueMeta:
      return AddMetadata(pair.value);
    case LegacyNamespace::kQueueMessage:
      return AddMessage(pair.key, pair.value);
    case LegacyNamespace::kAlarm:
      return DecodeAlarm(pair.value, &alarm_ms_);
    case LegacyNamespace::kWorkflow:
      return AddVerbatim(kWorkflow, pair);
    case LegacyNamespace::kTraces:
      traces_.Add(pair.key);
      return Status::Ok();
    case LegacyNamespace::kUnknown:
      unknown_.Add(pair.key);
      return Status::Ok();
    // Files of SQLite became the database itself.
    case LegacyNamespace::kSqliteMeta:
    case LegacyNamespace::kSqliteChunk:
      break;
  }
  return Status::Ok();
}

Status RivetPlacement::Finish() {
  SqlStatement insert;
  if (Status s = insert.Prepare(
          db_, "INSERT INTO _rivet_runtime VALUES(1, ?1, ?2, ?3)");
      !s.ok()) {
    return s;
  }
  if (alarm_ms_.has_value()) insert.BindInt(1, *alarm_ms_);
  if (token_.has_value()) insert.BindText(2, *token_);
  insert.BindInt(3,
                 static_cast<int64_t>(std::min(
                     next_id_, uint64_t{std::numeric_limits<int64_t>::max()})));
  return insert.Run();
}

void RivetPlacement::Describe(std::vector<std::string>* notes) const {
  const std::string none = " have no place in Rivet's tables, and stay pairs";
  if (traces_.count > 0) {
    notes->push_back("traces" + none + ": " + traces_.Text());
  }
  if (unknown_.count > 0) {
    notes->push_back("keys of no known form" + none + ": " + unknown_.Text());
  }
  if (old_connections_ > 0) {
    notes->push_back(std::to_string(old_connections_) +
                     " connections in its old state" + none);
  }
}

Status Fill(PairReader* pairs, const std::function<Status()>& keep_on,
            RivetPlacement* placement) {
  std::optional<KeyValue> pair;
  std::string from;
  for (uint64_t count = 0;; ++count) {
    if (count % kPairsAtOnce == 0) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
    if (Status s = pairs->Seek(from, &pair); !s.ok()) return s;
    if (!pair.has_value()) return Status::Ok();
    if (Status s = placement->Add(*pair); !s.ok()) {
      return s.WithContext("key=" + BytesText(pair->key));
    }
    from = pair->key + '\0';
  }
}

// Says whether the tables are there from an earlier call.
Status AreMade(sqlite3* db, bool* made) {
  std::optional<RivetSchema> schema;
  if (Status s = FindRivetSchema(db, &schema); !s.ok()) return s;
  *made = schema.has_value();
  if (!*made) return Status::Ok();
  const std::vector<SchemaTable> ours = MadeRivetTables();
  for (const SchemaTable& table : schema->tables) {
    const bool is_ours =
        std::any_of(ours.begin(), ours.end(), [&](const SchemaTable& own) {
          return own.name == table.name && own.sql == table.sql;
        });
    if (!is_ours) {
      return Status::AlreadyExists("the database has a table of Rivet's own, " +
                                   table.name +
                                   ", so its rows count, and not the pairs");
    }
  }
  return Status::Ok();
}

Status PlaceRows(const Placing& placing) {
  if (placing.record->opaque()) {
    return Status::NotSupported(
        "its pairs are opaque, and Rivet's tables are for Rivet's: 'tables' "
        "makes a table of them");
  }
  sqlite3* const db = placing.db;
  bool made = false;
  // The write lock is taken at once, so that what is found about the tables
  // still holds when they are filled.
  if (Status s = Execute(db, "BEGIN IMMEDIATE"); !s.ok()) return s;
  if (Status s = AreMade(db, &made); !s.ok()) return s;
  if (!made) {
    if (Status s = MakeRivetTables(db); !s.ok()) return s;
    // Its statements end before COMMIT, which open ones would make fail.
    RivetPlacement placement(db);
    if (Status s = placement.Prepare(); !s.ok()) return s;
    if (Status s = Fill(placing.pairs, placing.keep_on, &placement); !s.ok())
      return s;
    if (Status s = placement.Finish(); !s.ok()) return s;
    placement.Describe(placing.notes);
  }
  return Execute(db, "COMMIT");
}

}  // namespace

Status PlaceInRivetTables(const Connection& connection, const Target& target) {
  return Place(connection, target, PlaceRows);
}

}  // namespace actorkv
