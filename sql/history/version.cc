#include "sql/history/version.h"

#include <cctype>
#include <utility>

#include "kv/base/hex.h"
#include "kv/history/history.h"
#include "kv/history/point.h"
#include "vfs/actor/vfs_name.h"
#include "vfs/sqlite/actor_path.h"

namespace actorkv {

namespace {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
  }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Status Prepare(sqlite3* db, const std::string& sql, Statement* statement) {
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &made, nullptr);
  statement->reset(made);
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db);
}

std::string ColumnText(sqlite3_stmt* statement, int column) {
  return TextOf(sqlite3_column_value(statement, column));
}

// Returns a path as a URI has it (RFC 3986): the bytes that could end it are
// escaped.
std::string UriPath(const std::string& path) {
  std::string escaped;
  for (const char c : path) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' ||
        c == '-' || c == '_' || c == '.') {
      escaped += c;
    } else {
      escaped += "%" + ToHex(std::string_view(&c, 1));
    }
  }
  return escaped;
}

}  // namespace

Status FindVersion(const Target& target, const std::string& point,
                   VersionSource* source) {
  Point parsed;
  if (Status s = ParsePoint(point, &parsed); !s.ok()) return s;
  std::shared_ptr<const HeadState> state;
  const std::unique_ptr<EngineReader> reader = target.engine()->NewReader();
  if (Status s = LoadHeadState(reader.get(), target.actor, &state); !s.ok()) {
    return s;
  }
  // A deleted actor has an entry: its past can be looked at as long as it is
  // kept.
  if (state->entry_bytes.empty()) {
    return Status::NotFound("no such actor: " + TargetName(target));
  }
  if (state->is_legacy) {
    return Status::InvalidArgument(
        "the actor is legacy, SELECT actorkv_migrate(actor) first: " +
        TargetName(target));
  }
  VersionSource found;
  found.store = target.store;
  if (Status s = target.Open(&found.actor); !s.ok()) {
    return s;
  }
  // The pin lives as long as any copy of the source, and with it the pages of
  // the version.
  const auto pin = std::make_shared<Pin>();
  found.pin = pin;
  if (Status s = ResolvePoint({target.store.get(), target.actor, state}, parsed,
                              pin.get(), &found.version);
      !s.ok()) {
    return s;
  }
  *source = std::move(found);
  return Status::Ok();
}

Status CheckRead(const VersionSource& source) {
  // An epoch that never was: the look happens in any case.
  uint64_t never = 0;
  return CheckNotExpired(source.store.get(), *source.version, &never);
}

Status OpenVersion(const Target& target, const HeadState& version,
                   Database* database) {
  // By its name, which must still mean the store of the target.
  if (Status s = target.engine()->CheckNotMoved(); !s.ok()) return s;
  sqlite3* db = nullptr;
  const std::string name =
      "file:" + UriPath(FullName({target.store_path(), target.actor})) +
      // The version is opened as a user would open it, by its txid: what SQLite
      // says of it is what a user would get to see.
      "?asof=" + std::to_string(version.head.snapshot.txid.value);
  const int code = sqlite3_open_v2(
      name.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, kVfsName);
  Database opened(db);
  if (code != SQLITE_OK) return ConnectionError(db);
  sqlite3_extended_result_codes(db, 1);
  // Somebody else may have made the database, and its views and triggers are
  // not to call functions with effects.
  if (Status s = Execute(db, "PRAGMA trusted_schema = OFF; BEGIN"); !s.ok()) {
    return s;
  }
  *database = std::move(opened);
  return Status::Ok();
}

Status ReadSchema(sqlite3* db, std::vector<SchemaItem>* items) {
  Statement statement;
  if (Status s = Prepare(db,
                         "SELECT type, name, tbl_name, rootpage, sql FROM "
                         "sqlite_schema ORDER BY type, name",
                         &statement);
      !s.ok()) {
    return s;
  }
  std::vector<SchemaItem> read;
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    SchemaItem item;
    item.type = ColumnText(statement.get(), 0);
    item.name = ColumnText(statement.get(), 1);
    item.table = ColumnText(statement.get(), 2);
    // NULL and 0 both are no root: such an item has no pages.
    item.root = static_cast<PageNo>(sqlite3_column_int64(statement.get(), 3));
    item.sql = ColumnText(statement.get(), 4);
    read.push_back(std::move(item));
  }
  if (code != SQLITE_DONE) return ConnectionError(db);
  *items = std::move(read);
  return Status::Ok();
}

std::string QuotedName(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

Status QueryTexts(sqlite3* db, const std::string& sql,
                  const std::string& parameter,
                  std::vector<std::string>* texts) {
  Statement statement;
  if (Status s = Prepare(db, sql, &statement); !s.ok()) return s;
  // Names of tables are bound, not written into the text, so that no name can
  // be SQL.
  if (sqlite3_bind_parameter_count(statement.get()) > 0) {
    sqlite3_bind_text64(statement.get(), 1, parameter.data(), parameter.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  std::vector<std::string> read;
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    read.push_back(ColumnText(statement.get(), 0));
  }
  if (code != SQLITE_DONE) return ConnectionError(db);
  *texts = std::move(read);
  return Status::Ok();
}

}  // namespace actorkv
