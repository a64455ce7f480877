// Scalar SQL functions: a FunctionSpec says what one is called and does;
// RegisterFunctions() gives it to a connection.
//
// A function returns a Status. An error becomes the text "NAME: message" with
// the code of Place::kFunction (vfs/sqlite/sqlite_error.h), or
// SQLITE_INTERRUPT.
//
// No schema calls them. All are SQLITE_DIRECTONLY, which shuts out views,
// triggers, DEFAULT, generated columns and indexes of every schema but temp.
// All are SQLITE_DETERMINISTIC as well, which most are not: SQLite marks what a
// CHECK calls as a part of a schema only then (resolve.c resolveExprStep,
// 3.40.1; 3.53 does so always), and PRAGMA quick_check evaluates those of a
// database that somebody else made, outside of any write. The price is that
// SQLite may call a function once in a statement for all rows with the same
// arguments.

#ifndef ACTORKV_SQL_BIND_FUNCTION_H_
#define ACTORKV_SQL_BIND_FUNCTION_H_

#include <cstdint>
#include <string>

#include "kv/base/status.h"
#include "sql/bind/connection.h"
#include "sql/bind/value.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// Effects says what a call touches, which decides where it may be called.
enum class Effects {
  kNone,     // only looks
  kProcess,  // changes settings of the process or the connection, not a store
  // Changes a store: durable when it returns, so refused inside a transaction;
  // and refused on a connection that may not change one (sql/bind/read_only.h).
  kStore,
  // Writes files outside of stores: refused inside a transaction, and under
  // PRAGMA query_only.
  kFile,
};

// Checks that `db` may do this now. Errors: kInvalidArgument inside a
// transaction of `db`; kReadOnly where it may not do this at all.
Status CheckEffects(Effects effects, sqlite3* db);

// CallSite says where a call of a function or table failed.
struct CallSite {
  const char* name;        // of the function or table
  sqlite3* db;             // the connection
  Connection* connection;  // null: none any more
};

// Keeps the error for the connection, the thread and the actors that the call
// was about. *text becomes "NAME: message", for SQLite. Returns the code.
int ReportCallError(const CallSite& site, const Status& status,
                    std::string* text);

class Call;

struct FunctionSpec {
  const char* name;
  const char* arguments;  // as a person writes them: "actor, path"
  int min_args;
  int max_args;
  Effects effects;
  Status (*run)(Call* call);
  // The function tells of the errors so far, and leaves them as they are.
  bool tells_errors = false;
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

  // Returns true also for an argument that was left out.
  bool IsNull(int index) const {
    return index >= arg_count_ ||
           sqlite3_value_type(args_[index]) == SQLITE_NULL;
  }

  // Reads the argument as text. Errors: kInvalidArgument when it is NULL or a
  // blob; `what` names it there.
  Status Text(int index, const char* what, std::string* text) const;

  // Returns the pointer of this type that the argument is, as another function
  // made it; null where it is none.
  void* Pointer(int index, const char* type) const {
    return index < arg_count_ ? sqlite3_value_pointer(args_[index], type)
                              : nullptr;
  }

  // Reads a whole number from 0 on. Errors: kInvalidArgument for anything else.
  Status Count(int index, const char* what, uint64_t* count) const;

  // Reads a 0 or 1. Errors: kInvalidArgument for anything else.
  Status Flag(int index, const char* what, bool* flag) const;

  // Runs the function in the process that owns `store`, which this one shares.
  // Errors: those of CallOwner().
  Status RunInOwner(const Store* store) const;

  // Checks that the call can run. Errors: kInvalidArgument for a wrong number
  // of arguments, or inside a transaction where the function does not run
  // there; kNotSupported where the host replaced or dropped what keeps the
  // Connection.
  Status Check() const;

 private:
  const FunctionSpec& spec_;
  sqlite3_context* const context_;
  Connection* const connection_;  // null: none any more
  const int arg_count_;
  sqlite3_value** const args_;
};

// Runs a function for its C callback.
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

#endif  // ACTORKV_SQL_BIND_FUNCTION_H_
