#include "sql/function.h"

#include "kv/thrown.h"
#include "vfs/file_methods.h"
#include "vfs/sqlite_error.h"

namespace actorkv {

namespace {

// One C function takes any number of arguments, so that a wrong number can be
// answered with how to write it.
constexpr int kAnyCount = -1;

bool InTransaction(sqlite3* db) {
  return sqlite3_get_autocommit(db) == 0 ||
         sqlite3_txn_state(db, nullptr) == SQLITE_TXN_WRITE;
}

Status Run(const FunctionSpec& spec, Call* call) noexcept {
  return Caught([&] {
    Status s = call->Check();
    return s.ok() ? spec.run(call) : s;
  });
}

int Run(const FunctionSpec& spec, const Call& call, sqlite3_context* context) {
  Call checked = call;
  const Status s = Run(spec, &checked);
  if (s.ok()) return SQLITE_OK;
  int code = ReportError(Place::kFunction, s.WithContext(spec.name));
  Connection* const connection = checked.connection();
  if (connection != nullptr && connection->Interrupted()) {
    code = SQLITE_INTERRUPT;
  }
  const std::string text =
      std::string(spec.name) + ": " + std::string(s.message());
  sqlite3_result_error(context, text.c_str(), -1);
  return code;
}

}  // namespace

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
  if (effects != Effects::kDurable || !InTransaction(db)) return Status::Ok();
  return Status::InvalidArgument(
      "cannot run inside a transaction: COMMIT or ROLLBACK first");
}

Status Call::Text(int index, const char* what, std::string* text) const {
  if (IsNull(index)) {
    return Status::InvalidArgument(std::string(what) + " is NULL");
  }
  if (sqlite3_value_type(args_[index]) == SQLITE_BLOB) {
    return Status::InvalidArgument(std::string(what) + " is a blob, not text");
  }
  *text = TextOf(args_[index]);
  return Status::Ok();
}

Status Call::Count(int index, const char* what, uint64_t* count) const {
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
  const int code = Guard([&] { return Run(spec, call, context); });
  if (code == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(context);
  } else if (code != SQLITE_OK) {
    sqlite3_result_error_code(context, code);
  }
}

int RegisterFunction(Connection* connection, const FunctionSpec& spec,
                     void (*callback)(sqlite3_context*, int, sqlite3_value**)) {
  int flags = SQLITE_UTF8;
  if (spec.effects != Effects::kNone) flags |= SQLITE_DIRECTONLY;
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
