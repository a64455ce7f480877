// Actor: what this process knows of one actor: its head, who is writing.
//
// Invariants:
//  1. Once a Head was given out, no commit of an older state is given out
//     again: heads only go forward.
//  2. At most one writer has it reserved (RESERVED of SQLite's lock states),
//     and only on the newest head. Whose turn it is kv/store/writer_queue.h
//     says.
//  3. A txid is given to one commit at most, whether that commit succeeds,
//     fails or stays unknown.
//
// Thread-safe. The mutex is held for bookkeeping, and while the head is read
// from the engine for the first time; never during a commit.

#ifndef ACTORKV_KV_STORE_ACTOR_H_
#define ACTORKV_KV_STORE_ACTOR_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/cache/change_log.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/store/lineage.h"
#include "kv/store/pins.h"
#include "kv/store/store_side.h"

namespace actorkv {

class ActorHints;
class Writer;
class WriterQueue;

// The state of an actor at one moment. Immutable and shared.
struct HeadState {
  // False: no commit yet, deleted, or legacy.
  bool exists = false;
  // The name belongs to an actor that has legacy pairs and no head yet
  // (kv/legacy/legacy_store.h). Only its migration may commit.
  bool is_legacy = false;
  // Of a legacy actor that was live before: its next head is above both.
  TxId txid_floor;
  Generation generation_floor;
  ActorEntry entry;  // also of a deleted actor of this name, for the floors
  std::string entry_bytes;  // as stored; empty: the name is not in the catalog
  Head head;
  std::string head_bytes;                  // as stored; empty: no head
  std::shared_ptr<const Lineage> lineage;  // null: no head
  // The hash of page 1, with its stamp, of the snapshot beside it: the commit
  // that made it knows it, and the next one subtracts it from the digest.
  Snapshot first_page_of;
  uint64_t first_page_hash = 0;
};

// Reads the state of `name`. A missing actor is ok, with exists = false. An
// actor whose entry still says legacy is live when it has a head: the head
// decides, and an engine that commits partition by partition writes it first.
Status LoadHeadState(EngineReader* reader, const std::string& name,
                     std::shared_ptr<const HeadState>* state);

class Actor {
 public:
  // `epoch` counts what a follower has seen of its writer: a head that was
  // read at an older epoch is read again. `side`: where another process owns
  // the store; null otherwise.
  Actor(std::string name, Engine* engine, const std::atomic<uint64_t>* epoch,
        std::unique_ptr<ActorSide> side = nullptr);
  ~Actor();

  const std::string& name() const { return name_; }

  // Since when this process has used it, microseconds since 1970.
  uint64_t opened_at_us() const { return opened_at_us_.load(); }

  // From now on nobody has it open, and then someone has again. By the store,
  // see Store::CloseActor().
  void Close();
  void OpenAgain();

  // Has `pin` get a number, where another process owns the store, so that this
  // one can be asked to hold something of the actor by it. Errors: kBusy.
  Status PreparePin(PinTable* pins, Pin* pin) const;

  // The newest state that this process knows.
  Status Current(std::shared_ptr<const HeadState>* state);

  // The same, and pins it in `pins`; see kv/store/pins.h.
  Status CurrentPinned(PinTable* pins, Pin* pin,
                       std::shared_ptr<const HeadState>* state);

  // Rises before anyone can be given another state than until then. Whoever
  // looks at it, then takes the state, and later finds it as it was, knows that
  // the state is still the newest: one load instead of the mutex. Says nothing
  // in a follower.
  uint64_t version() const {
    return version_.load(std::memory_order_acquire)
        ->load(std::memory_order_seq_cst);
  }

  // The state that Current() would give without reading; null: none yet.
  std::shared_ptr<const HeadState> Known();

  // Makes `writer` the one that writes. Errors: kBusy when another one is, or
  // is to be next; kConflict when the head is no longer `snapshot`; kFenced
  // when its generation is no longer `generation`, with expected and actual.
  // Generation{} (the actor did not exist when the writer looked) is never
  // fenced.
  Status Reserve(Writer* writer, const Snapshot& snapshot,
                 Generation generation);
  void Release(Writer* writer);
  bool reserved();
  // Nobody waits any more for whoever writes: WriterQueue::TakeAway(). By the
  // owner of the store.
  bool TakeWriterAway();

  // The queue that its writers are made with (kv/store/writer_queue.h).
  const std::shared_ptr<WriterQueue>& writers() const { return writers_; }

  // A txid above the head's, above every one given before, and above `floor`.
  TxId TakeTxId(TxId floor = TxId{});

  // A commit is done, which changed `pages` and no others. Returns the
  // version() under which `state` is the newest: who finds it as it was later
  // knows that nothing came after.
  uint64_t Publish(std::shared_ptr<const HeadState> state,
                   const std::vector<PageNo>& pages) noexcept;

  // A commit on top of `base` is done, and other processes have a part in it:
  // `head.state` is the head. Where the newest head that is known here is not
  // `base` any more, it is not replaced: it may be newer.
  struct SharedHead {
    std::shared_ptr<const HeadState> state;
    // What it changed and no others; null: that is not known.
    const std::vector<PageNo>* pages = nullptr;
    // Of a commit of this process, for which the owner has published the head:
    // its version().
    uint64_t version = 0;
  };
  void PublishShared(const std::shared_ptr<const HeadState>& base,
                     SharedHead head) noexcept;

  // From now on other processes have the actor open as well. `head_word` rises
  // with version(), and `writer_word` is taken before anyone writes here. Both
  // are there until Unshare(), or as long as the actor is. By the owner.
  void Share(std::atomic<uint64_t>* head_word,
             std::shared_ptr<WriterWord> writer_word);
  void Unshare();

  // What is asked of the owner; null in the owner itself.
  ActorSide* side() { return side_.get(); }

  // What is known of changes between heads.
  const std::shared_ptr<ChangeLog>& changes() const { return changes_; }

  // Which pages it reads first.
  ActorHints* hints() { return hints_.get(); }

  // The generation was raised. The next commit may have to go to a new branch:
  // whoever wrote before may have left something behind on this one.
  void PublishTakeOver(std::shared_ptr<const HeadState> state) noexcept;

  // True when this process committed last on the present branch, and nothing
  // in doubt came after. See Store::CanContinueBranch().
  bool continues_branch();

  // The outcome of a commit is not known, or it failed on the way: the head is
  // read again before it is next used.
  void Forget() noexcept;

  // `lineage` gives the same pages as the present one, by a shorter way.
  void ReplaceLineage(BranchId branch, std::shared_ptr<const Lineage> lineage);

 private:
  Status LoadLocked();
  // Where another process owns the store. `pin`: is to hold the head; null:
  // none.
  Status LoadFromOwnerLocked(const Pin* pin);
  // The newest head, which the owner holds by `pin` from now on.
  Status PinByOwnerLocked(PinTable* pins, Pin* pin);
  // Returns the version() that it makes.
  uint64_t SetLocked(std::shared_ptr<const HeadState> state) noexcept;

  const std::string name_;
  std::atomic<uint64_t> opened_at_us_;
  Engine* const engine_;
  const std::atomic<uint64_t>* const epoch_;

  const std::shared_ptr<ChangeLog> changes_ = std::make_shared<ChangeLog>();
  const std::unique_ptr<ActorHints> hints_;

  // What version() says: the actor's own word, or the owner's.
  std::atomic<uint64_t> own_version_{1};  // changes under the mutex
  std::atomic<const std::atomic<uint64_t>*> version_{&own_version_};
  const std::unique_ptr<ActorSide> side_;

  std::mutex mutex_;
  std::atomic<uint64_t>* head_word_ = nullptr;  // see Share()
  std::shared_ptr<const HeadState> state_;      // null: to be read
  // The epoch when state_ was read; where another process owns the store the
  // version when it was the newest.
  uint64_t state_epoch_ = 0;
  TxId last_txid_;
  bool continues_branch_ = false;

  const std::shared_ptr<WriterQueue> writers_;
};

// "actor=alice: expected generation 1, actual 2: ...".
Status FencedError(const std::string& name, Generation expected,
                   Generation actual);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_ACTOR_H_
