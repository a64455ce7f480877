#include "sql/migrate/rivet_rows.h"

#include <optional>
#include <utility>

#include "kv/rivet/actor_persist.h"

namespace actorkv {

namespace {

// The conditions under which a row is a pair; UnmappedRows has the others.
constexpr char kIsConnection[] =
    "c.conn_id <> '' AND length(c.gateway_id) = 4 AND length(c.request_id) = 4"
    " AND coalesce(s.server_message_index, 0) BETWEEN 0 AND 65535"
    " AND coalesce(s.client_message_index, 0) BETWEEN 0 AND 65535";
constexpr char kIsUserKey[] = "substr(key, 1, 1) = x'04'";
constexpr char kIsWorkflowKey[] = "substr(key, 1, 2) = x'0601'";
constexpr char kIsActor[] = "has_initialized IN (0, 1)";

// The stages are in the order of the keys.
enum Stage {
  kState,
  kConnections,
  kInspector,
  kUser,
  kQueueMetadata,
  kQueue,
  kAlarm,
  kWorkflow,
  kEnd,
};

std::string RowsOf(Stage stage) {
  switch (stage) {
    case kConnections:
      return std::string(
                 "SELECT c.conn_id, c.parameters, c.gateway_id, c.request_id,"
                 " c.request_path, c.request_headers, s.state,"
                 " s.server_message_index, s.client_message_index,"
                 " s.subscriptions FROM _rivet_conns AS c LEFT JOIN"
                 " _rivet_conn_state AS s ON s.conn_id = c.conn_id WHERE ") +
             kIsConnection + " ORDER BY c.conn_id";
    case kUser:
      return std::string("SELECT key, value FROM _rivet_user_kv WHERE ") +
             kIsUserKey + " ORDER BY key";
    case kQueue:
      return "SELECT id, name, body, created_at FROM _rivet_queue"
             " WHERE id >= 0 ORDER BY id";
    case kWorkflow:
      return std::string("SELECT key, value FROM _rivet_wf_kv WHERE ") +
             kIsWorkflowKey + " ORDER BY key";
    case kState:
      return std::string(
                 "SELECT a.has_initialized, a.input, s.state FROM _rivet_actor"
                 " AS a LEFT JOIN _rivet_actor_state AS s ON s.id = a.id"
                 " WHERE ") +
             kIsActor;
    case kInspector:
      return "SELECT inspector_token FROM _rivet_runtime"
             " WHERE inspector_token IS NOT NULL";
    case kQueueMetadata:
      // Rivet takes a queue without metadata for one that begins at 1.
      return "SELECT max(r.queue_next_id, coalesce(q.last, 0) + 1, 1), q.size"
             " FROM (SELECT max(id) AS last, count(*) AS size FROM"
             " _rivet_queue) AS q, _rivet_runtime AS r"
             " WHERE q.size > 0 OR r.queue_next_id > 1";
    case kAlarm:
      return "SELECT last_pushed_alarm FROM _rivet_runtime"
             " WHERE last_pushed_alarm IS NOT NULL";
    case kEnd:
      break;
  }
  return "";
}

class RivetPairs : public PairSource {
 public:
  RivetPairs(sqlite3* db, Stage first, Stage end)
      : db_(db), stage_(first), end_(end) {}

  Status Next(KeyValue* pair, bool* more) override {
    for (; stage_ < end_; stage_ = static_cast<Stage>(stage_ + 1)) {
      bool has_row = false;
      if (!begun_) {
        if (Status s = rows_.Prepare(db_, RowsOf(stage_)); !s.ok()) return s;
      }
      begun_ = true;
      if (Status s = rows_.Step(&has_row); !s.ok()) return s;
      if (has_row) {
        *more = true;
        return Make(pair);
      }
      begun_ = false;
    }
    *more = false;
    return Status::Ok();
  }

 private:
  Status Make(KeyValue* pair) {
    switch (stage_) {
      case kState:
        return MakeState(pair);
      case kConnections:
        return MakeConnection(pair);
      case kInspector:
        *pair = {std::string(kInspectorKey), rows_.Bytes(0)};
        return Status::Ok();
      case kQueueMetadata: {
        QueueMetadata metadata;
        metadata.next_id = static_cast<uint64_t>(rows_.Int(0));
        metadata.size = static_cast<uint32_t>(rows_.Int(1));
        *pair = {std::string(kQueueMetadataKey), EncodePersist(metadata)};
        return Status::Ok();
      }
      case kQueue: {
        QueueMessage message;
        message.name = rows_.Bytes(1);
        message.body = rows_.Bytes(2);
        message.created_at_ms = rows_.Int(3);
        *pair = {QueueMessageKey(static_cast<uint64_t>(rows_.Int(0))),
                 EncodePersist(message)};
        return Status::Ok();
      }
      case kAlarm:
        *pair = {std::string(kAlarmKey), EncodeAlarm(rows_.Int(0))};
        return Status::Ok();
      case kUser:
      case kWorkflow:
      case kEnd:
        *pair = {rows_.Bytes(0), rows_.Bytes(1)};
        return Status::Ok();
    }
    return Status::Ok();
  }

  Status MakeState(KeyValue* pair) {
    PersistedActor actor;
    actor.has_initialized = rows_.Int(0) == 1;
    actor.input = rows_.BytesOrNull(1);
    actor.state = rows_.BytesOrNull(2).value_or(std::string(kNoState));
    SqlStatement events;
    if (Status s = events.Prepare(
            db_,
            "SELECT event_id, trigger_at, action, args FROM "
            "_rivet_schedule_events WHERE kind = 0 ORDER BY event_id");
        !s.ok()) {
      return s;
    }
    for (bool has_row = true;;) {
      if (Status s = events.Step(&has_row); !s.ok()) return s;
      if (!has_row) break;
      actor.events.push_back({events.Bytes(0), events.Int(1), events.Bytes(2),
                              events.BytesOrNull(3)});
    }
    *pair = {std::string(kStateKey), EncodePersist(actor)};
    return Status::Ok();
  }

  Status MakeConnection(KeyValue* pair) {
    PersistedConnection connection;
    connection.id = rows_.Bytes(0);
    connection.parameters = rows_.Bytes(1);
    connection.gateway_id = rows_.Bytes(2);
    connection.request_id = rows_.Bytes(3);
    connection.request_path = rows_.Bytes(4);
    if (!DecodeCborMap(rows_.Bytes(5), &connection.request_headers)) {
      return Status::InvalidArgument(
          "request_headers of _rivet_conns are no map of texts: conn_id=" +
          connection.id);
    }
    connection.state = rows_.Bytes(6);
    connection.server_message_index = static_cast<uint16_t>(rows_.Int(7));
    connection.client_message_index = static_cast<uint16_t>(rows_.Int(8));
    if (!rows_.IsNull(9) &&
        !DecodeCborArray(rows_.Bytes(9), &connection.subscriptions)) {
      return Status::InvalidArgument(
          "subscriptions of _rivet_conn_state are no array of texts: conn_id=" +
          connection.id);
    }
    *pair = {std::string(kConnectionPrefix) + connection.id,
             EncodePersist(connection)};
    return Status::Ok();
  }

  sqlite3* const db_;
  Stage stage_;
  const Stage end_;
  bool begun_ = false;  // rows_ are of stage_
  SqlStatement rows_;
};

std::string UnmappedSql(const RivetSchema& schema) {
  const std::string traced =
      schema.has_traces() ? " OR ray_id IS NOT NULL OR traceparent IS NOT NULL "
                            "OR tracestate IS NOT NULL"
                          : "";
  return std::string(
             "SELECT '_rivet_actor', '1', coalesce(length(input), 0) FROM "
             "_rivet_actor WHERE NOT ") +
         kIsActor +
         " UNION ALL SELECT '_rivet_actor_state', '1', length(state) FROM "
         "_rivet_actor_state WHERE NOT EXISTS (SELECT 1 FROM _rivet_actor)"
         " UNION ALL SELECT '_rivet_conns', c.conn_id, length(c.parameters) + "
         "length(c.request_headers) FROM _rivet_conns AS c LEFT JOIN "
         "_rivet_conn_state AS s ON s.conn_id = c.conn_id WHERE NOT (" +
         kIsConnection +
         ") UNION ALL SELECT '_rivet_conn_state', conn_id, length(state) FROM "
         "_rivet_conn_state WHERE conn_id NOT IN (SELECT conn_id FROM "
         "_rivet_conns)"
         " UNION ALL SELECT '_rivet_meta', key, length(value) FROM _rivet_meta "
         "WHERE key NOT IN ('schema_version', 'kv_import_state') AND NOT (key "
         "= 'run_wake_at' AND value = x'010000')"
         " UNION ALL SELECT '_rivet_schedule_events', event_id, length(action) "
         "+ coalesce(length(args), 0) FROM _rivet_schedule_events WHERE kind "
         "<> 0 OR NOT EXISTS (SELECT 1 FROM _rivet_actor)" +
         traced +
         " UNION ALL SELECT '_rivet_schedule_history', CAST(id AS TEXT), "
         "length(action) + coalesce(length(error_message), 0) + "
         "coalesce(length(error_metadata), 0) FROM _rivet_schedule_history"
         " UNION ALL SELECT '_rivet_queue', CAST(id AS TEXT), length(body) "
         "FROM "
         "_rivet_queue WHERE id < 0" +
         traced +
         " UNION ALL SELECT '_rivet_user_kv', lower(hex(key)), length(value) "
         "FROM _rivet_user_kv WHERE NOT " +
         kIsUserKey +
         " UNION ALL SELECT '_rivet_wf_kv', lower(hex(key)), length(value) "
         "FROM "
         "_rivet_wf_kv WHERE NOT " +
         kIsWorkflowKey;
}

}  // namespace

Status OpenRivetPairs(sqlite3* db, RivetPart part,
                      std::unique_ptr<PairSource>* pairs) {
  Stage first = kState;
  Stage end = kEnd;
  if (part == RivetPart::kQueue) {
    first = kQueue;
    end = kAlarm;
  } else if (part == RivetPart::kWorkflow) {
    first = kWorkflow;
  }
  *pairs = std::make_unique<RivetPairs>(db, first, end);
  return Status::Ok();
}

Status UnmappedRows::Open(sqlite3* db, const RivetSchema& schema) {
  return rows_.Prepare(db, UnmappedSql(schema));
}

Status UnmappedRows::Next(UnmappedRow* row, bool* more) {
  if (Status s = rows_.Step(more); !s.ok() || !*more) return s;
  row->table = rows_.Bytes(0);
  row->key = rows_.Bytes(1);
  row->bytes = static_cast<uint64_t>(rows_.Int(2));
  return Status::Ok();
}

Status CheckAllMapped(sqlite3* db, const RivetSchema& schema) {
  constexpr uint64_t kMaxNamed = 8;
  UnmappedRows rows;
  std::string names;
  uint64_t count = 0;
  if (Status s = rows.Open(db, schema); !s.ok()) return s;
  for (bool more = true;; ++count) {
    UnmappedRow row;
    if (Status s = rows.Next(&row, &more); !s.ok()) return s;
    if (!more) break;
    if (count == kMaxNamed) names += ", ...";
    if (count >= kMaxNamed) continue;
    names += (count == 0 ? "" : ", ") + row.table + " " + row.key + " (" +
             std::to_string(row.bytes) + " bytes)";
  }
  if (count == 0) return Status::Ok();
  return Status::NotSupported(
      std::to_string(count) +
      " rows of Rivet's tables are what no pair can hold: " + names +
      ": where they may be lost, delete them first");
}

}  // namespace actorkv
