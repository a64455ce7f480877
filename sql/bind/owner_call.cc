#include "sql/bind/owner_call.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
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
constexpr std::string_view kBackupFunction = "actorkv_backup";

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

// Opens the directory above a path, which then is the last name alone. Errors:
// kInvalidArgument for a path that has none; kReadOnly, kIOError.
Status OpenAbove(std::string* path, std::unique_ptr<Descriptor>* directory) {
  std::string absolute;
  if (Status s = AbsolutePath(*path, &absolute); !s.ok()) return s;
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  const size_t slash = absolute.rfind('/');
  const std::string name = absolute.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return Status::InvalidArgument("the path has no name: " + absolute);
  }
  const std::string above = slash == 0 ? "/" : absolute.substr(0, slash);
  auto opened = std::make_unique<Descriptor>(
      open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (opened->get() < 0) return SystemError("open", above, errno);
  if (faccessat(AT_FDCWD, above.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return SystemError("write to", above, errno);
  }
  *directory = std::move(opened);
  *path = name;
  return Status::Ok();
}

// Invariant 1 of the header.
Status MakeAbsolute(ArgumentKind kind, std::string* text) {
  if (kind == ArgumentKind::kValue || text->find('/') == std::string::npos) {
    return Status::Ok();
  }
  ActorPath path;
  if (Status s = ResolveActorPath(*text, &path); !s.ok()) return s;
  *text = FullName(path);
  return Status::Ok();
}

// *bytes keeps what *value refers to. *directory: that of a path.
Status ToCallValue(sqlite3_value* from, ArgumentKind kind, std::string* bytes,
                   std::unique_ptr<Descriptor>* directory, CallValue* value) {
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
      if (Status s = kind == ArgumentKind::kPath ? OpenAbove(bytes, directory)
                                                 : MakeAbsolute(kind, bytes);
          !s.ok()) {
        return s;
      }
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

std::string DirectoryPrefix(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor) + "/";
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

// Makes the path of a call, the first argument, one of this process: by the
// directory that came with it. *path keeps it.
Status NamePath(CallSpec* call, std::string* path) {
  if (call->function != kBackupFunction) {
    return call->descriptors.empty()
               ? Status::Ok()
               : Status::InvalidArgument("no path belongs to " +
                                         call->function);
  }
  const bool is_name = call->descriptors.size() == 1 &&
                       call->arguments.size() == 1 &&
                       call->arguments[0].kind == ValueKind::kText &&
                       call->arguments[0].bytes.find('/') == std::string::npos;
  if (!is_name) {
    return Status::InvalidArgument(
        "a path of another process is a name in a directory that it has open");
  }
  *path = DirectoryPrefix(call->descriptors[0]) +
          std::string(call->arguments[0].bytes);
  call->arguments[0].bytes = *path;
  return Status::Ok();
}

// The caller knows where its path leads, and not what this process calls it.
Status WithoutPrefix(const Status& status, const std::string& prefix) {
  std::string text(status.message());
  for (size_t at = text.find(prefix); at != std::string::npos;
       at = text.find(prefix, at)) {
    text.erase(at, prefix.size());
  }
  return status.WithMessage(std::move(text));
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
  std::unique_ptr<Descriptor> directory;  // a function has one path at most
  CallSpec call;
  call.function = request.name;
  call.arguments.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (Status s = ToCallValue(request.args[i], kinds[i], &kept[i], &directory,
                               &call.arguments[i]);
        !s.ok()) {
      return s;
    }
  }
  if (directory != nullptr) call.descriptors = {directory->get()};
  return client->RunInOwner(
      call,
      [&result](const std::vector<CallValue>& row) {
        if (!row.empty()) SetResult(row[0], result);
        return Status::Ok();
      },
      [connection] { return connection->KeepOn(); });
}

Status RunForOther(int (*register_sql)(sqlite3* db),
                   const std::string& store_path, const CallSpec& sent,
                   const std::function<Status(const ShareServer::Row&)>& add,
                   const std::function<Status()>& keep_on) {
  CallSpec call = sent;
  if (!IsOurName(call.function)) {
    return Status::InvalidArgument("no such function: " + call.function);
  }
  std::string path;
  if (Status s = NamePath(&call, &path); !s.ok()) return s;
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
  if (s.ok() || call.descriptors.empty()) return s;
  return WithoutPrefix(s, DirectoryPrefix(call.descriptors[0]));
}

}  // namespace actorkv
