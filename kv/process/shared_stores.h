// How a store is shared with other processes: ServedStore in its owner,
// JoinedStore in the others.
//
// Invariants:
//  1. Who works in a store that is shared has a mark in it
//     (kv/files/host_mark.h): the owner before it serves, the others before
//     they ask for anything. So nobody takes for dead who is not.
//
// Thread-safe, as the objects in them are.

#ifndef ACTORKV_KV_PROCESS_SHARED_STORES_H_
#define ACTORKV_KV_PROCESS_SHARED_STORES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/engine/engine_home.h"
#include "kv/files/host_mark.h"
#include "kv/share/share_client.h"
#include "kv/share/share_server.h"

namespace actorkv {

class Store;

// Names the SQLite of this process, for people in others: of stores that are
// served or joined from now on. `version` stays.
void SetSqliteVersion(const char* version);

// ServedStore: a store that this process owns, and serves.
class ServedStore {
 public:
  // Serves `store`, which goes after this. `identity`: of what it was opened
  // as. `hosts_beside`: the marks of those that had sessions at an owner before
  // this one.
  // Errors: those of ShareServer::Start() and HostMark::Make(); kNotFound
  // where the directory has no marker any more.
  static Status Start(const std::shared_ptr<Store>& store,
                      const StoreIdentity& identity,
                      std::vector<MarkNumber> hosts_beside,
                      ShareServer::CallFunction call,
                      std::function<void()> session_ended,
                      std::shared_ptr<ServedStore>* served);
  ServedStore(const ServedStore&) = delete;
  ServedStore& operator=(const ServedStore&) = delete;

  ShareServer* server() const { return server_.get(); }

 private:
  ServedStore() = default;

  std::unique_ptr<HostMark> mark_;
  std::unique_ptr<ShareServer> server_;  // goes first
};

// JoinedStore: a store that another process owns, by a session with it.
class JoinedStore {
 public:
  // Joins the store in `directory` of `home`, which has no links. `elect` as in
  // ShareClient::Parts. Errors: those of ShareClient::Connect(); those of
  // Store::OpenShared().
  static Status Join(const std::string& directory,
                     const StoreIdentity& identity, const EngineHome& home,
                     std::function<Status()> elect,
                     std::unique_ptr<JoinedStore>* joined);
  // REQUIRES: nobody else has the store any more.
  ~JoinedStore();
  JoinedStore(const JoinedStore&) = delete;
  JoinedStore& operator=(const JoinedStore&) = delete;

  const std::shared_ptr<Store>& store() const { return store_; }
  const std::shared_ptr<ShareClient>& client() const { return client_; }

 private:
  JoinedStore() = default;

  std::unique_ptr<HostMark> mark_;
  std::shared_ptr<ShareClient> client_;
  std::shared_ptr<Store> store_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_SHARED_STORES_H_
