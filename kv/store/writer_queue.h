// WriterQueue: who writes to an actor, and who is next.
//
// A Writer is a connection's file, or whoever else writes. Each that was
// refused has a place, a number that rises; the earliest place is the first.
//
//            Take                     Release, nobody waits
//   kFree  -------->  kHeld  ------------------------------------->  kFree
//                      |  ^
//     Release, others  |  | Take, by the same writer
//     wait, its turn   v  |
//     is not over   kResting ----------- its turn is over ----------+
//                                                                   v
//   kHeld  ------------- Release, others wait, else ----------->  kOffered
//
//   kOffered is for the first that waits; its Take makes it kHeld. Where that
//   does not come within offer_us, the next one gets it.
//
// Where other processes write to the actor as well, the queue has to have the
// word of its process first (kv/store/writer_word.h): it is asked for where the
// queue is kFree, and given back when that is so again, or when others wait and
// the turn of the process is over. The first that waits here then waits there.
//
// Invariants, where this process has the word, or there is no other:
//  1. At most one writer holds the word: between its Take() that returned true
//     and its Release().
//  2. While others wait, a writer keeps the word for turn_us at most, counted
//     from its first Take() to the last one that may succeed; then it goes to
//     the one that waits with the earliest place. A place is given at the first
//     refusal, kept until the writer had the word, and earlier than all that
//     are given later. So nobody that waits is passed by another writer twice.
//  3. The word is offered only to a writer that waits at that moment. It may
//     not come for it all the same, and costs the others offer_us then.
//  4. The word is never free while a writer waits.
//  5. Nothing refers to a writer that has left, nor to a call of Wait() that
//     has returned.
//
// A turn goes on only for a writer that comes back soon: whose last try came
// less than pause_us after its release before that. One that does something
// else between its commits does not keep others waiting.
//
// Whoever does not wait but tries again and again is not shut out: a writer
// that finds another one resting takes the word where its own place is earlier
// than those of all that wait.
//
// Thread-safe; one mutex, held for bookkeeping alone. A writer itself is used
// by one thread at a time, but for Wait() and Leave().

#ifndef ACTORKV_KV_STORE_WRITER_QUEUE_H_
#define ACTORKV_KV_STORE_WRITER_QUEUE_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "kv/store/writer_word.h"

namespace actorkv {

class WriterQueue;

// kv/decisions/043-turns-of-writers.md says why they are what they are.
struct WriterTimes {
  // How long one writer goes on while others wait, microseconds.
  int64_t turn_us = 2000;
  // The pause between two commits that makes them one turn, at most.
  int64_t pause_us = 500;
  // How long the word waits for the writer that it was offered to.
  int64_t offer_us = 10000;
};

// A writer of one actor. Its queue lives as long as it does.
class Writer {
 public:
  explicit Writer(std::shared_ptr<WriterQueue> queue);
  // Leaves.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Waits for the word, until it is offered to this writer, or for `limit_us`
  // microseconds. Returns true where it was offered: the next Take() within
  // offer_us will succeed. Returns false early where the writer has left. A
  // writer that holds the word waits in vain.
  bool Wait(int64_t limit_us);

  // Gives the word back, or the offer of it, and wakes those that wait as this
  // writer. From now on it gets nothing.
  void Leave();

 private:
  friend class WriterQueue;

  const std::shared_ptr<WriterQueue> queue_;
  // Under the queue's mutex.
  uint64_t place_ = 0;  // 0: it was not refused since it had the word
  std::chrono::steady_clock::time_point released_at_;  // 0: it tried since
  bool comes_back_soon_ = false;
  bool left_ = false;
};

class WriterQueue {
 public:
  explicit WriterQueue(WriterTimes times = {}) : times_(times) {}

  // From now on `word` says which process may write, and is taken before any
  // writer of this one does; null: no other process does any more.
  void Share(std::shared_ptr<WriterWord> word);

  // True where Take() would succeed now. A refusal gives the writer a place.
  bool MayTake(Writer* writer);

  // Makes `writer` the one that holds the word, or it is already. Returns false
  // where another one holds it or is to have it first; then the writer has a
  // place.
  bool Take(Writer* writer);

  // The writer's commit is done, or it gave up. Of others: does nothing.
  void Release(Writer* writer);

  // Somebody holds the word.
  bool held();

  // Takes the word from whoever writes: a writer of this process, or, in the
  // owner of the store, another process. It goes to the next in line. Whoever
  // had it writes on, and finds at its commit that the head has moved, if it
  // has (kv/store/store_side.h, invariant 2). False where nobody writes.
  bool TakeAway();

  // The other process that writes.
  WordHolder OtherHolder();

  // How many wait for it.
  size_t waiting_count();

 private:
  friend class Writer;
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  enum class State : uint8_t { kFree, kHeld, kResting, kOffered };

  // One call of Wait(), on the stack of the thread that waits.
  struct Waiting {
    Writer* writer = nullptr;
    uint64_t place = 0;       // the writer's, when the call began
    Waiting* next = nullptr;  // the next later place
    std::condition_variable changed;
    // Until when it sleeps; what comes earlier has to wake it.
    Time wakes_at;
    bool offered = false;
  };

  bool Wait(Writer* writer, int64_t limit_us);
  void Leave(Writer* writer);

  // The mutex, and what is to be told to other processes when it is free again.
  class Lock;

  // All with the mutex.
  bool HasWord() const { return word_ == nullptr || has_word_; }
  bool TakeWord();
  // Of a word that was waited for. False where it is another process's by now.
  bool ConfirmWord();
  // Where the word was taken away from the process: its writer is none.
  void NoteLoss();
  void GiveBackWord();
  // Lets go of the mutex while the first that waits is in line for the word.
  void WaitForWord(Time now, Time give_up, Lock* lock);
  bool MayTakeLocked(Writer* writer, Time now);
  bool IsBeforeAllThatWait(const Writer& writer) const;
  void GivePlace(Writer* writer);
  void Insert(Waiting* waiting);
  void Remove(Waiting* waiting);
  // Offers the word to the first that waits, or frees it.
  void HandOn(Time now);
  // REQUIRES: somebody waits.
  void OfferToFirst(Time now);
  void Offer(Writer* writer, Time now);
  // Wakes the first that waits where it sleeps past `kept_until_`.
  void WakeFirstInTime();
  bool IsKept() const {
    return state_ == State::kResting || state_ == State::kOffered;
  }

  const WriterTimes times_;

  std::mutex mutex_;
  std::shared_ptr<WriterWord> word_;  // null: no other process writes
  bool has_word_ = false;             // this process has it
  bool waits_for_word_ = false;       // the first that waits is in line for it
  bool yields_ = false;               // when the mutex is free: WriterWord
  State state_ = State::kFree;
  Writer* writer_ = nullptr;  // whose the word is; null: kFree
  Time kept_until_;           // of kResting and kOffered
  Time turn_ends_;            // of kHeld and kResting
  uint64_t last_place_ = 0;
  Waiting* first_ = nullptr;  // by place
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_WRITER_QUEUE_H_
