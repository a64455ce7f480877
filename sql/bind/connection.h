// Connection: what the SQL functions and tables of one SQLite connection share.
// It belongs to the connection, and is used under its mutex only.

#ifndef ACTORKV_SQL_BIND_CONNECTION_H_
#define ACTORKV_SQL_BIND_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class Store;

// What a function or table needs of a store.
enum class StoreUse {
  kRead,      // looks only; does not keep other processes from writing
  kOwn,       // looks only, as the owner of the store alone can
  kWrite,     // changes it
  kOwnWrite,  // changes it, as the owner of the store alone can
  kCreate,    // changes it, and makes it where it is missing
};

class Connection {
 public:
  explicit Connection(sqlite3* db);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Returns the Connection of `db`; null where there is none: `db` has no SQL
  // of ours, or its host has dropped all that held the Connection.
  static Connection* Of(sqlite3* db);

  sqlite3* db() const { return db_; }

  // Returns the directory that actorkv_store() named; empty: none.
  const std::string& store_path() const { return store_path_; }
  void set_store_path(std::string path) { store_path_ = std::move(path); }

  // Opens the default store: the one that actorkv_store() named, else the store
  // of main where main is an actor. Errors: kInvalidArgument when there is
  // neither; those of OpenStore().
  Status OpenDefaultStore(StoreUse use, std::shared_ptr<Store>* store);

  // Returns the directory of the default store, without opening it; empty:
  // there is none.
  std::string DefaultStorePath() const;

  // Opens the store in this directory. For a use that changes it, this waits
  // for another process that has it open, as long as the URI of main says with
  // open_timeout_ms, and not after sqlite3_interrupt(). Errors: those of
  // StoreRegistry::Acquire(); kNotSupported where a store that is open
  // read-only would be changed; kReadOnly where this connection may not change
  // one, and wants to.
  Status OpenStore(const std::string& directory, StoreUse use,
                   std::shared_ptr<Store>* store);

  // The store that a call met which only the owner can do, another process
  // (sql/bind/owner_call.h); null: there is none. It is forgotten then.
  std::shared_ptr<Store> TakeOthersStore() {
    return std::exchange(others_store_, nullptr);
  }

  // The connection is of this process, and works for another one: by what the
  // owner of a store alone can do, in this store and no other. `keep_on` says
  // whether the other waits still.
  void WorkForOther(std::string store, std::function<Status()> keep_on);
  // The error of the last call that failed.
  const Status& call_status() const { return call_status_; }
  void set_call_status(const Status& status) { call_status_ = status; }

  // Returns the full names of the actors that the running call is about, for
  // the errors by name.
  const std::vector<std::string>& targets() const { return targets_; }
  void NoteTarget(std::string full_name) {
    targets_.push_back(std::move(full_name));
  }
  void ForgetTargets() { targets_.clear(); }

  // Returns true after sqlite3_interrupt(), until the running statements end.
  // sqlite3_is_interrupted() came with SQLite 3.41, so this runs a statement.
  bool Interrupted() const;

  // Returns kInterrupted for an interrupted connection, else ok.
  Status KeepOn() const;

  // SQLite holds references to this object: one for each table, and one for the
  // function that was registered first. The other functions find it by Of(): a
  // destructor for each would be an allocation for each, at every open of a
  // connection.
  void Ref() { ++references_; }
  static void Unref(void* connection);

  // Returns true once: for the function that has the reference.
  bool TakeFunctionReference() {
    return !std::exchange(has_function_reference_, true);
  }

 private:
  Status CheckUse(StoreUse use, const std::shared_ptr<Store>& store);
  // Of a connection that works for another process.
  Status CheckMayReach(const std::string& directory, StoreUse use) const;

  sqlite3* const db_;
  std::string store_path_;
  std::shared_ptr<Store> others_store_;
  bool works_for_other_ = false;
  std::function<Status()> keep_on_;  // null: nobody else is asked
  Status call_status_;
  std::vector<std::string> targets_;
  int references_ = 0;
  bool has_function_reference_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_CONNECTION_H_
