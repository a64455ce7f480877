// Calls that only the owner of a store can do, where another process shares it
// (kv/share/share_client.h): the functions that ask for StoreUse::kOwn or
// kOwnWrite. Where they meet a store that is shared, nothing was done yet, and
// the call is sent to the owner, which runs it on a connection of its own.
//
// Invariants:
//  1. Of what a call names, actors of other stores are made absolute before it
//     is sent: the owner is in another directory. Of a path the directory is
//     opened here, with the rights and the root of this process, and goes with
//     the call; the owner makes the last name in it.
//  2. What is called in the owner reaches the store that is shared and no other
//     one, by these functions and no others, so that nobody reaches by the
//     owner what it could not itself.

#ifndef ACTORKV_SQL_BIND_OWNER_CALL_H_
#define ACTORKV_SQL_BIND_OWNER_CALL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/share/share_server.h"
#include "sql/bind/function.h"
#include "sql/bind/value.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class Store;

// The table of that name is asked of the owner as a function is.
inline constexpr char kSessionsTable[] = "actorkv_sessions";

// OwnerRequest: a call as SQLite made it.
struct OwnerRequest {
  const char* name;
  const char* arguments;  // FunctionSpec::arguments
  int arg_count;
  sqlite3_value** args;
};

// Runs a function in the owner of `store`, which this process shares. Stops
// with an interrupt of the connection. Errors: those of the function; kBusy,
// kIOError where the owner is gone, and whether it was done is not known.
Status CallOwner(const OwnerRequest& request, Connection* connection,
                 const Store* store, const Result& result);

// In the owner: runs what another process sent, on a connection of its own to
// which `register_sql` gives the functions. As StoreRegistry::CallFunction.
Status RunForOther(int (*register_sql)(sqlite3* db),
                   const std::string& store_path, const CallSpec& sent,
                   const std::function<Status(const ShareServer::Row&)>& add,
                   const std::function<Status()>& keep_on);

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_OWNER_CALL_H_
