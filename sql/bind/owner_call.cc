#include "sql/bind/owner_call.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "kv/base/affix.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/connection.h"
#include "sql/bind/sql_statement.h"
#include "sql/bind/target.h"
#include "vfs/sqlite/actor_path.h"

namespace actorkv {
namespace {

constexpr std::string_view kPrefix = "actorkv_";

enum class ArgumentKind { kValue, kActor, kPath };

ArgumentKind KindOf(std::string_view word) {
  if (BeginsWith(word, "actor")) return ArgumentKind::kActor;
  return word == "path" ? ArgumentKind::kPath : ArgumentKind::kValue;
}

// What the arguments are, as FunctionSpec::arguments tells: the words between
// the commas. Those behind the last are as that is.
std::vector<ArgumentKind> KindsOf(std::string_view arguments, int count) {
  std::vector<ArgumentKind> kinds;
  ArgumentKind kind = ArgumentKind::kValue;
  while (static_cast<int>(kinds.size()) < count) {
    const size_t first = arguments.find_first_not_of(" [],");
    if (first != std::string_view::npos) {
      arguments.remove_prefix(first);
      const size_t end =
          std::min(arguments.find_first_of("[],"), arguments.size());
      const std::string_view word = arguments.substr(0, end);
      if (word != "...") kind = KindOf(word);
      arguments.remove_prefix(end);
    }
    kinds.push_back(kind);
  }
  return kinds;
}

// Invariant 1 of the header.
Status MakeAbsolute(ArgumentKind kind, std::string* text) {
  if (kind == ArgumentKind::kPath) return AbsolutePath(*text, text);
  if (kind == ArgumentKind::kValue || text->find('/') == std::string::npos) {
    return Status::Ok();
  }
  ActorPath path;
  if (Status s = ResolveActorPath(*text, &path); !s.ok()) return s;
  *text = FullName(path);
  return Status::Ok();
}

// *bytes keeps what *value refers to.
Status ToCallValue(sqlite3_value* from, ArgumentKind kind, std::string* bytes,
                   CallValue* value) {
  switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
      *value = CallValue::OfInteger(sqlite3_value_int64(from));
      return Status::Ok();
    case SQLITE_FLOAT:
      *value = CallValue::OfReal(sqlite3_value_double(from));
      return Status::Ok();
    case SQLITE_TEXT:
      value->kind = ValueKind::kText;
      *bytes = TextOf(from);
      if (Status s = MakeAbsolute(kind, bytes); !s.ok()) return s;
      break;
    case SQLITE_BLOB:
      value->kind = ValueKind::kBlob;
      *bytes = std::string(static_cast<const char*>(sqlite3_value_blob(from)),
                           static_cast<size_t>(sqlite3_value_bytes(from)));
      break;
    default:
      return Status::Ok();
  }
  value->bytes = *bytes;
  return Status::Ok();
}

void SetResult(const CallValue& value, Result result) {
  switch (value.kind) {
    case ValueKind::kInteger:
      return result.SignedInt(value.integer());
    case ValueKind::kReal:
      return result.Real(value.real());
    case ValueKind::kText:
      return result.Text(value.bytes);
    case ValueKind::kBlob:
      return result.Blob(value.bytes);
    case ValueKind::kNull:
      return;
  }
}

// The name goes into a statement.
bool IsOurName(std::string_view name) {
  return BeginsWith(name, kPrefix) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

std::string StatementOf(const CallSpec& call) {
  if (call.function == kSessionsTable) {
    return "SELECT * FROM " + call.function;
  }
  std::string places;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    places += i == 0 ? "?" : ", ?";
  }
  return "SELECT " + call.function + "(" + places + ")";
}

void Bind(const std::vector<CallValue>& values, SqlStatement* statement) {
  int index = 0;
  for (const CallValue& value : values) {
    ++index;
    switch (value.kind) {
      case ValueKind::kInteger:
        statement->BindInt(index, value.integer());
        break;
      case ValueKind::kReal:
        statement->BindReal(index, value.real());
        break;
      case ValueKind::kText:
        statement->BindText(index, value.bytes);
        break;
      case ValueKind::kBlob:
        statement->BindBlob(index, value.bytes);
        break;
      case ValueKind::kNull:
        statement->BindNull(index);
        break;
    }
  }
}

Status AddRow(const SqlStatement& statement,
              const std::function<Status(const ShareServer::Row&)>& add) {
  const auto count = static_cast<size_t>(statement.column_count());
  std::vector<std::string> kept(count);
  ShareServer::Row row(count);
  for (size_t i = 0; i < count; ++i) {
    const auto column = static_cast<int>(i);
    switch (statement.Type(column)) {
      case SQLITE_INTEGER:
        row[i] = CallValue::OfInteger(statement.Int(column));
        continue;
      case SQLITE_FLOAT:
        row[i] = CallValue::OfReal(statement.Real(column));
        continue;
      case SQLITE_TEXT:
        row[i].kind = ValueKind::kText;
        break;
      case SQLITE_BLOB:
        row[i].kind = ValueKind::kBlob;
        break;
      default:
        continue;
    }
    kept[i] = statement.Bytes(column);
    row[i].bytes = kept[i];
  }
  return add(row);
}

Status RunAll(sqlite3* db, const CallSpec& call,
              const std::function<Status(const ShareServer::Row&)>& add) {
  SqlStatement statement;
  if (Status s = statement.Prepare(db, StatementOf(call)); !s.ok()) return s;
  Bind(call.arguments, &statement);
  for (bool has_row = true; has_row;) {
    if (Status s = statement.Step(&has_row); !s.ok()) return s;
    if (!has_row) break;
    if (Status s = AddRow(statement, add); !s.ok()) return s;
  }
  return Status::Ok();
}

}  // namespace

Status CallOwner(const OwnerRequest& request, Connection* connection,
                 const Store* store, const Result& result) {
  const std::shared_ptr<ShareClient> client =
      StoreRegistry::Instance()->ClientOf(store);
  if (client == nullptr) {
    return Status::Busy("the store is closing: " + store->path());
  }
  const auto count = static_cast<size_t>(request.arg_count);
  const std::vector<ArgumentKind> kinds =
      KindsOf(request.arguments, request.arg_count);
  std::vector<std::string> kept(count);
  std::vector<CallValue> values(count);
  for (size_t i = 0; i < count; ++i) {
    if (Status s = ToCallValue(request.args[i], kinds[i], &kept[i], &values[i]);
        !s.ok()) {
      return s;
    }
  }
  return client->RunInOwner(
      request.name, values,
      [&result](const std::vector<CallValue>& row) {
        if (!row.empty()) SetResult(row[0], result);
        return Status::Ok();
      },
      [connection] { return connection->KeepOn(); });
}

Status RunForOther(int (*register_sql)(sqlite3* db),
                   const std::string& store_path, const CallSpec& call,
                   const std::function<Status(const ShareServer::Row&)>& add,
                   const std::function<Status()>& keep_on) {
  if (!IsOurName(call.function)) {
    return Status::InvalidArgument("no such function: " + call.function);
  }
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(":memory:", &opened);
  const Database db(opened);
  if (code != SQLITE_OK || register_sql(opened) != SQLITE_OK) {
    return Status::NoMemory();
  }
  Connection* const connection = Connection::Of(opened);
  if (connection == nullptr) {
    return Status::NotSupported("no connection for " + call.function);
  }
  connection->WorkForOther(store_path, keep_on);
  Status s = RunAll(opened, call, add);
  // What the function said, without what SQL made of it.
  if (!s.ok() && !connection->call_status().ok()) {
    s = connection->call_status();
  }
  return s;
}

}  // namespace actorkv
