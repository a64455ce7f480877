// WriterWord: which of several processes writes to an actor.
//
// Each process has one for an actor that several have open. It is taken by a
// process before any of its own writers may write (kv/store/writer_queue.h),
// and kept for a turn at most while others wait. Nothing but waiting depends on
// it: kv/store/store_side.h, invariant 2.

#ifndef ACTORKV_KV_STORE_WRITER_WORD_H_
#define ACTORKV_KV_STORE_WRITER_WORD_H_

#include <cstdint>

namespace actorkv {

// WordHolder: another process that has the word, for people.
struct WordHolder {
  bool is_other = false;  // there is one
  uint32_t pid = 0;       // as it knows itself; 0: not known
  int64_t since_ms = -1;  // its turn began so long ago; -1: not known
};

// Thread-safe. Only Wait() and Yield() may take long.
class WriterWord {
 public:
  virtual ~WriterWord() = default;

  // Whether TryTake() would succeed now.
  virtual bool MayTake() noexcept = 0;

  // Takes the word for this process where it is free and nobody waits for it,
  // or where this process gave it back within its turn. True also where the
  // process has it.
  virtual bool TryTake() noexcept = 0;

  // Waits in line for it, for `limit_us` microseconds at most. Returns true
  // where this process has it; where it is not confirmed within 10 ms another
  // process may have it by then. Confirm() is false where that is so.
  virtual bool Wait(int64_t limit_us) noexcept = 0;
  virtual bool Confirm() noexcept = 0;

  // Gives it back. True where somebody waits, and the turn of this process is
  // over: then Yield() is to be called, outside of any lock.
  virtual bool Release() noexcept = 0;
  // Has the first that waits, in any process, take it.
  virtual void Yield() noexcept = 0;

  // Whether the process should give it back as soon as it can: others wait, and
  // its turn is over.
  virtual bool IsTurnOver() noexcept = 0;

  // Whether any process has it.
  virtual bool held() const noexcept = 0;

  // Whether this process has it. One that took it may have lost it since, to
  // whoever took it away.
  virtual bool IsOwn() noexcept = 0;

  // By the owner of the store: takes it from whoever has it, in any process.
  // False where nobody has, and in all other processes.
  virtual bool TakeAway() noexcept = 0;

  virtual WordHolder Holder() noexcept = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_WRITER_WORD_H_
