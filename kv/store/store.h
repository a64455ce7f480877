// Store: one engine, its catalog, clock and open actors.
//
// A store is used by every connection of the process that has one of its
// actors open (kv/process/store_registry.h). It holds what they share, each in
// an object of its own, and commits; what is to be done in the background it
// only notes (kv/process/upkeep.h).
//
// Thread-safe. Who takes several of its locks takes them in this order:
//
//   the turn to reclaim      reclaim_turns.h
//   the history gate         history_gate.h
//   the table of actors      actor_table.h
//   an actor                 actor.h
//
// The clock and settings, pins, hints, leases and work have locks of their own,
// behind which no other one of the store is taken.

#ifndef ACTORKV_KV_STORE_STORE_H_
#define ACTORKV_KV_STORE_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/work_meter.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/store/actor_table.h"
#include "kv/store/clock.h"
#include "kv/store/commit_ids.h"
#include "kv/store/held_leases.h"
#include "kv/store/history_gate.h"
#include "kv/store/pins.h"
#include "kv/store/reclaim_turns.h"
#include "kv/store/work_queue.h"

namespace actorkv {

class HintQueue;
class SettingsCache;
class StoreSide;
struct MovedHead;

class Store : public std::enable_shared_from_this<Store> {
 public:
  // Reads or, on an empty engine, writes the store record; of an older format
  // it is written anew, unless read-only. `path` is for messages. A store on a
  // follower engine is read-only. Who opens one to write to it lets Upkeep load
  // what a dead process left in it.
  // Errors: kNotSupported for a store of a newer format, naming it.
  static Status Open(std::string path, std::unique_ptr<Engine> engine,
                     bool read_only, std::shared_ptr<Store>* store);
  // Opens a store that another process owns: `engine` reads and writes by
  // `side`, which asks the owner. Errors: the same.
  static Status OpenShared(std::string path, std::unique_ptr<Engine> engine,
                           std::unique_ptr<StoreSide> side,
                           std::shared_ptr<Store>* store);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& path() const { return path_; }
  bool read_only() const { return read_only_; }
  // What the owner is asked by, where that is another process; null otherwise.
  StoreSide* side() { return side_.get(); }
  const StoreRecord& record() const { return record_; }
  Engine* engine() { return engine_.get(); }

  // What its users share.
  Clock* clock() { return &clock_; }
  CommitIds* commit_ids() { return &commit_ids_; }
  PinTable* pins() { return &pins_; }
  ActorTable* actors() { return &actors_; }
  SettingsCache* settings() { return settings_.get(); }
  HintQueue* hints() { return hints_.get(); }
  HeldLeases* leases() { return &leases_; }
  HistoryGate* history_gate() { return &history_gate_; }
  ReclaimTurns* reclaim_turns() { return &reclaim_turns_; }
  WorkQueue* work() { return &work_; }

  // Rises when a follower sees something new, before any read shows it: what
  // was read before and what is read after may be of different times. In a
  // process that shares the store, where a pin keeps nothing any more.
  uint64_t epoch() const;

  // Of this object, never used again in the process: a store that was opened
  // anew, or a copy of it, shares no cached page.
  uint64_t cache_id() const { return cache_id_; }

  // True for the first who asks: that one tells what the engine lost.
  bool IsFirstToTell() { return !damage_told_.exchange(true); }

  // The shared state of the actor of this name, existing or not.
  // Errors: kInvalidArgument for a name that no actor can have; kBusy while
  // the actor is renamed or deleted.
  Status OpenActor(const std::string& name, std::shared_ptr<Actor>* actor);

  // The caller has no more use for the result of OpenActor(). Not needed for an
  // actor to be closed, but who opens it next finds its head without reading,
  // and what it learned is kept. Errors, of interest to people only: kFenced
  // when what it learned is not kept, because another owner has taken over.
  Status CloseActor(std::shared_ptr<Actor> actor);

  // A follower looks for commits of the writer. Nothing on a writer.
  Status CatchUp();

  // False where leftovers of an earlier commit may turn up late under the
  // actor's branch (an engine that commits partition by partition): then the
  // next commit goes to a new branch, which no leftover can reach.
  bool CanContinueBranch(Actor* actor);

  // New id in no other use, for an actor, a branch or legacy pairs; `above`:
  // that of a branch from which the new one comes. See Clock::NextId().
  uint64_t NewId(Batch* batch, uint64_t above = 0) {
    return clock_.NextId(above, batch);
  }

  // Has work on the actor of this name, or of no single one (empty), shown from
  // now on, here and to other processes. REQUIRES: the store outlives it.
  WorkMeter BeginWork(WorkKind what, std::string_view actor) {
    return {what, path_, actor, engine_->work_board()};
  }

  // Commits, and tells those who wait for it (Batch::WhenDone()). Every commit
  // of this tree goes through here; in runs where the engine wants it
  // (kv/store/commit_runs.h).
  // `heads`, where there are any: those that the batch moves, for the owner
  // where that is another process (kv/store/store_side.h).
  CommitResult Commit(const Batch& batch, Durability durability,
                      std::vector<MovedHead>* heads = nullptr);

  // Called before the last use: makes everything durable.
  void Close();

 private:
  Store(std::string path, std::unique_ptr<Engine> engine,
        std::unique_ptr<StoreSide> side, bool read_only);
  // What Open() and OpenShared() do with one that was made.
  static Status Load(const std::shared_ptr<Store>& opened);

  const std::string path_;
  const bool read_only_;
  const uint64_t cache_id_;
  const std::unique_ptr<StoreSide> side_;  // null: this process owns it
  const std::unique_ptr<Engine> engine_;   // may use side_
  StoreRecord record_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<bool> damage_told_{false};
  Clock clock_;
  CommitIds commit_ids_;
  PinTable pins_;
  HistoryGate history_gate_;
  ActorTable actors_;
  const std::unique_ptr<SettingsCache> settings_;
  const std::unique_ptr<HintQueue> hints_;
  HeldLeases leases_;
  WorkQueue work_;
  ReclaimTurns reclaim_turns_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_STORE_H_
