#include "sql/salvage/row_shape.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "sql/bind/actor_connection.h"
#include "sql/bind/value.h"
#include "sql/history/row_json.h"
#include "sql/history/value_json.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

namespace {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
  }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Of a column in the answers of pragma_table_xinfo().
constexpr int kStoredGenerated = 3;

bool BeginsWithWords(const std::string& sql, const char* words) {
  return sqlite3_strnicmp(sql.c_str(), words,
                          static_cast<int>(std::string_view(words).size())) ==
         0;
}

// Prepares a statement with one text as its parameter.
Status Prepare(sqlite3* db, const char* sql, const std::string& parameter,
               Statement* statement) {
  sqlite3_stmt* made = nullptr;
  int code = sqlite3_prepare_v2(db, sql, -1, &made, nullptr);
  statement->reset(made);
  if (code == SQLITE_OK && sqlite3_bind_parameter_count(made) > 0) {
    code = sqlite3_bind_text64(made, 1, parameter.data(), parameter.size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db);
}

Status Done(sqlite3* db, int code) {
  return code == SQLITE_DONE ? Status::Ok() : ConnectionError(db);
}

// SchemaOfOne: a database in memory whose schema is a table, and an index of
// it. SQLite reads a schema without looking up the functions and collations
// that it names.
class SchemaOfOne {
 public:
  Status Open(const StoredItem& item, const StoredItem& table);
  sqlite3* db() const { return database_.get(); }

 private:
  Status Insert(const StoredItem& item, int root);

  Database database_;
};

Status SchemaOfOne::Insert(const StoredItem& item, int root) {
  Statement insert;
  if (Status s = Prepare(db(),
                         "INSERT INTO sqlite_schema(type, name, tbl_name, "
                         "rootpage, sql) VALUES (?2, ?1, ?3, ?4, ?5)",
                         item.name, &insert);
      !s.ok()) {
    return s;
  }
  const auto bind = [&](int index, const std::string& text) {
    return sqlite3_bind_text64(insert.get(), index, text.data(), text.size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);
  };
  int code = bind(2, item.type);
  if (code == SQLITE_OK) code = bind(3, item.table);
  if (code == SQLITE_OK) code = sqlite3_bind_int(insert.get(), 4, root);
  if (code == SQLITE_OK && !item.sql.empty()) code = bind(5, item.sql);
  if (code != SQLITE_OK) return ConnectionError(db());
  return Done(db(), sqlite3_step(insert.get()));
}

Status SchemaOfOne::Open(const StoredItem& item, const StoredItem& table) {
  // Whatever else somebody may have written there, such as a virtual table, is
  // not looked at.
  if (!BeginsWithWords(table.sql, "CREATE TABLE ") ||
      (item.type == "index" && !item.sql.empty() &&
       !BeginsWithWords(item.sql, "CREATE INDEX ") &&
       !BeginsWithWords(item.sql, "CREATE UNIQUE INDEX "))) {
    return Status::Corruption("the schema has no table: " + item.name);
  }
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(
      ":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr);
  database_.reset(db);
  if (code != SQLITE_OK) return ConnectionError(db);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  // Two tables, for two root pages that are there.
  if (Status s = Execute(db,
                         "PRAGMA trusted_schema = OFF; CREATE TABLE a(x);"
                         "CREATE TABLE b(x); PRAGMA writable_schema = ON;"
                         "DELETE FROM sqlite_schema");
      !s.ok()) {
    return s;
  }
  if (Status s = Insert(table, 2); !s.ok()) return s;
  if (item.type == "index") {
    if (Status s = Insert(item, 3); !s.ok()) return s;
  }
  return Execute(db, "PRAGMA writable_schema = RESET");
}

// --- Columns -----------------------------------------------------------------

enum class Affinity { kText, kReal, kOther };

// Section 3.1 of datatype3.html: the first that fits counts.
Affinity AffinityOf(std::string type) {
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  const auto has = [&](const char* word) {
    return type.find(word) != std::string::npos;
  };
  if (has("INT")) return Affinity::kOther;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::kText;
  if (has("BLOB")) return Affinity::kOther;
  const bool is_real = has("REAL") || has("FLOA") || has("DOUB");
  return is_real ? Affinity::kReal : Affinity::kOther;
}

std::string DefaultValueJson(sqlite3_value* value, Affinity affinity) {
  const int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER && affinity == Affinity::kReal) {
    return RealJson(sqlite3_value_double(value));
  }
  if ((type == SQLITE_INTEGER || type == SQLITE_FLOAT) &&
      affinity == Affinity::kText) {
    return JsonText(TextOf(value));
  }
  return SqliteValueJson(value);
}

int AllowConstants(void* /*unused*/, int action, const char* /*unused*/,
                   const char* /*unused*/, const char* /*unused*/,
                   const char* /*unused*/) {
  return action == SQLITE_SELECT ? SQLITE_OK : SQLITE_DENY;
}

// Returns a default as JSON. Only constants count, as ALTER TABLE allows no
// others: nothing that a schema says is called.
std::string DefaultJson(sqlite3* db, const std::string& text,
                        Affinity affinity) {
  if (text.empty()) return "null";
  sqlite3_set_authorizer(db, AllowConstants, nullptr);
  Statement statement;
  std::string made = "null";
  if (Prepare(db, ("SELECT " + text).c_str(), "", &statement).ok() &&
      sqlite3_column_count(statement.get()) == 1 &&
      sqlite3_step(statement.get()) == SQLITE_ROW) {
    made = DefaultValueJson(sqlite3_column_value(statement.get(), 0), affinity);
  }
  statement.reset();
  sqlite3_set_authorizer(db, nullptr, nullptr);
  return made;
}

Status ReadColumns(sqlite3* db, const StoredItem& table, RowShape* shape,
                   std::vector<int>* primary_key) {
  Statement columns;
  if (Status s = Prepare(db,
                         "SELECT name, type, dflt_value, pk, hidden FROM "
                         "pragma_table_xinfo(?1)",
                         table.name, &columns);
      !s.ok()) {
    return s;
  }
  std::vector<std::string> defaults;
  std::vector<Affinity> affinities;
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(columns.get())) == SQLITE_ROW) {
    const int hidden = sqlite3_column_int(columns.get(), 4);
    const bool is_stored = hidden == 0 || hidden == kStoredGenerated;
    // A place is kept also for what is not stored, so that the numbers of
    // columns are those of SQLite.
    ShapeColumn column;
    column.name = TextOf(sqlite3_column_value(columns.get(), 0));
    const Affinity affinity =
        AffinityOf(TextOf(sqlite3_column_value(columns.get(), 1)));
    column.is_real = affinity == Affinity::kReal;
    affinities.push_back(affinity);
    defaults.push_back(TextOf(sqlite3_column_value(columns.get(), 2)));
    column.stored_index = is_stored ? shape->stored_count++ : kNotStored;
    primary_key->push_back(sqlite3_column_int(columns.get(), 3));
    shape->columns.push_back(std::move(column));
  }
  if (Status s = Done(db, code); !s.ok()) return s;
  for (size_t i = 0; i < defaults.size(); ++i) {
    shape->columns[i].default_json =
        DefaultJson(db, defaults[i], affinities[i]);
  }
  return Status::Ok();
}

// Reads the columns of an index in the order in which it stores them.
Status ReadStoredOrder(sqlite3* db, const std::string& index,
                       std::vector<int>* numbers) {
  Statement columns;
  if (Status s =
          Prepare(db, "SELECT cid FROM pragma_index_xinfo(?1) ORDER BY seqno",
                  index, &columns);
      !s.ok()) {
    return s;
  }
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(columns.get())) == SQLITE_ROW) {
    numbers->push_back(sqlite3_column_int(columns.get(), 0));
  }
  return Done(db, code);
}

// Finds the index that is the table's primary key; nullopt: it has none.
Status FindPrimaryIndex(sqlite3* db, const std::string& table,
                        std::optional<std::string>* name) {
  Statement indexes;
  if (Status s = Prepare(
          db, "SELECT name FROM pragma_index_list(?1) WHERE origin = 'pk'",
          table, &indexes);
      !s.ok()) {
    return s;
  }
  const int code = sqlite3_step(indexes.get());
  name->reset();
  if (code != SQLITE_ROW) return Done(db, code);
  *name = TextOf(sqlite3_column_value(indexes.get(), 0));
  return Status::Ok();
}

Status HasRowids(sqlite3* db, const std::string& table, bool* has_rowids) {
  Statement list;
  if (Status s = Prepare(
          db, "SELECT wr FROM pragma_table_list(?1) WHERE schema = 'main'",
          table, &list);
      !s.ok()) {
    return s;
  }
  const int code = sqlite3_step(list.get());
  if (code != SQLITE_ROW) return Done(db, code);
  *has_rowids = sqlite3_column_int(list.get(), 0) == 0;
  return Status::Ok();
}

// In a table WITHOUT ROWID the primary key is stored first, and then what is
// not in it.
void SetStoredOrder(const std::vector<int>& order, RowShape* shape) {
  shape->stored_count = order.size();
  for (ShapeColumn& column : shape->columns) column.stored_index = kNotStored;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto number = static_cast<size_t>(order[i]);
    if (number < shape->columns.size()) {
      shape->columns[number].stored_index = i;
    }
  }
}

Status ReadTable(sqlite3* db, const StoredItem& table, RowShape* shape) {
  std::vector<int> primary_key;  // for each column its place in it, 0: none
  std::optional<std::string> index;
  if (Status s = ReadColumns(db, table, shape, &primary_key); !s.ok()) return s;
  if (Status s = HasRowids(db, table.name, &shape->has_rowids); !s.ok()) {
    return s;
  }
  if (Status s = FindPrimaryIndex(db, table.name, &index); !s.ok()) return s;
  if (!shape->has_rowids && index.has_value()) {
    std::vector<int> order;
    if (Status s = ReadStoredOrder(db, *index, &order); !s.ok()) return s;
    SetStoredOrder(order, shape);
  }
  for (size_t i = 0; i < primary_key.size(); ++i) {
    // A primary key that needs no index is the rowid itself.
    shape->columns[i].is_rowid =
        primary_key[i] == 1 && shape->has_rowids && !index.has_value();
  }
  return Status::Ok();
}

}  // namespace

Status ReadShape(const StoredItem& item, const StoredItem& table,
                 RowShape* shape) {
  SchemaOfOne schema;
  RowShape made;
  if (Status s = schema.Open(item, table); !s.ok()) return s;
  if (item.type == "index") {
    std::vector<int> order;
    if (Status s = ReadStoredOrder(schema.db(), item.name, &order); !s.ok()) {
      return s;
    }
    made.has_rowids = false;
    made.stored_count = order.size();
  } else if (Status s = ReadTable(schema.db(), table, &made); !s.ok()) {
    return s;
  }
  if (made.stored_count == 0) {
    return Status::Corruption("the schema does not say what is stored: " +
                              item.name);
  }
  *shape = std::move(made);
  return Status::Ok();
}

}  // namespace actorkv
