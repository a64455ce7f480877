#include "sql/actors/info_functions.h"

#include <optional>
#include <string>

#include "kv/base/utf8.h"
#include "kv/process/store_registry.h"
#include "sql/bind/function.h"
#include "sql/bind/read_only.h"
#include "sql/bind/target.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/last_error.h"

namespace actorkv {

namespace {

Status Version(Call* call) {
  call->result().Text(ACTORKV_VERSION);
  return Status::Ok();
}

// Returns the full name of the actor that an argument means, or the argument
// where it means none: what cannot be opened, and cannot be a name, has errors
// too.
std::string NameOfError(const Connection& connection,
                        const std::string& argument) {
  ActorPath path;
  std::string name = argument;
  if (name.find('/') == std::string::npos) {
    const std::string store = connection.DefaultStorePath();
    if (store.empty()) return name;
    name = FullName({store, name});
  }
  return ResolveActorPath(name, &path).ok() ? FullName(path) : argument;
}

Status TellErrorOfName(Call* call) {
  std::string argument;
  if (Status s = call->Text(0, "the name", &argument); !s.ok()) return s;
  const std::string name = NameOfError(*call->connection(), argument);
  const std::optional<KeptError> error = ErrorOfName(name);
  if (error.has_value()) call->result().Text(error->ToString());
  return Status::Ok();
}

Status TellLastError(Call* call) {
  if (call->arg_count() > 0) return TellErrorOfName(call);
  sqlite3* const db = call->connection()->db();
  const std::optional<KeptError> error = ErrorFor(db);
  std::string text;
  if (error.has_value()) text = error->ToString();
  // A write that fails because the database is read-only asks no VFS, so nobody
  // kept an error: what is known about it is told here.
  if (const std::string note = ReadOnlyNote(db); !note.empty()) {
    text += (text.empty() ? "read-only: " : "; ") + note;
  }
  call->result().TextOrNull(EscapedUtf8(text));
  return Status::Ok();
}

Status DefaultStoreOfConnection(Call* call) {
  Connection* connection = call->connection();
  // NULL asks, like no argument: a host that passes a parameter need not tell
  // the two apart.
  if (!call->IsNull(0)) {
    std::string path;
    std::string canonical;
    if (Status s = call->Text(0, "path", &path); !s.ok()) return s;
    if (Status s = FindStorePlace(path, &canonical); !s.ok()) return s;
    connection->set_store_path(canonical);
    // The VFS has no connection to ask when a bare name is opened, so it has
    // the last store that any connection named.
    SetDefaultStore(canonical);
    call->result().Text(canonical);
    return Status::Ok();
  }
  if (!connection->store_path().empty()) {
    call->result().Text(connection->store_path());
    return Status::Ok();
  }
  Target main;
  Status s = connection->OpenDefaultStore(StoreUse::kRead, &main.store);
  if (s.ok()) call->result().Text(main.store_path());
  // Without a default store the answer is NULL.
  return s.code() == Code::kInvalidArgument ? Status::Ok() : s;
}

Status SetDefault(Call* call) {
  uint64_t value = 0;
  if (!call->Count(0, "the argument", &value).ok() || value > 2) {
    return Status::InvalidArgument("the argument is neither 0 nor 1 nor 2");
  }
  DefaultVfs previous = DefaultVfs::kBase;
  if (Status s = SetDefaultVfs(static_cast<DefaultVfs>(value), &previous);
      !s.ok()) {
    return s;
  }
  // The value before is told, so that a host can set it back.
  call->result().Int(static_cast<uint64_t>(previous));
  return Status::Ok();
}

// Stores that nobody uses stay open for a while, because the next open is quick
// then. This closes them at once.
Status CloseIdle(Call* call) {
  call->result().Int(StoreRegistry::Instance()->CloseIdle());
  return Status::Ok();
}

constexpr FunctionSpec kVersion = {"actorkv_version", "",     0, 0,
                                   Effects::kNone,    Version};
constexpr FunctionSpec kLastError = {"actorkv_last_error", "[actor]",     0, 1,
                                     Effects::kNone,       TellLastError,
                                     /*tells_errors=*/true};
constexpr FunctionSpec kStore = {
    "actorkv_store",         "[path]", 0, 1, Effects::kProcess,
    DefaultStoreOfConnection};
constexpr FunctionSpec kDefaultVfs = {"actorkv_default_vfs", "0, 1 or 2", 1, 1,
                                      Effects::kProcess,     SetDefault};

constexpr FunctionSpec kCloseIdle = {"actorkv_close_idle", "",       0, 0,
                                     Effects::kProcess,    CloseIdle};

}  // namespace

int RegisterInfoFunctions(Connection* connection) {
  return RegisterFunctions<kVersion, kLastError, kStore, kDefaultVfs,
                           kCloseIdle>(connection);
}

}  // namespace actorkv
