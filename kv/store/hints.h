// Hints: how what an actor learned gets into its store, and out again.
//
// Hints are advice. They are written without a sync, by the store's background
// work or when the store is closed, so that neither a commit nor a close of an
// actor waits for them; what is lost on the way is learned again. What is
// damaged, or of an unknown version, counts as if it was not there.
//
// Invariants:
//  1. Hints count only under the generation of the head: a take-over takes
//     them along (Copy()), and what an owner from before it writes
//     later is refused, or at the latest not read.
//  2. Nothing is written for an actor that has no head any more.
//  3. A follower writes nothing, and so queues nothing.
//
// Thread-safe. Its mutex is taken last: nothing is called while it is held.

#ifndef ACTORKV_KV_STORE_HINTS_H_
#define ACTORKV_KV_STORE_HINTS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "kv/base/status.h"
#include "kv/cache/actor_hints.h"
#include "kv/engine/engine.h"
#include "kv/store/commit_runs.h"

namespace actorkv {

class Actor;
class StoreSide;

struct HintsOwner {
  ActorId actor;
  Generation generation;  // of its head
};

// What is stored for the actor; empty where there is nothing. Errors: kFenced
// for hints of another generation, with expected and actual; kCorruption;
// kNotSupported; kIOError.
Status ReadHints(EngineReader* reader, const HintsOwner& owner,
                 HintsRecord* record);

// An actor that is open for so long gets its hints written once before it is
// closed: its process may end without that.
constexpr std::chrono::seconds kHintLearningTime{10};

class HintQueue {
 public:
  using Clock = std::chrono::steady_clock;

  // Of the store with this engine; `commit` is its Store::Commit(). `side`:
  // where another process owns the store, which writes them then.
  HintQueue(Engine* engine, CommitFunction commit, StoreSide* side = nullptr);
  HintQueue(const HintQueue&) = delete;
  HintQueue& operator=(const HintQueue&) = delete;

  // The preload hints of an actor, as ReadHints() finds them, or newer.
  Status Load(const HintsOwner& owner, HintsRecord* record);

  // Puts the hints of `from` into the batch, as those of `to`. Nothing where
  // there are none that count. Errors: kIOError.
  Status Copy(const HintsOwner& from, const HintsOwner& to, Batch* batch);

  // Writes what was learned, where it differs from what is there; or has the
  // owner do that. Errors: kFenced when the head has another generation, with
  // expected and actual; kNotFound when there is no head; those of
  // StoreSide::SendHints().
  Status Write(const LearnedHints& learned);

  // The actor woke. Does nothing when too many did.
  void AddLearning(std::weak_ptr<Actor> actor);

  // An actor that woke so long ago. False when there is none.
  bool TakeLearning(std::weak_ptr<Actor>* actor);

  // All that learn have done so for long enough.
  void EndLearningForTesting();

  // Takes the place of what waits for the same actor. Does nothing when too
  // much waits already.
  void Add(LearnedHints learned);

  // Something waits. Costs no lock.
  bool is_waiting() const { return waits_.load(std::memory_order_relaxed); }

  // Writes the one that waits longest, if any. What is refused is dropped.
  Status WriteOne();

 private:
  static constexpr size_t kMaxWaiting = 1024;

  struct Learning {
    std::weak_ptr<Actor> actor;
    Clock::time_point until;
  };

  // What waits for the actor.
  std::optional<HintsRecord> Find(ActorId actor);
  CommitResult TryToWrite(const LearnedHints& learned);

  Engine* const engine_;
  const CommitFunction commit_;
  StoreSide* const side_;

  std::mutex mutex_;               // of what follows
  std::deque<Learning> learning_;  // the first that woke comes first
  std::deque<LearnedHints> waiting_;
  std::atomic<bool> waits_{false};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_HINTS_H_
