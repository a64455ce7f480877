// Errand: work that is given to a thread, and comes back: who gave it waits for
// its end, or calls it off, before what it uses goes.
//
// Invariants:
//  1. The work is run once at most, by a thread or by who waits for it. Nobody
//     waits for work that has not begun: Finish() does it, Drop() leaves it.
//  2. After Finish() or Drop() nothing of the work runs, nor will.
//  3. In a child of fork() an errand of the parent is lost: nobody waits for
//     the thread that had it.
//
// Belongs to one thread at a time, but for the work.

#ifndef ACTORKV_KV_BASE_ERRAND_H_
#define ACTORKV_KV_BASE_ERRAND_H_

#include <functional>
#include <memory>

#include "kv/base/workers.h"

namespace actorkv {

class Errand {
 public:
  // What `work` throws is lost. What it owns is destroyed after it, perhaps
  // later than this object.
  explicit Errand(Workers::Work work);
  ~Errand() { Drop(); }
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // Gives the work to a thread. False: there is none (Workers::Try()), or no
  // memory to ask for one. REQUIRES: is called once.
  [[nodiscard]] bool Send(Workers* workers = Workers::Instance()) noexcept;

  // Returns when the work is done. False: it is lost (invariant 3), or was
  // dropped.
  [[nodiscard]] bool Finish() noexcept;

  // Returns when the work is done or will not be begun.
  void Drop() noexcept;

 private:
  struct State;

  bool IsLost() const;

  const std::shared_ptr<State> state_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_ERRAND_H_
