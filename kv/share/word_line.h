// WordLine: who waits for the writer's word of a slot (kv/share/actor_slot.h),
// in the owner: processes in the order in which they came.
//
//   word            first in line         time
//   free            gets it               at once
//   of nobody, but  gets it               when the turn of the one before is
//   somebody waits                        over, or it yields
//   kept            gets it               when it is kept no longer
//   given, and not  gets it               kConfirmTime after it was given
//   confirmed
//   another's       waits
//
// Invariants:
//  1. While somebody is in line, the word says that somebody waits.
//  2. Nobody is passed by one that came later; but a process may write on
//     within its turn (kv/share/writer_turn.h).
//  3. What is found in the slot decides about waiting alone: any process may
//     have written there.
//
// Not thread-safe: see WordQueue. Waits for nothing; told the time.

#ifndef ACTORKV_KV_SHARE_WORD_LINE_H_
#define ACTORKV_KV_SHARE_WORD_LINE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>

#include "kv/share/actor_slot.h"

namespace actorkv {

class WordLine {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // One that waits. It is in line from Join() until it has the word, its
  // session ended, or it leaves.
  struct Waiter {
    explicit Waiter(uint32_t of_session) : session(of_session) {}
    const uint32_t session;
    bool has_word = false;
    bool has_ended = false;
  };

  explicit WordLine(ActorSlot* slot) : slot_(slot) {}
  WordLine(const WordLine&) = delete;
  WordLine& operator=(const WordLine&) = delete;

  // Joins the end, and gives out the word where it can be had.
  void Join(Waiter* waiter, TimePoint now);
  void Leave(Waiter* waiter);
  bool IsFirst(const Waiter* waiter) const {
    return !line_.empty() && line_.front() == waiter;
  }

  // Gives the word to the first in line where that may be by now.
  void Look(TimePoint now);
  // Whoever wrote last lets the next one.
  void Yield(TimePoint now);
  // The session had the word at the owner before: it is its again where it is
  // kept.
  void Reclaim(uint32_t session);
  // A word that is kept (kKeptToken) is so no longer.
  void EndKeeping(TimePoint now);
  // The session writes no more, and waits no more.
  void EndSession(uint32_t session, TimePoint now);
  // Takes the word of whoever has it. False where nobody has.
  bool TakeAway(TimePoint now);

 private:
  // Gives the word of `from` to the first in line; to nobody where none is.
  // False where the word is another's by now.
  // False also where `only_unused` and the word is confirmed by now.
  bool GiveFrom(WriterToken from, TimePoint now, bool only_unused = false);
  bool MayGive(WriterToken writer, TimePoint now) const;

  ActorSlot* const slot_;
  std::list<Waiter*> line_;
  TimePoint turn_end_;    // of whoever may come back to the word
  TimePoint confirm_by_;  // by whoever was given the word last
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_WORD_LINE_H_
