#include "sql/bind/connection.h"

#include <mutex>
#include <unordered_map>
#include <utility>

#include "kv/base/whole_mutex.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "sql/bind/read_only.h"
#include "vfs/actor/actor_file.h"
#include "vfs/actor/damage_notice.h"
#include "vfs/legacy/recovered_file.h"
#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

namespace {

// Returns the store of the actor, live or legacy, that is the main database of
// `db`; null when that is no actor.
std::shared_ptr<Store> StoreOfMain(sqlite3* db) {
  sqlite3_file* file = nullptr;
  ActorFile* live = nullptr;
  RecoveredFile* legacy = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  // The file of main is asked, not its name: a name may mean something else by
  // now.
  if (FileMethods<ActorFile>::Cast(file, &live)) return live->shared_store();
  if (FileMethods<RecoveredFile>::Cast(file, &legacy)) {
    return legacy->shared_store();
  }
  return nullptr;
}

// Whether main is an actor that a process had open from which this one was
// forked.
bool MainIsOfParent(sqlite3* db) {
  sqlite3_file* file = nullptr;
  ActorFile* live = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  return FileMethods<ActorFile>::Cast(file, &live) && live->is_of_parent();
}

// Returns the time that the URI of main gives, or the default. A main that is
// no actor may have anything there, so what does not parse is ignored.
std::chrono::milliseconds OpenTimeout(sqlite3* db) {
  std::chrono::milliseconds timeout = OpenWait::kDefaultLimit;
  const char* const name = sqlite3_db_filename(db, "main");
  if (name != nullptr) static_cast<void>(ParseOpenTimeout(name, &timeout));
  return timeout;
}

bool Changes(StoreUse use) {
  return use == StoreUse::kWrite || use == StoreUse::kOwnWrite ||
         use == StoreUse::kCreate;
}

bool NeedsOwner(StoreUse use) {
  return use == StoreUse::kOwn || use == StoreUse::kOwnWrite;
}

struct Registered {
  WholeMutex mutex;
  std::unordered_map<sqlite3*, Connection*> connections;
};

Registered* GetRegistered() {
  // It is never deleted: connections can close while the process runs its
  // static destructors.
  static auto* const registered = new Registered;
  return registered;
}

}  // namespace

Connection::Connection(sqlite3* db) : db_(db) {
  WatchConnection(db);
  Registered* registered = GetRegistered();
  std::lock_guard<WholeMutex> lock(registered->mutex);
  registered->connections[db] = this;
}

Connection::~Connection() {
  ForgetConnection(db_);
  Registered* registered = GetRegistered();
  std::lock_guard<WholeMutex> lock(registered->mutex);
  registered->connections.erase(db_);
}

Connection* Connection::Of(sqlite3* db) {
  Registered* registered = GetRegistered();
  std::lock_guard<WholeMutex> lock(registered->mutex);
  auto it = registered->connections.find(db);
  return it == registered->connections.end() ? nullptr : it->second;
}

Status Connection::OpenStore(const std::string& directory, StoreUse use,
                             std::shared_ptr<Store>* store) {
  if (Status s = CheckMayReach(directory, use); !s.ok()) return s;
  // Functions and tables that say it by their Effects were checked before; this
  // check is for those that do not.
  if (Changes(use)) {
    if (Status s = CheckMayChangeStore(db_); !s.ok()) return s;
  }
  // A look follows, so that it keeps no other process from writing; where this
  // process has the store open to write, Acquire() gives that one.
  OpenMode mode = OpenMode::kFollow;
  if (use == StoreUse::kWrite || NeedsOwner(use)) {
    mode = OpenMode::kExisting;
  }
  if (use == StoreUse::kCreate) mode = OpenMode::kCreate;
  const OpenWait wait(OpenTimeout(db_), [this] { return KeepOn(); });
  if (Status s =
          StoreRegistry::Instance()->Acquire(directory, mode, wait, store);
      !s.ok()) {
    return s;
  }
  TellDamage(store->get());
  return CheckUse(use, *store);
}

Status Connection::CheckUse(StoreUse use, const std::shared_ptr<Store>& store) {
  if (use == StoreUse::kRead) {
    // A follower would otherwise answer from what it saw last.
    return store->read_only() ? store->CatchUp() : Status::Ok();
  }
  if (store->read_only()) {
    return Status::ReadOnly("the store is open read-only: " + store->path());
  }
  if (!NeedsOwner(use) || store->side() == nullptr) return Status::Ok();
  others_store_ = store;
  return Status::NotSupported("another process owns the store: " +
                              store->path());
}

void Connection::WorkForOther(std::string store,
                              std::function<Status()> keep_on) {
  store_path_ = std::move(store);
  keep_on_ = std::move(keep_on);
  works_for_other_ = true;
}

Status Connection::CheckMayReach(const std::string& directory,
                                 StoreUse use) const {
  if (!works_for_other_) return Status::Ok();
  if (directory != store_path_) {
    return Status::NotSupported(
        "a call that is about a store of another process reaches that one "
        "alone, not " +
        directory);
  }
  // The table of sessions looks.
  if (NeedsOwner(use) || use == StoreUse::kRead) return Status::Ok();
  return Status::NotSupported(
      "the owner of a store does not do this for others");
}

std::string Connection::DefaultStorePath() const {
  if (!store_path_.empty()) return store_path_;
  const std::shared_ptr<Store> of_main = StoreOfMain(db_);
  return of_main == nullptr ? std::string() : of_main->path();
}

Status Connection::OpenDefaultStore(StoreUse use,
                                    std::shared_ptr<Store>* store) {
  if (!store_path_.empty()) return OpenStore(store_path_, use, store);
  std::shared_ptr<Store> of_main = StoreOfMain(db_);
  if (of_main == nullptr) {
    return Status::InvalidArgument(
        "there is no default store: main is not an actor; call "
        "actorkv_store(PATH), or write STORE/ACTOR");
  }
  // Nothing of the parent's object but its name is used.
  if (MainIsOfParent(db_)) return OpenStore(of_main->path(), use, store);
  if (Changes(use)) {
    if (Status s = CheckMayChangeStore(db_); !s.ok()) return s;
  }
  *store = std::move(of_main);
  return CheckUse(use, *store);
}

bool Connection::Interrupted() const {
  // A statement that starts while others run fails by the interrupt at once
  // (see sqlite3_interrupt()).
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_, "SELECT 1", -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  sqlite3_finalize(statement);
  return code == SQLITE_INTERRUPT;
}

Status Connection::KeepOn() const {
  if (keep_on_ != nullptr) {
    if (Status s = keep_on_(); !s.ok()) return s;
  }
  return Interrupted() ? Status::Interrupted("interrupted") : Status::Ok();
}

void Connection::Unref(void* connection) {
  auto* self = static_cast<Connection*>(connection);
  // The references are SQLite's, for functions and modules. It gives them back
  // when the connection closes, in no promised order, and in the thread that
  // closes it.
  if (--self->references_ == 0) delete self;
}

}  // namespace actorkv
