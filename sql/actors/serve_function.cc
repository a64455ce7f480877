#include "sql/actors/serve_function.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "kv/base/end_signals.h"
#include "kv/process/open_wait.h"
#include "kv/process/serving.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

namespace {

// How often it is looked whether the statement was interrupted, of which
// nothing tells.
constexpr std::chrono::milliseconds kLook{50};

// Of the URI of main, where that is one and says so.
std::chrono::milliseconds TimeToWait(sqlite3* db) {
  std::chrono::milliseconds timeout = OpenWait::kDefaultLimit;
  const char* const name = sqlite3_db_filename(db, "main");
  if (name != nullptr) static_cast<void>(ParseOpenTimeout(name, &timeout));
  return timeout;
}

Status FindStore(const Call& call, std::string* directory) {
  if (call.IsNull(0)) {
    *directory = call.connection()->DefaultStorePath();
    return directory->empty()
               ? Status::InvalidArgument(
                     "there is no default store: name the store's directory")
               : Status::Ok();
  }
  std::string path;
  if (Status s = call.Text(0, "the store", &path); !s.ok()) return s;
  return FindStorePlace(path, directory);
}

Status Serve(Call* call) {
  // Before the store is taken: a signal that comes meanwhile ends it as well.
  const EndSignals signals;
  Connection* const connection = call->connection();
  std::string directory;
  std::shared_ptr<Store> store;
  if (Status s = FindStore(*call, &directory); !s.ok()) return s;
  // The store is made where it is missing. What keeps anybody out of it is said
  // here, and that a process does not serve because another one asks it to.
  if (Status s = connection->OpenStore(directory, StoreUse::kCreate, &store);
      !s.ok()) {
    return s;
  }
  const auto keep_on = [&]() -> Status {
    if (signals.Heard() != nullptr) return Status::Interrupted("ended");
    return connection->KeepOn();
  };
  std::unique_ptr<Serving> serving;
  const OpenWait wait(TimeToWait(connection->db()), keep_on);
  Status s = Serving::Begin(directory, wait, &serving);
  store.reset();
  if (s.ok()) {
    while ((s = keep_on()).ok() && (s = serving->Check()).ok()) {
      std::this_thread::sleep_for(kLook);
    }
    serving.reset();
  }
  const char* const heard = signals.Heard();
  if (s.code() != Code::kInterrupted || heard == nullptr) return s;
  call->result().Text(heard);
  return Status::Ok();
}

constexpr FunctionSpec kServe = {"actorkv_serve", "[store]", 0, 1,
                                 Effects::kStore, Serve};

}  // namespace

int RegisterServeFunction(Connection* connection) {
  return RegisterFunctions<kServe>(connection);
}

}  // namespace actorkv
