// StoreSide: what a store asks of the owner where another process owns it.
//
// One process has the store's engine open, the owner; others share it. A store
// that shares reads and writes by an Engine that asks the owner, and asks the
// owner by these for what the owner alone knows: which head is the newest,
// which snapshots are read, who writes, what time it is. In the owner, and in a
// process that is alone, a store has no side.
//
// Invariants:
//  1. The owner raises the word of an actor after a commit can be read and its
//     pages are known, and before anyone is told of it. So whoever wakes a pin
//     and then finds the word as it was has the newest head, and the owner sees
//     the pin (kv/store/pins.h, invariant 3).
//  2. Whoever writes holds the word of the writer, but nothing depends on that:
//     each head is guarded by the head that it replaces. A word that was lost
//     costs a conflict, never an update.
//  3. What was known of an owner ends with it, but for what never changes:
//     pages, and the snapshots that are pinned. A side goes on at the next
//     owner by itself; what it is asked meanwhile waits for that.
//
// Thread-safe.

#ifndef ACTORKV_KV_STORE_STORE_SIDE_H_
#define ACTORKV_KV_STORE_STORE_SIDE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/store/pins.h"
#include "kv/store/shared_time.h"
#include "kv/store/writer_word.h"

namespace actorkv {

class Actor;
struct HeadState;
struct LearnedHints;

// NewestHead: a head as the owner knows it.
struct NewestHead {
  std::shared_ptr<const HeadState> state;  // may be the one that was known
  uint64_t version = 0;  // of the actor's word, when this was the newest head
  // What changed since the head that was known; none: that is not known.
  std::optional<std::vector<PageNo>> changed_pages;
};

// ActorSide: what an Actor asks of the owner. Made without a message, by
// StoreSide::NewActor(); the owner hears of the actor with the first question,
// and at the end that nobody has it open here any more.
class ActorSide {
 public:
  virtual ~ActorSide() = default;

  // The word of invariant 1. It stays where it is as long as the side lives;
  // there is another one after another process has become the owner, and the
  // one before was raised then.
  virtual const std::atomic<uint64_t>* version_word() const = 0;

  // The newest head, beside what is known here (null: nothing). `pin`, where
  // there is one, was given a place by PinTable::Prepare(); it holds the head
  // in the owner when this returns. Errors: those of LoadHeadState(); kBusy
  // where the owner does not answer, or has no room for the actor or the pin;
  // kFenced where the store is not there any more.
  virtual Status LoadHead(const std::shared_ptr<const HeadState>& known,
                          const Pin* pin, NewestHead* head) = 0;

  // Rises when an owner ends, before the next one is told which pins are awake.
  // So a pin that is awake, and then finds it as it was before the owner was
  // asked to hold the head, is known to whoever is the owner.
  virtual uint64_t owner_count() const = 0;

  // Who writes, among processes.
  virtual const std::shared_ptr<WriterWord>& writer_word() const = 0;
};

// MovedHead: a head that a commit moves.
struct MovedHead {
  Actor* actor = nullptr;
  // The pages that it changes and no others.
  const std::vector<PageNo>* changed_pages = nullptr;
  const Pin* pin = nullptr;  // holds the new head when it is done; null: none
  uint64_t version = 0;      // of the actor's word with the new head, when done
};

class StoreSide {
 public:
  virtual ~StoreSide() = default;

  // The side of the actor of this name, existing or not.
  virtual std::unique_ptr<ActorSide> NewActor(const std::string& name) = 0;

  // Does what Store::Commit() does, in the owner, and makes the heads those of
  // their actors. Where the owner ends meanwhile, the same batch is sent to the
  // next one, once for each: kUnknown then, where a guard did not hold there,
  // as what is in the way may be the commit itself.
  virtual CommitResult Commit(const Batch& batch, Durability durability,
                              std::vector<MovedHead>* heads) = 0;

  // Gives the owner what was learned of an actor, which writes it in its time.
  // Errors: kBusy, kIOError where there is none.
  virtual Status SendHints(const LearnedHints& learned) = 0;

  // Of the store's pins and its clock. They live as long as the side.
  virtual PinSide* pins() = 0;
  virtual SharedTime* time() = 0;

  // Rises where a pin does not hold at the owner what it should, before
  // anything may go that it kept.
  virtual uint64_t lost_pin_count() const = 0;

  // Rises when another process changed settings.
  virtual uint64_t settings_seq() const = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_STORE_SIDE_H_
