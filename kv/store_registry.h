// StoreRegistry: the open stores of this process.
//
// There is one Store per directory (by device and inode, not by path) and
// process, shared by all connections, and closed a short time after its last
// user is gone, so that connections may come and go cheaply. A directory that
// is opened only for reading is followed (OpenMode::kFollow) and does not keep
// other processes from writing.
//
// One background thread serves the process: it closes idle stores and does
// their maintenance. Thread-safe.

#ifndef ACTORKV_KV_STORE_REGISTRY_H_
#define ACTORKV_KV_STORE_REGISTRY_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>

#include "kv/rocksdb_engine.h"
#include "kv/store.h"
#include "kv/store_marker.h"

namespace actorkv {

class StoreRegistry {
 public:
  // The one of the process. Never destroyed: see Shutdown().
  static StoreRegistry* Instance();

  // True in a child of fork() of a process that had a store open. Nothing of
  // ours may run there: the store's threads are not there, its files are the
  // parent's.
  static bool InForkedChild();

  // `directory` is absolute. With kCreate it is made when it is missing or
  // empty; kFollow gives this process's own writer where there is one. A store
  // is opened under the name of its directory that has no links, so that a link
  // that is pointed elsewhere later does not take it apart.
  // Errors: kNotFound (no store there); kInvalidArgument (not empty and not a
  // store; not a directory); kBusy, naming the pid, when another process is
  // writing; kNotSupported (a newer format; after fork()); kIOError.
  Status Acquire(const std::string& directory, OpenMode mode,
                 std::shared_ptr<Store>* store);

  // Gives the background thread something to do now.
  void Wake();

  // Closes every idle store now, without the linger.
  void CloseIdle();

  // At exit: stops the thread, closes idle stores, makes the others durable.
  // Does nothing in a child of fork().
  void Shutdown();

  // Engines come from `factory` instead of RocksDB; nullptr: RocksDB again.
  using EngineFactory = std::function<Status(
      const std::string& directory, OpenMode mode, std::unique_ptr<Engine>*)>;
  void SetEngineFactoryForTesting(EngineFactory factory);

 private:
  using Clock = std::chrono::steady_clock;
  using Key = std::tuple<uint64_t, uint64_t, bool>;  // device, inode, follows

  struct Entry {
    std::mutex mutex;  // held while the store opens or closes
    std::shared_ptr<Store> store;
    StoreIdentity identity;
    Clock::time_point idle_since = Clock::time_point::max();
  };

  StoreRegistry();
  std::shared_ptr<Entry> FindEntry(const Key& key);
  std::shared_ptr<Store> WriterOf(const StoreIdentity& identity);
  Status OpenInto(const std::string& given, OpenMode mode, Entry* entry);
  Status OpenEngine(const std::string& directory, OpenMode mode,
                    std::unique_ptr<Engine>* engine);
  std::map<Key, std::shared_ptr<Entry>> Entries();
  void Run();
  void DropClosedEntries();
  void ServeOnce(std::chrono::milliseconds linger);

  std::mutex mutex_;  // of what follows; never held while a store opens
  std::condition_variable wake_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  EngineFactory factory_;
  std::thread thread_;
  bool woken_ = false;
  // Looked at between two pieces of maintenance too: exit waits for one.
  std::atomic<bool> stopping_{false};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_REGISTRY_H_
