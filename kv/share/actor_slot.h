// ActorSlot: what processes share of one actor that is open: whether its head
// moved on, and who is writing. It lies on the board (kv/share/board.h).
//
//   offset  bytes  field
//        0      8  head_seq: rises with each head
//        8      4  writer:
//                    bit 0          somebody waits
//                    bits 1..12     session of the writer
//                    bits 13..30    number of the writer in its session; 0:
//                                   nobody writes
//                    bit 31         the writer was given the word, and has not
//                                   said yet that it writes
//       12      4  writer_pid: of the process whose turn began last, as it
//                  knows itself; for people
//       16      8  actor, its id; 0: nobody's
//       24      8  turn_began_ns: when that was, of the steady clock
//       32     32  not used
//
// Whoever has the board may write anything here. So these are hints: a reader
// that finds head_seq as it was is right about its snapshot, as long as all
// processes work; a commit is right in any case, because its head is guarded.
//
// Invariants:
//  1. The owner of the store raises head_seq after a commit can be read and its
//     pages are known to the change log, and before anyone is told of it.
//  2. head_seq never comes back to a value that it had, also where the slot is
//     given to another actor, nor begins where it did on an earlier board.
//  3. Nobody but its holder frees the word, or the owner of the store, who may
//     take it from anyone. A word that was lost costs its holder a conflict,
//     not a commit of somebody else.
//  4. Where nobody writes and somebody waits, the word is the first's in line;
//     until then the writer before may take it again, while its turn lasts
//     (kv/share/writer_turn.h).
//
// Thread-safe, and safe between processes. Waits for nothing.

#ifndef ACTORKV_KV_SHARE_ACTOR_SLOT_H_
#define ACTORKV_KV_SHARE_ACTOR_SLOT_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "kv/base/types.h"

namespace actorkv {

constexpr int kSessionBits = 12;
constexpr int kWriterNumberBits = 18;
constexpr uint32_t kMaxSession = (uint32_t{1} << kSessionBits) - 1;
constexpr uint32_t kMaxWriterNumber = (uint32_t{1} << kWriterNumberBits) - 1;

// How long whoever was given the word has to say that it writes.
constexpr std::chrono::milliseconds kConfirmTime{10};

// WriterToken: who writes: the process that has a session, as a whole; which of
// its connections it knows itself.
struct WriterToken {
  uint32_t session = 0;  // 0: the owner's own; at most kMaxSession
  uint32_t number = 0;   // 0: nobody; else 1, at most kMaxWriterNumber

  friend bool operator==(const WriterToken& a, const WriterToken& b) {
    return a.session == b.session && a.number == b.number;
  }
  friend bool operator!=(const WriterToken& a, const WriterToken& b) {
    return !(a == b);
  }
};

// The token of a session; 0: the owner's own.
constexpr WriterToken TokenOf(uint32_t session) { return {session, 1}; }

// Of a word that is kept for whoever had it at the owner before: as long as
// the grace period of this one lasts (kv/share/grace_period.h), which is
// kGraceTime at most.
constexpr WriterToken kKeptToken = {0, 2};
constexpr std::chrono::milliseconds kGraceTime{500};

class ActorSlot {
 public:
  ActorSlot(const ActorSlot&) = delete;
  ActorSlot& operator=(const ActorSlot&) = delete;

  // The owner gives the slot to an actor: no state that anybody remembers is
  // its newest, and nobody writes. `first_seq`: a number of this board alone,
  // at which a slot begins that was not used yet.
  void Give(ActorId actor, uint64_t first_seq) noexcept;
  ActorId actor() const { return {actor_.load(std::memory_order_acquire)}; }

  // What RaiseHead() raises.
  std::atomic<uint64_t>* head_word() noexcept { return &head_seq_; }

  // The owner says that there is another head. Returns its number.
  uint64_t RaiseHead() noexcept {
    // The order of this and the owner's look at the pins, against that of a
    // reader's wake and its look here, is what keeps a page: kv/share/slate.h.
    return head_seq_.fetch_add(1, std::memory_order_seq_cst) + 1;
  }
  uint64_t head_seq() const {
    return head_seq_.load(std::memory_order_seq_cst);
  }
  // The same as a word to look at; it is there as long as the board is mapped.
  const std::atomic<uint64_t>* head_word() const { return &head_seq_; }
  // False where the slot was never given: then no later one was, either.
  bool was_used() const { return head_seq() != 0; }

  // Makes `token` the writer where nobody writes and nobody waits. True also
  // where it is the writer already, as after a wait. REQUIRES, of each token
  // here: it is none of nobody.
  bool TryTake(WriterToken token) noexcept;

  // The same where nobody writes and somebody waits, by the one whose turn it
  // is. It goes on that somebody waits.
  bool TryRetake(WriterToken token) noexcept;

  // Whoever was given the word says that it writes. False where it is another's
  // by now.
  bool Confirm(WriterToken token) noexcept;

  // Ends the writing of `token`. *somebody_waits: and may have to be told; the
  // word says so on. False, and nothing changes, where it was taken away.
  bool Release(WriterToken token, bool* somebody_waits) noexcept;

  // Marks that somebody waits. False, and it is not marked: nobody writes, and
  // nobody waited, so that whoever wants to wait may try to take it.
  bool SetWaiting() noexcept;

  // The owner makes `to` the writer in place of `from`; a token of nobody
  // stands for no writer. `somebody_waits`: others still do. False, and nothing
  // changes, where the writer is another one.
  bool Replace(WriterToken from, WriterToken to, bool somebody_waits) noexcept;
  // The same, of a word that `to` was not looking at: it has to be confirmed.
  // `only_unused`: where `from` has not confirmed it.
  bool GiveTo(WriterToken from, WriterToken to, bool somebody_waits,
              bool only_unused = false) noexcept;

  // Who writes; the number is 0 where nobody does.
  WriterToken writer() const noexcept;
  bool somebody_waits() const noexcept;

  // Whether whoever was given the word has not confirmed it.
  bool is_unused() const noexcept;

  // The writer says who it is, and since when: of interest to people alone, and
  // that of the one before for a moment after the word has changed hands.
  void NoteTurn(uint32_t pid, int64_t began_ns) noexcept {
    writer_pid_.store(pid, std::memory_order_relaxed);
    turn_began_ns_.store(began_ns, std::memory_order_relaxed);
  }
  uint32_t writer_pid() const noexcept {
    return writer_pid_.load(std::memory_order_relaxed);
  }
  int64_t turn_began_ns() const noexcept {
    return turn_began_ns_.load(std::memory_order_relaxed);
  }

 private:
  friend class Board;
  ActorSlot() = default;
  bool ReplaceBy(uint32_t word, WriterToken from, bool only_unused) noexcept;

  alignas(64) std::atomic<uint64_t> head_seq_;
  std::atomic<uint32_t> writer_;
  std::atomic<uint32_t> writer_pid_;
  std::atomic<uint64_t> actor_;
  std::atomic<int64_t> turn_began_ns_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_ACTOR_SLOT_H_
