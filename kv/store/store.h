// Store: one engine, its catalog, clock and open actors.
//
// A store is used by every connection of the process that has one of its
// actors open (kv/process/store_registry.h). Thread-safe.

#ifndef ACTORKV_KV_STORE_STORE_H_
#define ACTORKV_KV_STORE_STORE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/gate.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/store/actor.h"
#include "kv/store/actor_table.h"
#include "kv/store/clock.h"
#include "kv/store/hints.h"
#include "kv/store/pins.h"
#include "kv/store/retention.h"

namespace actorkv {

class BackgroundReclaim;

class Store : public std::enable_shared_from_this<Store> {
 public:
  // Reads or, on an empty engine, writes the store record; of an older format
  // it is written anew, unless read-only. `path` is for messages. A store on a
  // follower engine is read-only.
  // Errors: kNotSupported for a store of a newer format, naming it.
  static Status Open(std::string path, std::unique_ptr<Engine> engine,
                     bool read_only, std::shared_ptr<Store>* store);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& path() const { return path_; }
  // True for the first who asks: that one tells what the engine lost.
  bool IsFirstToTell() { return !damage_told_.exchange(true); }

  bool read_only() const { return read_only_; }
  Engine* engine() { return engine_.get(); }
  Clock* clock() { return &clock_; }
  const StoreRecord& record() const { return record_; }
  PinTable* pins() { return &pins_; }
  SettingsCache* settings() { return &settings_; }

  // Rises when a follower sees something new, before any read shows it: what
  // was read before and what is read after may be of different times.
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  // Of this object, never used again in the process: a store that was opened
  // anew, or a copy of it, shares no cached page.
  uint64_t cache_id() const { return cache_id_; }

  // The shared state of the actor of this name, existing or not.
  // Errors: kInvalidArgument for a name that no actor can have; kBusy while
  // the actor is renamed or deleted.
  Status OpenActor(const std::string& name, std::shared_ptr<Actor>* actor);

  // The caller has no more use for the result of OpenActor(). Not needed for an
  // actor to be closed, but who opens it next finds its head without reading,
  // and what it learned is kept. Errors, of interest to people only: kFenced
  // when what it learned is not kept, because another owner has taken over.
  Status CloseActor(std::shared_ptr<Actor> actor);

  HintQueue* hints() { return &hints_; }

  // The preload hints of an actor, as ReadHints() finds them, or newer.
  Status LoadHints(const HintsOwner& owner, HintsRecord* record);

  // True while anyone holds the result of OpenActor(name).
  bool IsOpen(const std::string& name) { return actors_.IsOpen(name); }

  // Since when, in microseconds since 1970; 0: not open.
  uint64_t OpenedAtUs(const std::string& name) {
    return actors_.OpenedAtUs(name);
  }

  // Runs `change` while no one has any of `names` open; OpenActor() of them
  // meanwhile is kBusy. Errors: kBusy when one is open.
  Status WhileClosed(const std::vector<std::string>& names,
                     const std::function<Status()>& change);

  // A follower looks for commits of the writer. Nothing on a writer.
  Status CatchUp();

  // False where leftovers of an earlier commit may turn up late under the
  // actor's branch (an engine that commits partition by partition): then the
  // next commit goes to a new branch, which no leftover can reach.
  bool CanContinueBranch(Actor* actor);

  // New id in no other use, for an actor, a branch or legacy pairs. See
  // Clock::Next.
  uint64_t NewId(Batch* batch) { return clock_.Next(batch); }
  CommitId NewCommitId();
  // `id` is one of NewCommitId() of this object.
  bool IsOwn(const CommitId& id) const;

  // Commits and tells the clock. Every commit of this tree goes through here.
  // On an engine without multi_partition_commit a batch goes in runs of
  // operations of one partition, in its own order, each guard in
  // the run that has its key; it stops at the first run that is not done.
  CommitResult Commit(const Batch& batch, Durability durability);

  // Who works under a lease in this process (kv/legacy/legacy_lease.h), so that
  // a lease whose end could not be stored is still known to be over.
  void NoteLease(const CommitId& owner, bool held);
  bool HoldsLease(const CommitId& owner);

  // A stage that no transaction will commit any more. Where there is no memory
  // to note it, it is found when the store is opened next; so too below.
  void AddDeadStage(ActorId actor, BranchId branch) noexcept;

  // An import of legacy pairs that ended. Its pairs are dropped unless an actor
  // has them.
  void AddDeadImport(LegacyId legacy) noexcept;

  // The head of the actor as connections may be given it next without reading
  // it. Nothing of an actor that is not open: who opens it later reads its
  // head.
  void AddOpenHead(const std::string& name, std::vector<PinnedSnapshot>* heads);

  // Held exclusively by reclaim (kv/reclaim/reclaim.h) while it decides which
  // commits expire, and while it removes their records by that decision.
  Gate* history_gate() { return &history_gate_; }

  // Held by who makes more of the past needed than reclaim may know: something
  // begins at an older commit, or history is to be kept longer. A commit with a
  // guard on a commit record, by which it says that something begins there,
  // takes it in Commit().
  Gate::Hold KeepHistory();

  // Rises with each KeepHistory(). REQUIRES: history_gate() is held
  // exclusively.
  uint64_t history_count() const { return history_count_.load(); }

  // How many commits of transactions began.
  uint64_t commit_count() const { return commit_count_.load(); }

  // One reclaims at a time. A background pass is given up for the caller, and
  // begins again later.
  std::unique_lock<std::mutex> BeginReclaim();

  // A bounded piece of background work: drops a dead stage or import, flattens
  // a branch, or reclaims a little. *more: there is more to do at once.
  Status Maintain(bool* more);

  // Background reclaim begins its next pass now, as at `now_us` of the wall
  // clock (0: by that), also where it is turned off.
  void ReclaimSoonForTesting(uint64_t now_us = 0);

  // There is something for Maintain(). Costs nothing to ask.
  bool NeedsMaintenance() const { return work_waits_.load(); }

  // Asks for a look at the depth of this actor's branch.
  void SuggestFlatten(const std::shared_ptr<Actor>& actor) noexcept;

  // Called before the last use: makes everything durable.
  void Close();

 private:
  struct Stage {
    ActorId actor;
    BranchId branch;
  };
  Store(std::string path, std::unique_ptr<Engine> engine, bool read_only);
  Status LoadRecord(EngineReader* reader);
  Status CreateRecord();
  Status RaiseRecord();
  // Calls `add` for each pair of the catalog under `prefix`.
  Status ScanCatalog(EngineReader* reader, const std::string& prefix,
                     const std::function<Status(const KeyValue&)>& add);
  Status LoadDeadStages(EngineReader* reader);
  // Puts what it is about back where that fails.
  template <typename Drop, typename PutBack>
  Status DropOrPutBack(const Drop& drop, const PutBack& put_back);
  Status DropStage(const Stage& stage);
  Status DropImport(LegacyId legacy);
  CommitResult CommitInRuns(const Batch& batch, Durability durability);
  CommitResult CommitRuns(const Batch& batch, Durability durability);
  Status FlattenOne(const std::shared_ptr<Actor>& actor);
  void QueueWhatIsLearned();
  Status WriteHintsOfOne();
  Status ReclaimSome();

  const std::string path_;
  const bool read_only_;
  const uint64_t cache_id_;
  const std::unique_ptr<Engine> engine_;
  Clock clock_;
  StoreRecord record_;
  PinTable pins_;
  SettingsCache settings_;
  Gate history_gate_;
  std::atomic<uint64_t> history_count_{0};
  std::atomic<uint64_t> epoch_{0};
  std::atomic<uint64_t> commit_count_{0};
  std::atomic<bool> damage_told_{false};
  uint64_t commit_id_base_ = 0;  // random, one per opened store
  ActorTable actors_;
  HintQueue hints_;

  std::mutex mutex_;
  std::set<CommitId> leases_;  // as many as are held
  std::vector<Stage> dead_stages_;
  std::vector<LegacyId> dead_imports_;
  std::vector<std::weak_ptr<Actor>> flatten_queue_;
  std::atomic<bool> work_waits_{false};  // in one of the three above

  std::mutex reclaim_mutex_;  // taken before mutex_
  std::unique_ptr<BackgroundReclaim> background_reclaim_;
};

// Errors: kInvalidArgument with the reason: empty, too long, '/', NUL, not
// UTF-8, "." or "..".
Status CheckActorName(const std::string& name);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_STORE_H_
