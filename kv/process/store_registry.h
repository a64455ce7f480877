// StoreRegistry: the open stores of this process.
//
// There is one Store per place (by what it is, not by its name: see
// StoreIdentity) and process, shared by all connections, and closed a short
// time after its last user is gone, so that connections may come and go
// cheaply.
//
// The first process to open a store owns it, and serves it to the others, which
// share it by a session (kv/share/share_server.h, share_client.h). Where that
// one ends, one of the others becomes the owner: its process then has the store
// twice, shared by whoever had it before and owned by whoever opens it from now
// on. A directory that is opened only for reading (OpenMode::kFollow) is used
// as this process has it open, else shared, and followed where nobody serves
// it.
//
// A store stays with its users where its directory is moved, removed or
// replaced. What is at the path then is another store, with an entry of its
// own.
//
// Where the owner does not serve, processes take turns: who wants to write
// waits for the holder (kv/process/open_wait.h and kv/rocksdb/holder_file.h),
// and a holder that has no users, and no sessions, closes the store at once
// when somebody waits. Then it stands back for a moment, so that the store is
// the other's, also where it wants the store again itself.
//
// A child of fork() has a registry of its own, without stores: what its parent
// had open it leaves as it is, and opens anew what it wants, to share it with
// its parent or to own it.
//
// A process that is there to serve a store (kv/process/serving.h) claims it
// (EngineHome::Claim()). The owner of the moment leaves it then, as it would at
// its exit, where no connection of its process uses the store as the owner's;
// and nobody else becomes the owner while the claim is there, unless its
// process lets kClaimTime pass.
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
//  3. A store is served only while it is open: its sessions end before it is
//     closed, and sessions that are not idle keep it open.
//  4. No page goes that a live process may still read: who becomes the owner
//     beside others removes nothing until they had time to tell what they read
//     (kv/store/reclaim_turns.h, invariant 1).
//  5. After Shutdown() has dealt with an entry, its store is neither closed
//     nor opened any more: RocksDB's static objects may be gone.
//
// Thread-safe. An entry of a shared store is locked before that of the owner,
// which its session may have to open.

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
#include <vector>

#include "kv/engine/engine_home.h"
#include "kv/process/open_wait.h"
#include "kv/process/shared_stores.h"

namespace actorkv {

class Store;
class Upkeep;

// How a process has a store open.
enum class StoreAccess {
  kOwns,     // it has the engine open, and may serve others
  kShares,   // by a session with the owner
  kFollows,  // it reads what another process writes, without a session
};

// SharingInfo: how a store is shared, for people.
struct SharingInfo {
  StoreAccess access = StoreAccess::kFollows;
  uint32_t owner_pid = 0;  // 0: not known
  std::string owner_program;
  size_t session_count = 0;  // of an owner
  // Why an owner does not serve, or who follows does not share; empty: an owner
  // serves, and who follows found nobody who does.
  std::string not_shared;
  bool is_meant = false;  // what `not_shared` says: by the setting
  // On which the store is, where other machines may have it as well
  // (kv/files/file_system.h); empty: it is of this machine.
  std::string file_system;
};

class StoreRegistry {
 public:
  // The one of the process. Never destroyed: see Shutdown(). In a child of
  // fork() it is another one, without stores.
  static StoreRegistry* Instance();

  // For Instance().
  StoreRegistry() = default;
  StoreRegistry(const StoreRegistry&) = delete;
  StoreRegistry& operator=(const StoreRegistry&) = delete;

  // `directory` is absolute. With kCreate it is made when it is missing or
  // empty; kFollow gives what this process has open to write where it does. A
  // store
  // is opened under the name of its directory that has no links, so that a link
  // that is pointed elsewhere later does not take it apart.
  // While another process has it open and does not serve it, an open for
  // writing waits as long as `wait` says.
  // Errors: kNotFound (no store there); kInvalidArgument (not empty and not a
  // store; not a directory); kBusy, naming the pid, when another process is
  // writing; kFenced when this process writes to the directory under another
  // name that does not lead there any more; kNotSupported (a newer format; an
  // owner of another protocol; an engine that fork() broke); kIOError, also
  // while the process ends, and where the owner cannot be reached; those of
  // wait->Pause(); those of CheckScheme().
  Status Acquire(const std::string& directory, OpenMode mode,
                 const OpenWait& wait, std::shared_ptr<Store>* store);

  // The same, and waits for nobody.
  Status Acquire(const std::string& directory, OpenMode mode,
                 std::shared_ptr<Store>* store) {
    return Acquire(directory, mode, OpenWait(), store);
  }

  // Does what a process that shares a store wants done in its owner's:
  // `store_path` is that of the store, the others are as in
  // ShareServer::CallFunction. Counts for stores that are opened after. Starts
  // nothing.
  using CallFunction =
      Status (*)(const std::string& store_path, const CallSpec& call,
                 const std::function<Status(const ShareServer::Row&)>& add,
                 const std::function<Status()>& keep_on);
  static void SetCallFunction(CallFunction call);

  // How a store that was given out is shared.
  SharingInfo SharingOf(const Store* store);
  // The sessions with this process, where it owns the store and serves.
  std::vector<SessionInfo> SessionsOf(const Store* store);
  // The session of this process, where it shares the store; null otherwise.
  std::shared_ptr<ShareClient> ClientOf(const Store* store);

  // Acquires the store as its owner alone, for the process that has claimed it,
  // and waits for the owner of the moment to leave it as long as `wait` says.
  // Errors: those of Acquire(); kBusy, and why the owner may not have left.
  Status AcquireToServe(const std::string& directory, const OpenWait& wait,
                        const std::shared_ptr<PlaceClaim>& claim,
                        std::shared_ptr<Store>* store);
  // Leaves a store that was acquired so to the other processes, now, where no
  // connection of this one uses it. REQUIRES: the caller has given it back.
  void LeaveToOthers(const std::string& directory);
  // Whether the process is about to end: its stores are closed under their
  // users.
  bool is_ending() const { return stopping_.load(); }

  // Gives the background thread something to do now.
  void Wake();

  // Closes every idle store now, without the linger, and returns how many.
  // Waits for the maintenance that is under way.
  uint64_t CloseIdle();

  // At exit: stops the thread, makes all stores durable and closes them under
  // their users, who get errors from then on. Waits for opens and other calls
  // that are under way, for kExitTime at most: false when one lasts longer, and
  // then RocksDB is in use still.
  bool Shutdown();

  // Engines come from `factory`; nullptr: from their homes again.
  using EngineFactory = std::function<Status(
      const std::string& directory, OpenMode mode, std::unique_ptr<Engine>*)>;
  void SetEngineFactoryForTesting(EngineFactory factory);

  // Of a store that was given out, as long as it is.
  std::shared_ptr<Upkeep> UpkeepForTesting(const Store* store);

 private:
  using Clock = std::chrono::steady_clock;
  // The place, how it is open; and 0, or a number for each entry that another
  // took the place of. It is closed after its last user, like any other.
  using Key = std::tuple<uint64_t, uint64_t, StoreAccess, uint64_t>;
  static Key KeyOf(const StoreIdentity& identity, StoreAccess access) {
    return {identity.place[0], identity.place[1], access, 0};
  }

  static constexpr std::chrono::seconds kExitTime{10};
  // How long an owner that ends lets requests go on.
  static constexpr std::chrono::milliseconds kLastRequests{200};
  // How long the store is left to who waited for it. They look every few
  // milliseconds; one that was stopped must not keep the store from others.
  static constexpr std::chrono::milliseconds kStandBack{100};
  static constexpr std::chrono::milliseconds kLookInterval{5};
  // How long who leaves a store to others lets functions go on.
  static constexpr std::chrono::seconds kLastCalls{10};
  // How long a store is left to who has claimed it and does not open it.
  static constexpr std::chrono::milliseconds kClaimTime{1000};

  struct Lease;

  struct Entry {
    std::mutex mutex;  // held while the store opens or closes
    std::shared_ptr<Store> store;
    std::shared_ptr<Upkeep> upkeep;          // of the store: goes before it
    std::shared_ptr<ServedStore> served;     // of an owner: goes first
    std::unique_ptr<JoinedStore> joined;     // of a shared store: has it too
    std::string not_shared;                  // why `served` is null
    bool is_meant = false;                   // that it is
    std::atomic<bool> session_ended{false};  // and nobody has looked since
    std::weak_ptr<Lease> lease;  // of its users, while there are any
    StoreIdentity identity;
    bool is_replaced = false;  // by another entry of the same directory
    Clock::time_point idle_since = Clock::time_point::max();
    // It was closed for somebody who waits, whose turn it is until then.
    Clock::time_point stand_back_until = Clock::time_point::min();
    // Who opens an idle store looks for others not before this: it is a system
    // call, and opens may be thousands a second.
    Clock::time_point next_look = Clock::time_point::min();
    // Of this process, on the store that it owns, or is about to.
    std::weak_ptr<PlaceClaim> claim;
    // The store was found to be about to be another's, and is left to it until
    // then.
    Clock::time_point claimed_until = Clock::time_point::min();

    // Whether somebody has it who has no part in the lease: pages may be being
    // read ahead.
    bool IsAtWork() const {
      return store.use_count() > (joined == nullptr ? 1 : 2);
    }
    bool IsIdle() const {
      return store != nullptr && lease.expired() &&
             (served == nullptr || served->server()->session_count() == 0);
    }
  };

  // What an Acquire() needs in each of its attempts.
  struct Attempt {
    const std::string& directory;
    const OpenMode mode;
    const OpenWait& wait;
    const StoreAccess access;
    EngineHome* home = nullptr;
    std::unique_ptr<PlaceWait> mark = nullptr;  // since it waits
    std::shared_ptr<Entry> entry = nullptr;     // of `access`; null: not known
    std::shared_ptr<PlaceClaim> claim = nullptr;  // of who is there to serve
    std::string not_shared = {};  // why one that is followed is not shared
  };

  // What the thread found.
  struct Look {
    bool more = false;  // there is maintenance to do at once
    bool idle = false;  // a store without users is open
    bool open = false;  // a store is open
  };

  std::shared_ptr<Entry> FindEntry(const Key& key);
  std::unique_lock<std::mutex> LockEntry(Entry* entry);
  std::shared_ptr<Entry> EntryOf(const Store* store);
  // The entries of a place, by one look; null: there is none.
  struct Known {
    std::shared_ptr<Entry> owned;
    std::shared_ptr<Entry> shared;
    bool may_share = false;  // MayShare()
  };
  Known KnownEntries(const StoreIdentity& identity);
  bool IsOpen(Entry* entry);
  // Whether connections of this process use it as a store of another process.
  bool IsUsedAsShared(Entry* shared);
  // What this process has open there, given out; null: nothing.
  std::shared_ptr<Store> OpenHere(const std::string& directory,
                                  const StoreIdentity& identity, Entry* entry);
  Status AcquireNow(Attempt* attempt, std::shared_ptr<Store>* store);
  // *again: the directory changed meanwhile.
  Status AcquireOnce(Attempt* attempt, std::shared_ptr<Store>* store,
                     bool* again);
  // The same, as attempt->access says, from attempt->entry where that is known.
  Status AcquireAs(const StoreIdentity& identity, Attempt* attempt,
                   std::shared_ptr<Store>* store, bool* again);
  Status AcquireShared(const StoreIdentity& identity, const Attempt& attempt,
                       std::shared_ptr<Store>* store, bool* again);
  // Where the owner of a shared store is gone.
  Status BecomeOwner(const std::string& directory,
                     const StoreIdentity& identity);
  bool MayShare();
  // Whether another process has it still: there is no use in an attempt yet.
  bool IsOpenElsewhere(const Attempt& attempt);
  // All below that take an entry REQUIRE its mutex, but for ServeEntry() and
  // those that say so.
  //
  // Makes room where the entry has a store that is not what `directory`, of
  // which `now` was read, means.
  Status GiveUpStale(const Attempt& attempt, StoreIdentity now, Entry* entry);
  void Replace(const Attempt& attempt, Entry* entry);
  // Leaves the store to somebody who waits, where `attempt` can wait as well.
  Status GiveWay(Entry* entry, Attempt* attempt);
  // kBusy while the store is about to be another process's.
  static Status RespectClaim(const Attempt& attempt, Entry* entry);
  // Whether somebody else has claimed the store, and it may be left.
  static bool MayLeave(const Entry& entry);
  // These take the mutex themselves. Has the next owner read little of the log,
  // where others wait for it: while it is served, as that takes its time.
  static void WriteOutLog(Entry* entry);
  bool LeaveIfClaimed(Entry* entry);
  static bool IsOfDirectory(Entry* entry, const std::string& directory);
  // Whether functions run for others in the store, which this process owns.
  bool IsCalled(const std::string& directory);
  Status OpenInto(const Attempt& attempt, const std::shared_ptr<Entry>& entry);
  Status OpenStore(const Attempt& attempt, const std::string& directory,
                   Entry* entry, std::shared_ptr<Store>* opened);
  Status Join(const Attempt& attempt, const std::string& directory,
              Entry* entry, std::shared_ptr<Store>* opened);
  void Serve(const std::shared_ptr<Entry>& entry);
  Status TryServe(const std::shared_ptr<Entry>& entry);
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
  // Waits for its turn to serve, before the thread gets another.
  std::unique_lock<std::mutex> LockServing();
  static bool EndUse(Clock::time_point give_up);
  void EndServing();
  bool EndAll(StoreAccess access, Clock::time_point give_up);

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
