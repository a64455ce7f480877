// StoreRegistry: the open stores of this process.
//
// There is one Store per place (by what it is, not by its name: see
// StoreIdentity) and process, shared by all connections, and closed a short
// time after its last user is gone, so that connections may come and go
// cheaply. A directory that is opened only for reading is followed
// (OpenMode::kFollow) and does not keep other processes from writing.
//
// A store stays with its users where its directory is moved, removed or
// replaced. What is at the path then is another store, with an entry of its
// own.
//
// Processes take turns: who wants to write waits for the holder
// (kv/process/open_wait.h and kv/rocksdb/holder_file.h), and a holder that has
// no users closes the store at once when somebody waits. Then it stands back
// for a moment, so that the store is the other's, also where it wants the store
// again itself.
//
// One background thread serves the process: it closes idle stores and does
// their maintenance. It looks whether somebody waits while a store is idle, and
// only then. Where the system has no thread for it, stores work without, and
// it is tried again with every open, close and commit that has work for it.
//
// Invariants:
//  1. Who was given a store keeps it open; all of them together are one Lease.
//  2. A store is closed under its entry's mutex, by somebody who holds
//     serve_mutex_ or is opening it, and only while it has no users.
//  3. After Shutdown() has dealt with an entry, its store is neither closed
//     nor opened any more: RocksDB's static objects may be gone.
//
// Thread-safe.

#ifndef ACTORKV_KV_PROCESS_STORE_REGISTRY_H_
#define ACTORKV_KV_PROCESS_STORE_REGISTRY_H_

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "kv/engine/engine_home.h"
#include "kv/process/open_wait.h"

namespace actorkv {

class Store;
class Upkeep;

class StoreRegistry {
 public:
  // The one of the process. Never destroyed: see Shutdown().
  static StoreRegistry* Instance();

  // True in a child of fork() of a process that had opened a store. Nothing of
  // ours may run there: the store's threads are not there, its files are the
  // parent's, and RocksDB's threads do not come back.
  static bool InForkedChild();

  // What there is to say in such a child: kNotSupported.
  static Status ForkedChildError();

  // `directory` is absolute. With kCreate it is made when it is missing or
  // empty; kFollow gives this process's own writer where there is one. A store
  // is opened under the name of its directory that has no links, so that a link
  // that is pointed elsewhere later does not take it apart.
  // While another process has it open for writing, an open for writing waits
  // as long as `wait` says.
  // Errors: kNotFound (no store there); kInvalidArgument (not empty and not a
  // store; not a directory); kBusy, naming the pid, when another process is
  // writing; kFenced when this process writes to the directory under another
  // name that does not lead there any more; kNotSupported (a newer format;
  // after fork()); kIOError, also while the process ends; those of
  // wait->Pause(); those of CheckScheme().
  Status Acquire(const std::string& directory, OpenMode mode,
                 const OpenWait& wait, std::shared_ptr<Store>* store);

  // The same, and waits for nobody.
  Status Acquire(const std::string& directory, OpenMode mode,
                 std::shared_ptr<Store>* store) {
    return Acquire(directory, mode, OpenWait(), store);
  }

  // Gives the background thread something to do now.
  void Wake();

  // Closes every idle store now, without the linger, and returns how many.
  // Waits for the maintenance that is under way.
  uint64_t CloseIdle();

  // At exit: stops the thread, makes all stores durable and closes them under
  // their users, who get errors from then on. Waits for opens and other calls
  // that are under way, for kExitTime at most: false when one lasts longer, and
  // then RocksDB is in use still. Does nothing in a child of fork().
  bool Shutdown();

  // Engines come from `factory`; nullptr: from their homes again.
  using EngineFactory = std::function<Status(
      const std::string& directory, OpenMode mode, std::unique_ptr<Engine>*)>;
  void SetEngineFactoryForTesting(EngineFactory factory);

  // Of a store that was given out, as long as it is.
  std::shared_ptr<Upkeep> UpkeepForTesting(const Store* store);

 private:
  using Clock = std::chrono::steady_clock;
  // The place, whether it follows; and 0, or a number for each entry that
  // another took the place of. It is closed after its last user, like any
  // other.
  using Key = std::tuple<uint64_t, uint64_t, bool, uint64_t>;
  static Key KeyOf(const StoreIdentity& identity, bool follows) {
    return {identity.place[0], identity.place[1], follows, 0};
  }

  static constexpr std::chrono::seconds kExitTime{10};
  // How long the store is left to who waited for it. They look every few
  // milliseconds; one that was stopped must not keep the store from others.
  static constexpr std::chrono::milliseconds kStandBack{100};
  static constexpr std::chrono::milliseconds kLookInterval{5};

  struct Lease;

  struct Entry {
    std::mutex mutex;  // held while the store opens or closes
    std::shared_ptr<Store> store;
    std::shared_ptr<Upkeep> upkeep;  // of the store: goes before it
    std::weak_ptr<Lease> lease;      // of its users, while there are any
    StoreIdentity identity;
    bool is_replaced = false;  // by another entry of the same directory
    Clock::time_point idle_since = Clock::time_point::max();
    // It was closed for somebody who waits, whose turn it is until then.
    Clock::time_point stand_back_until = Clock::time_point::min();
    // Who opens an idle store looks for others not before this: it is a system
    // call, and opens may be thousands a second.
    Clock::time_point next_look = Clock::time_point::min();

    bool IsIdle() const { return store != nullptr && lease.expired(); }
  };

  // What an Acquire() needs in each of its attempts.
  struct Attempt {
    const std::string& directory;
    const OpenMode mode;
    const OpenWait& wait;
    EngineHome* home = nullptr;
    std::unique_ptr<PlaceWait> mark = nullptr;  // since it waits
    std::shared_ptr<Entry> entry = nullptr;     // since the first of them
  };

  // What the thread found.
  struct Look {
    bool more = false;  // there is maintenance to do at once
    bool idle = false;  // a store without users is open
    bool open = false;  // a store is open
  };

  StoreRegistry();
  std::shared_ptr<Entry> FindEntry(const Key& key);
  std::shared_ptr<Store> WriterOf(const std::string& directory,
                                  const StoreIdentity& identity);
  Status AcquireNow(Attempt* attempt, std::shared_ptr<Store>* store);
  // *again: the directory changed meanwhile.
  Status AcquireOnce(Attempt* attempt, std::shared_ptr<Store>* store,
                     bool* again);
  // Whether another process has it still: there is no use in an attempt yet.
  bool IsOpenElsewhere(const Attempt& attempt);
  // All below that take an entry REQUIRE its mutex, but for ServeEntry().
  //
  // Makes room where the entry has a store that is not what `directory`, of
  // which `now` was read, means.
  Status GiveUpStale(const Attempt& attempt, StoreIdentity now, Entry* entry);
  void Replace(Entry* entry);
  // Leaves the store to somebody who waits, where `attempt` can wait as well.
  Status GiveWay(Entry* entry, Attempt* attempt);
  Status OpenInto(const Attempt& attempt, Entry* entry);
  Status OpenEngine(const Attempt& attempt, const std::string& directory,
                    std::unique_ptr<Engine>* engine);
  static std::shared_ptr<Store> Lend(Entry* entry);
  static void CloseStore(Entry* entry);
  std::map<Key, std::shared_ptr<Entry>> Entries();

  // A last user has gone.
  void NoteIdle();
  // REQUIRES: mutex_ held.
  void StartThread();
  void Run();
  void DropClosedEntries();
  void ServeOnce(Look* look);
  void ServeEntry(Entry* entry, Look* look);
  bool CloseIfIdle(Entry* entry, std::chrono::milliseconds linger);
  bool EndAll(Clock::time_point give_up);

  std::mutex serve_mutex_;           // one serves at a time; taken first
  std::atomic<int> closers_{0};      // who waits for it, and not to serve
  std::atomic<bool> sleeps_{false};  // the thread does not look at idle stores
  std::atomic<bool> stopping_{false};  // changes under mutex_

  std::mutex mutex_;  // of what follows; never held while a store opens
  std::condition_variable wake_;
  std::condition_variable stopped_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  EngineFactory factory_;
  pthread_t thread_ = {};
  bool thread_runs_ = false;
  uint64_t replaced_count_ = 0;
  bool woken_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_STORE_REGISTRY_H_
