// HistoryGate: between those who make more of the past needed, and reclaim,
// which decides what of it expires.
//
// Thread-safe. Who holds it, on either side, asks for no turn to reclaim and
// not for the gate again.

#ifndef ACTORKV_KV_STORE_HISTORY_GATE_H_
#define ACTORKV_KV_STORE_HISTORY_GATE_H_

#include <atomic>
#include <cstdint>

#include "kv/base/gate.h"

namespace actorkv {

class HistoryGate {
 public:
  HistoryGate() = default;
  HistoryGate(const HistoryGate&) = delete;
  HistoryGate& operator=(const HistoryGate&) = delete;

  // Held by who makes more of the past needed than reclaim may know: something
  // begins at an older commit, or history is to be kept longer. A commit with a
  // guard on a commit record, by which it says that something begins there,
  // takes it in Store::Commit().
  [[nodiscard]] Gate::Hold Keep() {
    Gate::Hold hold = gate_.Shared();
    count_.fetch_add(1);
    return hold;
  }

  // Held by reclaim (kv/reclaim/reclaim.h) while it decides which commits
  // expire, and while it removes their records by that decision.
  class Exclusive {
   public:
    explicit Exclusive(HistoryGate* gate) : exclusive_(&gate->gate_) {}

   private:
    const Gate::Exclusive exclusive_;
  };

  // Rises with each Keep(). REQUIRES: it is held exclusively.
  uint64_t count() const { return count_.load(); }

 private:
  Gate gate_;
  std::atomic<uint64_t> count_{0};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_HISTORY_GATE_H_
