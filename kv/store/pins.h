// Pins: which snapshots this process is reading, so that reclaim
// (kv/reclaim/reclaim.h) leaves them alone.
//
// Invariants:
//  1. Each page of a snapshot that is pinned before reclaim looks is kept, in
//     whatever branch of its lineage it is found, until the pin is released.
//  2. A pin that is taken with the head (Actor::CurrentPinned()) is there
//     before anyone can see that the head moved on. A pin on an older commit
//     counts when the commit's record is still there after it was taken:
//     reclaim removes records before it looks at pins, and pages after.
//  3. A pin that rests pins nothing. Whoever wakes it must then find that its
//     snapshot is still the head (Actor::version()): so the pin was there
//     before the head moved on, as with 2. Reclaim looks at the head first and
//     at the pins after. A connection knows the version of a head that it took,
//     and of one that it published (Actor::Publish()).
//
// Taking one costs one uncontended lock and no allocation: there is one table
// per store, in parts with a lock each. A connection that comes back to the
// same head only wakes its pin: one store to memory of its own. Thread-safe; a
// Pin belongs to one thread at a time.

#ifndef ACTORKV_KV_STORE_PINS_H_
#define ACTORKV_KV_STORE_PINS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/base/types.h"
#include "kv/store/lineage.h"

namespace actorkv {

class PinTable;

// Holds nothing until PinTable::Add(). Must be released before its table goes.
class Pin {
 public:
  Pin() = default;
  ~Pin() { Release(); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

  void Release();
  bool held() const {
    return table_ != nullptr && awake_.load(std::memory_order_relaxed);
  }

  // Pins nothing until Wake(), but keeps its place in the table.
  void Rest() { awake_.store(false, std::memory_order_release); }

  // Pins again what it held, if anything. See invariant 3 for what the caller
  // has to look at next.
  void Wake() { awake_.store(true, std::memory_order_seq_cst); }

 private:
  friend class PinTable;

  PinTable* table_ = nullptr;
  std::atomic<bool> awake_{true};
  Pin* previous_ = nullptr;  // in its part of the table, as next_
  Pin* next_ = nullptr;
  Snapshot snapshot_;
  std::shared_ptr<const Lineage> lineage_;
};

// A snapshot and the branches that its pages are looked for in. The first of
// the lineage is the snapshot's own, read up to its txid.
struct PinnedSnapshot {
  Snapshot snapshot;
  std::shared_ptr<const Lineage> lineage;
};

class PinTable {
 public:
  PinTable() = default;
  PinTable(const PinTable&) = delete;
  PinTable& operator=(const PinTable&) = delete;

  // Pins the snapshot; lets go of what `pin` held, and wakes it. Nothing
  // without a lineage.
  void Add(const Snapshot& snapshot, std::shared_ptr<const Lineage> lineage,
           Pin* pin);

  // Every snapshot of a pin that is awake, in no order.
  std::vector<PinnedSnapshot> Snapshots();

 private:
  friend class Pin;

  static constexpr size_t kParts = 16;
  struct Part {
    std::mutex mutex;
    Pin* first = nullptr;
  };

  Part& PartOf(const Pin* pin);
  void Remove(Pin* pin);

  std::array<Part, kParts> parts_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_PINS_H_
