#include "sql/migrate/rivet_schema.h"

#include <algorithm>
#include <utility>

#include "kv/base/coding.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/sql_statement.h"

namespace actorkv {

namespace {

struct TableText {
  const char* name;
  const char* rest;  // of its statement
};

// The columns, checks and options of Rivet's. The text is ours, so that a table
// that was made here can be told from one that Rivet made.
constexpr TableText kTables[] = {
    {"_rivet_meta",
     "(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"},
    {"_rivet_runtime",
     "(id INTEGER PRIMARY KEY CHECK (id = 1), last_pushed_alarm INTEGER,"
     " inspector_token TEXT, queue_next_id INTEGER NOT NULL) STRICT"},
    {"_rivet_actor",
     "(id INTEGER PRIMARY KEY CHECK (id = 1), has_initialized INTEGER NOT NULL,"
     " input BLOB) STRICT"},
    {"_rivet_actor_state",
     "(id INTEGER PRIMARY KEY CHECK (id = 1), state BLOB NOT NULL) STRICT"},
    {"_rivet_schedule_events",
     "(event_id TEXT PRIMARY KEY, trigger_at INTEGER NOT NULL,"
     " action TEXT NOT NULL, args BLOB, kind INTEGER NOT NULL,"
     " cron_expression TEXT, timezone TEXT, interval_ms INTEGER,"
     " last_started_at INTEGER, max_history INTEGER NOT NULL)"
     " STRICT, WITHOUT ROWID"},
    {"_rivet_schedule_history",
     "(id INTEGER PRIMARY KEY, schedule_id TEXT NOT NULL, action TEXT NOT NULL,"
     " scheduled_at INTEGER NOT NULL, fired_at INTEGER NOT NULL,"
     " finished_at INTEGER, result INTEGER NOT NULL, error_group TEXT,"
     " error_code TEXT, error_message TEXT, error_metadata BLOB) STRICT"},
    {"_rivet_conns",
     "(conn_id TEXT PRIMARY KEY, parameters BLOB NOT NULL,"
     " gateway_id BLOB NOT NULL, request_id BLOB NOT NULL,"
     " request_path TEXT NOT NULL, request_headers BLOB NOT NULL)"
     " STRICT, WITHOUT ROWID"},
    {"_rivet_conn_state",
     "(conn_id TEXT PRIMARY KEY, state BLOB NOT NULL,"
     " server_message_index INTEGER NOT NULL,"
     " client_message_index INTEGER NOT NULL, subscriptions BLOB NOT NULL)"
     " STRICT, WITHOUT ROWID"},
    {"_rivet_queue",
     "(id INTEGER PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL,"
     " created_at INTEGER NOT NULL) STRICT"},
    {"_rivet_wf_kv",
     "(key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"},
    {"_rivet_user_kv",
     "(key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"},
};

constexpr char kMakeIndexes[] =
    "CREATE INDEX _rivet_schedule_events_trigger_at"
    " ON _rivet_schedule_events (trigger_at);"
    "CREATE INDEX _rivet_schedule_history_schedule"
    " ON _rivet_schedule_history (schedule_id, fired_at DESC, id DESC);"
    "CREATE INDEX _rivet_schedule_history_fired_at"
    " ON _rivet_schedule_history (fired_at DESC, id DESC);"
    "CREATE INDEX _rivet_schedule_history_running"
    " ON _rivet_schedule_history (result) WHERE result = 0;"
    "CREATE INDEX _rivet_queue_name_id ON _rivet_queue (name, id)";

// What version 2 adds.
constexpr char kAddTraces[] =
    "ALTER TABLE _rivet_schedule_events ADD COLUMN ray_id TEXT;"
    "ALTER TABLE _rivet_schedule_events ADD COLUMN traceparent TEXT;"
    "ALTER TABLE _rivet_schedule_events ADD COLUMN tracestate TEXT;"
    "ALTER TABLE _rivet_queue ADD COLUMN ray_id TEXT;"
    "ALTER TABLE _rivet_queue ADD COLUMN traceparent TEXT;"
    "ALTER TABLE _rivet_queue ADD COLUMN tracestate TEXT";

constexpr int64_t kLastVersion = 2;

std::string CreateText(const TableText& table) {
  return std::string("CREATE TABLE ") + table.name + table.rest;
}

bool IsKnown(const std::string& name) {
  return std::any_of(
      std::begin(kTables), std::end(kTables),
      [&](const TableText& table) { return name == table.name; });
}

Status ReadMeta(sqlite3* db, const char* key, std::string* value) {
  SqlStatement statement;
  bool has_row = false;
  if (Status s =
          statement.Prepare(db, "SELECT value FROM _rivet_meta WHERE key = ?1");
      !s.ok()) {
    return s;
  }
  statement.BindText(1, key);
  if (Status s = statement.Step(&has_row); !s.ok()) return s;
  value->clear();
  if (has_row) *value = statement.Bytes(0);
  return Status::Ok();
}

Status FindTables(sqlite3* db, std::vector<SchemaTable>* tables) {
  SqlStatement statement;
  if (Status s = statement.Prepare(
          db,
          "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name "
          "LIKE '\\_rivet\\_%' ESCAPE '\\' ORDER BY name");
      !s.ok()) {
    return s;
  }
  for (bool has_row = true;;) {
    if (Status s = statement.Step(&has_row); !s.ok() || !has_row) return s;
    tables->push_back({statement.Bytes(0), statement.Bytes(1)});
    if (!IsKnown(tables->back().name)) {
      return Status::NotSupported("a table of Rivet's that is not known: " +
                                  tables->back().name);
    }
  }
}

// Reads what the tables take: a line for each column. Of tables that are not
// STRICT, whose rows may be of any type, there is none. In a STRICT table no
// primary key is NULL.
Status ReadShape(sqlite3* db, std::vector<std::string>* lines) {
  SqlStatement statement;
  if (Status s = statement.Prepare(
          db,
          "SELECT t.name || '.' || c.name || ' ' || c.type || iif(c.\"notnull\""
          " AND NOT c.pk, ' NOT NULL', '') || iif(c.pk, ' PRIMARY KEY', '')"
          " FROM pragma_table_list AS t, pragma_table_info(t.name) AS c WHERE"
          " t.schema = 'main' AND t.type = 'table' AND t.strict AND t.name LIKE"
          " '\\_rivet\\_%' ESCAPE '\\' ORDER BY 1");
      !s.ok()) {
    return s;
  }
  for (bool has_row = true;;) {
    if (Status s = statement.Step(&has_row); !s.ok() || !has_row) return s;
    lines->push_back(statement.Bytes(0));
  }
}

// Makes the tables of a version in memory, to compare with.
Status OpenExpected(int64_t version, Database* made) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      ":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr);
  made->reset(db);
  if (code != SQLITE_OK) return ConnectionError(db);
  if (Status s = MakeRivetTables(db); !s.ok() || version < 2) return s;
  return Execute(db, kAddTraces);
}

Status CheckColumns(sqlite3* db, int64_t version) {
  Database expected;
  std::vector<std::string> found_lines;
  std::vector<std::string> expected_lines;
  if (Status s = OpenExpected(version, &expected); !s.ok()) return s;
  if (Status s = ReadShape(expected.get(), &expected_lines); !s.ok()) return s;
  if (Status s = ReadShape(db, &found_lines); !s.ok()) return s;
  const auto [found, wanted] =
      std::mismatch(found_lines.begin(), found_lines.end(),
                    expected_lines.begin(), expected_lines.end());
  if (found == found_lines.end() && wanted == expected_lines.end()) {
    return Status::Ok();
  }
  return Status::NotSupported(
      "Rivet's tables have other columns than those of schema version " +
      std::to_string(version) + ", or are not STRICT: there is " +
      (found == found_lines.end() ? "none" : *found) + " where " +
      (wanted == expected_lines.end() ? "none" : *wanted) + " is expected");
}

Status CheckMeta(sqlite3* db, int64_t* version) {
  std::string bytes;
  if (Status s = ReadMeta(db, "schema_version", &bytes); !s.ok()) return s;
  if (bytes.size() == sizeof(int64_t)) {
    *version = static_cast<int64_t>(LoadLittle64(bytes.data()));
  }
  if (*version < 1 || *version > kLastVersion) {
    return Status::NotSupported("Rivet's tables are of schema version " +
                                std::to_string(*version) +
                                ", versions 1 and 2 are known");
  }
  if (Status s = ReadMeta(db, "kv_import_state", &bytes); !s.ok()) return s;
  if (bytes != "done") {
    return Status::InvalidArgument(
        "Rivet has not finished to fill its tables (kv_import_state in "
        "_rivet_meta is not 'done'), so its pairs count, not these");
  }
  return Status::Ok();
}

}  // namespace

Status FindRivetSchema(sqlite3* db, std::optional<RivetSchema>* schema) {
  RivetSchema found;
  schema->reset();
  if (Status s = FindTables(db, &found.tables); !s.ok()) return s;
  if (found.tables.empty()) return Status::Ok();
  if (found.tables.size() < std::size(kTables)) {
    return Status::InvalidArgument(
        "the database has some of Rivet's tables, and not all: " +
        std::to_string(found.tables.size()) + " of " +
        std::to_string(std::size(kTables)));
  }
  if (Status s = CheckMeta(db, &found.version); !s.ok()) return s;
  if (Status s = CheckColumns(db, found.version); !s.ok()) return s;
  *schema = std::move(found);
  return Status::Ok();
}

std::vector<SchemaTable> MadeRivetTables() {
  std::vector<SchemaTable> tables;
  for (const TableText& table : kTables) {
    tables.push_back({table.name, CreateText(table)});
  }
  return tables;
}

Status MakeRivetTables(sqlite3* db) {
  for (const TableText& table : kTables) {
    if (Status s = Execute(db, CreateText(table)); !s.ok()) return s;
  }
  if (Status s = Execute(db, kMakeIndexes); !s.ok()) return s;
  std::string version;
  AppendLittle64(&version, static_cast<uint64_t>(kMadeRivetSchema));
  SqlStatement insert;
  if (Status s = insert.Prepare(db,
                                "INSERT INTO _rivet_meta VALUES"
                                "('schema_version', ?1), "
                                "('kv_import_state', CAST('done' AS BLOB))");
      !s.ok()) {
    return s;
  }
  insert.BindBlob(1, version);
  return insert.Run();
}

}  // namespace actorkv
