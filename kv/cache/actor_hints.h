// ActorHints: keeps what an actor learns about its first reads while it is open
// in this process (kv/cache/hint_learner.h): asleep -> awake -> asleep.
//
// Thread-safe. An actor that is not learning costs its readers one load of
// memory that nobody writes to, and only where they miss the page cache.

#ifndef ACTORKV_KV_CACHE_ACTOR_HINTS_H_
#define ACTORKV_KV_CACHE_ACTOR_HINTS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/cache/hint_learner.h"

namespace actorkv {

// LearnedHints: the hints of an actor, on their way to the store
// (kv/store/hints.h).
struct LearnedHints {
  std::string name;  // the actor's, for messages
  ActorId actor;
  HintsRecord record;  // with the generation under which it was learned
};

// Lesson: an actor that is learning; nothing without a learner.
struct Lesson {
  // Returns the hints so far. `name` is the actor's. REQUIRES: a learner.
  LearnedHints Learned(const std::string& name) const;

  std::unique_ptr<HintLearner> learner;
  ActorId actor;
  Generation generation;  // the head's at the wake
};

class ActorHints {
 public:
  bool is_learning() const { return learning_.load(std::memory_order_relaxed); }
  bool is_asleep() const { return asleep_.load(std::memory_order_relaxed); }

  // Returns true for the one caller who is to wake the actor.
  bool Wake() { return is_asleep() && asleep_.exchange(false); }

  // Wakes the learner, see HintLearner::Wake(). From before that on Note()
  // tells it, so that a page is either cached for it, or its use is heard.
  std::vector<PageNo> Learn(Lesson lesson, const HintLearner::Limits& limits,
                            const std::function<bool(PageNo)>& is_cached);

  // See HintLearner::Note().
  void Note(PageNo pgno, bool was_preloaded) {
    if (is_learning()) NoteWhileLearning(pgno, was_preloaded);
  }

  // See HintLearner::EndPreload(). REQUIRES: whoever woke the actor has it
  // open.
  void EndPreload();

  // Returns the hints so far; nothing where it does not learn. `name` is the
  // actor's.
  std::optional<LearnedHints> LearnedSoFar(const std::string& name);

  // Puts the actor, which was closed, to sleep. Returns the lesson of Learn().
  Lesson Sleep();

 private:
  void NoteWhileLearning(PageNo pgno, bool was_preloaded);

  std::atomic<bool> asleep_{true};
  std::atomic<bool> learning_{false};

  std::mutex mutex_;  // guards what follows
  Lesson lesson_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_ACTOR_HINTS_H_
