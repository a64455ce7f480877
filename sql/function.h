// Scalar SQL functions: a FunctionSpec says what one is called and does;
// RegisterFunctions() gives it to a connection.
//
// A function returns a Status. An error becomes the text "NAME: message" with
// the code of Place::kFunction (vfs/sqlite_error.h), or SQLITE_INTERRUPT.

#ifndef ACTORKV_SQL_FUNCTION_H_
#define ACTORKV_SQL_FUNCTION_H_

#include <cstdint>
#include <string>

#include "kv/status.h"
#include "sql/connection.h"
#include "sql/value.h"
#include "vfs/sqlite_api.h"

namespace actorkv {

// Functions with effects are SQLITE_DIRECTONLY: no view or trigger of a
// database that somebody sent can call them.
enum class Effects {
  kNone,     // only looks
  kProcess,  // changes settings of the process or the connection
  kDurable,  // durable when it returns, so refused inside a transaction
};

// Errors: kInvalidArgument for what is durable inside a transaction of `db`.
Status CheckEffects(Effects effects, sqlite3* db);

class Call;

struct FunctionSpec {
  const char* name;
  const char* arguments;  // as a person writes them: "actor, path"
  int min_args;
  int max_args;
  Effects effects;
  Status (*run)(Call* call);
};

class Call {
 public:
  Call(const FunctionSpec& spec, sqlite3_context* context, int arg_count,
       sqlite3_value** args)
      : spec_(spec),
        context_(context),
        connection_(Connection::Of(sqlite3_context_db_handle(context))),
        arg_count_(arg_count),
        args_(args) {}

  // REQUIRES: Check() was ok.
  Connection* connection() const { return connection_; }
  Result result() const { return Result(context_); }

  int arg_count() const { return arg_count_; }

  // True also for an argument that was left out.
  bool IsNull(int index) const {
    return index >= arg_count_ ||
           sqlite3_value_type(args_[index]) == SQLITE_NULL;
  }

  // The argument as text. Errors: kInvalidArgument when it is NULL or a blob;
  // `what` names it there.
  Status Text(int index, const char* what, std::string* text) const;

  // A whole number from 0 on. Errors: kInvalidArgument for anything else.
  Status Count(int index, const char* what, uint64_t* count) const;

  // A 0 or 1. Errors: kInvalidArgument for anything else.
  Status Flag(int index, const char* what, bool* flag) const;

  // Errors: kInvalidArgument for a wrong number of arguments, or inside a
  // transaction where the function does not run there; kNotSupported where the
  // host replaced or dropped what keeps the Connection.
  Status Check() const;

 private:
  const FunctionSpec& spec_;
  sqlite3_context* const context_;
  Connection* const connection_;  // null: none any more
  const int arg_count_;
  sqlite3_value** const args_;
};

// The C callback of a function.
void RunFunction(const FunctionSpec& spec, sqlite3_context* context,
                 int arg_count, sqlite3_value** args);

template <const FunctionSpec& kSpec>
void FunctionCallback(sqlite3_context* context, int arg_count,
                      sqlite3_value** args) {
  RunFunction(kSpec, context, arg_count, args);
}

// Returns a SQLite code.
int RegisterFunction(Connection* connection, const FunctionSpec& spec,
                     void (*callback)(sqlite3_context*, int, sqlite3_value**));

template <const FunctionSpec&... kSpecs>
int RegisterFunctions(Connection* connection) {
  int code = SQLITE_OK;
  static_cast<void>(
      ((code = RegisterFunction(connection, kSpecs, FunctionCallback<kSpecs>),
        code == SQLITE_OK) &&
       ...));
  return code;
}

}  // namespace actorkv

#endif  // ACTORKV_SQL_FUNCTION_H_
