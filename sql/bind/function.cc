#include "sql/bind/function.h"

#include <memory>
#include <vector>

#include "kv/base/thrown.h"
#include "kv/base/utf8.h"
#include "sql/bind/owner_call.h"
#include "sql/bind/read_only.h"
#include "vfs/sqlite/file_methods.h"
#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// One C function takes any number of arguments, so that a wrong number can be
// answered with how to write it.
constexpr int kAnyCount = -1;

bool InTransaction(sqlite3* db) {
  // Autocommit is on during a statement that writes, too, such as INSERT ...
  // SELECT actorkv_delete(...); only its state tells of that one.
  return sqlite3_get_autocommit(db) == 0 ||
         sqlite3_txn_state(db, nullptr) == SQLITE_TXN_WRITE;
}

// A SQLite with SQLITE_ENABLE_STAT4 may call a deterministic function while it
// prepares a statement, to guess how many rows a WHERE leaves (vdbemem.c
// valueFromFunction, 3.40.1). Such a call has no program that could keep data
// for it.
bool IsBeingPlanned(sqlite3_context* context) {
  static char mark;
  sqlite3_set_auxdata(context, 0, &mark, nullptr);
  return sqlite3_get_auxdata(context, 0) == nullptr;
}

Status CheckAndRun(const FunctionSpec& spec, Call* call) noexcept {
  return Caught([&]() -> Status {
    if (Status s = call->Check(); !s.ok()) return s;
    // As inner work it would see the errors since the call began only, and it
    // is asked for those before.
    if (spec.tells_errors) return spec.run(call);
    const InnerWork inner;
    return spec.run(call);
  });
}

int Run(const FunctionSpec& spec, const Call& call, sqlite3_context* context) {
  if (spec.effects != Effects::kNone && IsBeingPlanned(context)) {
    return SQLITE_OK;  // NULL, and nothing done
  }
  Call checked = call;
  Connection* const connection = checked.connection();
  // The error of a call belongs to the actors that this call names, not to
  // those of the one before.
  if (connection != nullptr) connection->ForgetTargets();
  Status s = CheckAndRun(spec, &checked);
  if (connection != nullptr) {
    const std::shared_ptr<Store> others = connection->TakeOthersStore();
    if (!s.ok() && others != nullptr) s = checked.RunInOwner(others.get());
    if (!s.ok()) connection->set_call_status(s);
  }
  if (s.ok()) {
    // A call that tells of the last error must not end it.
    if (!spec.tells_errors) EndErrorOfConnection(connection->db());
    return SQLITE_OK;
  }
  std::string text;
  const int code = ReportCallError(
      {spec.name, sqlite3_context_db_handle(context), connection}, s, &text);
  // The text goes first: sqlite3_result_error() sets SQLITE_ERROR, which the
  // code that is returned here replaces.
  sqlite3_result_error(context, text.c_str(), -1);
  return code;
}

}  // namespace

Status Call::RunInOwner(const Store* store) const {
  return Caught([&] {
    return CallOwner({spec_.name, spec_.arguments, arg_count_, args_},
                     connection_, store, result());
  });
}

Status Call::Check() const {
  if (arg_count_ < spec_.min_args || arg_count_ > spec_.max_args) {
    return Status::InvalidArgument(
        std::string("wrong number of arguments, write ") + spec_.name + "(" +
        spec_.arguments + ")");
  }
  if (connection_ == nullptr) {
    return Status::NotSupported(
        "the tables of this module were dropped from the connection");
  }
  return CheckEffects(spec_.effects, connection()->db());
}

Status CheckEffects(Effects effects, sqlite3* db) {
  if (effects == Effects::kNone || effects == Effects::kProcess) {
    return Status::Ok();
  }
  Status may = effects == Effects::kStore ? CheckMayChangeStore(db)
                                          : CheckMayWriteFile(db);
  // A change of the store is a commit of its own, which ROLLBACK could not take
  // back: inside of a transaction it would look as if it could.
  if (!may.ok() || !InTransaction(db)) return may;
  return Status::InvalidArgument(
      "cannot run inside a transaction: COMMIT or ROLLBACK first");
}

int ReportCallError(const CallSite& site, const Status& status,
                    std::string* text) {
  const Status named = status.WithContext(site.name);
  *text = EscapedUtf8(named.message());
  int code = SqliteCode(Place::kFunction, status);
  std::vector<std::string> targets;
  if (site.connection != nullptr) {
    // A call that fails because of an interrupt can have any code; the caller
    // waits for this one.
    if (site.connection->Interrupted()) code = SQLITE_INTERRUPT;
    targets = site.connection->targets();
  }
  const std::string whole = named.ToString();
  ErrorOwner owner = {site.db, {}};
  if (!targets.empty()) owner.name = targets.back();
  ReportCode(code, whole, owner);
  if (!targets.empty()) targets.pop_back();
  for (const std::string& target : targets) {
    KeepErrorOfName(code, EscapedUtf8(whole), target);
  }
  return code;
}

Status Call::Text(int index, const char* what, std::string* text) const {
  if (IsNull(index)) {
    return Status::InvalidArgument(std::string(what) + " is NULL");
  }
  // A blob would be cast to text whatever bytes it has; a number has a text
  // that says the same.
  if (sqlite3_value_type(args_[index]) == SQLITE_BLOB) {
    return Status::InvalidArgument(std::string(what) + " is a blob, not text");
  }
  *text = TextOf(args_[index]);
  return Status::Ok();
}

Status Call::Count(int index, const char* what, uint64_t* count) const {
  // sqlite3_value_numeric_type() takes the text '7' for a number as well.
  const bool is_int = !IsNull(index) && sqlite3_value_numeric_type(
                                            args_[index]) == SQLITE_INTEGER;
  const sqlite3_int64 value = is_int ? sqlite3_value_int64(args_[index]) : -1;
  if (value < 0) {
    return Status::InvalidArgument(std::string(what) +
                                   " is not a whole number from 0 on");
  }
  *count = static_cast<uint64_t>(value);
  return Status::Ok();
}

Status Call::Flag(int index, const char* what, bool* flag) const {
  const bool is_int = !IsNull(index) && sqlite3_value_numeric_type(
                                            args_[index]) == SQLITE_INTEGER;
  const sqlite3_int64 value = is_int ? sqlite3_value_int64(args_[index]) : -1;
  if (value != 0 && value != 1) {
    return Status::InvalidArgument(std::string(what) + " is neither 0 nor 1");
  }
  *flag = value == 1;
  return Status::Ok();
}

void RunFunction(const FunctionSpec& spec, sqlite3_context* context,
                 int arg_count, sqlite3_value** args) {
  const Call call(spec, context, arg_count, args);
  const int code =
      Guard([&] { return Run(spec, call, context); },
            [&] {
              return ErrorOwner{sqlite3_context_db_handle(context), {}};
            });
  if (code == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(context);
  } else if (code != SQLITE_OK) {
    sqlite3_result_error_code(context, code);
  }
}

int RegisterFunction(Connection* connection, const FunctionSpec& spec,
                     void (*callback)(sqlite3_context*, int, sqlite3_value**)) {
  // The header says why these flags: no schema calls the functions.
  constexpr int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC;
  void (*release)(void*) = nullptr;
  if (connection->TakeFunctionReference()) {
    connection->Ref();  // SQLite calls Unref also when this fails
    release = Connection::Unref;
  }
  return sqlite3_create_function_v2(connection->db(), spec.name, kAnyCount,
                                    flags, connection, callback, nullptr,
                                    nullptr, release);
}

}  // namespace actorkv
