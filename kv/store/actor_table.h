// ActorTable: the actors of a store that this process has open, and some that
// it had open.
//
// Invariants:
//  1. There is at most one Actor for each name, so what one connection commits
//     all others know.
//  2. An idle actor is used by nobody: the table has the only reference. It is
//     kept for its head, which who opens it next need not read.
//  3. What is known of an idle actor is what a connection that had stayed open
//     would know: nothing changes the head of an actor but an Actor, or a
//     change in WhileClosed(). Another process may do so only
//     where the store is followed, and then the epoch tells (kv/store/actor.h).
//
// Thread-safe. No lock is held while anything is read. Its mutex is taken
// before that of an actor, and no other one while it is held.

#ifndef ACTORKV_KV_STORE_ACTOR_TABLE_H_
#define ACTORKV_KV_STORE_ACTOR_TABLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/store/actor.h"
#include "kv/store/pins.h"

namespace actorkv {

struct Lesson;
class StoreSide;

class ActorTable {
 public:
  // See Actor. Without `keeps_idle` an actor is forgotten with its last user:
  // another process may change its head. `side`: where another process owns the
  // store; null otherwise.
  ActorTable(Engine* engine, const std::atomic<uint64_t>* epoch,
             bool keeps_idle, StoreSide* side = nullptr);
  ActorTable(const ActorTable&) = delete;
  ActorTable& operator=(const ActorTable&) = delete;

  // The actor of this name, existing or not. Errors: kBusy during a change.
  Status Open(const std::string& name, std::shared_ptr<Actor>* actor);

  // The caller has no more use for it: see Store::CloseActor(). Returns what
  // the actor learned where nobody has it open any more.
  Lesson Close(std::shared_ptr<Actor> actor);

  // True while anyone holds the result of Open(name).
  bool IsOpen(const std::string& name);

  // Since when, in microseconds since 1970; 0: not open.
  uint64_t OpenedAtUs(const std::string& name);

  // Null unless the actor is open.
  std::shared_ptr<Actor> Lock(const std::weak_ptr<Actor>& actor);

  // Adds the head of the actor as connections may be given it next without
  // reading it. Nothing of an actor that is not open: it is forgotten, and who
  // opens it later reads its head.
  void AddOpenHead(const std::string& name, std::vector<PinnedSnapshot>* heads);

  // Another process changed the entry of this name, or the head of this actor,
  // without saying what it is now: who needs it reads it.
  void ForgetHead(const std::string& name);
  void ForgetHeadOf(ActorId actor);

  // Runs `change` while no one has any of `names` open; Open() of them
  // meanwhile is kBusy, and what was known of them is forgotten. Errors: kBusy
  // when one is open or is being changed; then nothing has begun.
  Status WhileClosed(const std::vector<std::string>& names,
                     const std::function<Status()>& change);

 private:
  using IdleActors = std::list<std::shared_ptr<Actor>>;
  struct Entry {
    std::weak_ptr<Actor> actor;
    IdleActors::iterator idle;  // the end of idle_: not idle
  };

  class Changing;

  // Until EndChange() nobody has any of `names` open. Errors: kBusy; then
  // nothing has begun.
  Status BeginChange(const std::vector<std::string>& names);
  void EndChange(const std::vector<std::string>& names) noexcept;

  // What the users of an open actor may be given without reading; null:
  // nothing.
  std::shared_ptr<const HeadState> KnownIfOpen(const std::string& name);

  // These REQUIRE that mutex_ is held.
  std::shared_ptr<Actor> FindOpenLocked(const std::string& name);
  void DropIdleLocked(const std::string& name, IdleActors* dropped);
  void SweepLocked();

  Engine* const engine_;
  const std::atomic<uint64_t>* const epoch_;
  const bool keeps_idle_;
  StoreSide* const side_;

  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  IdleActors idle_;  // the one that was closed last comes first
  size_t sweep_at_;  // entries
  std::set<std::string> changing_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_ACTOR_TABLE_H_
