// Pins: which snapshots this process is reading, so that reclaim
// (kv/reclaim.h) leaves them alone.
//
// Invariants:
//  1. A snapshot that is pinned before reclaim looks is kept, with all that its
//     lineage shows through, until the pin is released.
//  2. A pin that is taken with the head (Actor::CurrentPinned()) is there
//     before anyone can see that the head moved on. A pin on an older commit
//     counts when the commit's record is still there after it was taken:
//     reclaim removes records before it looks at pins, and pages after.
//
// Taking one costs one uncontended lock and no allocation: there is one table
// per store, in parts with a lock each. Thread-safe; a Pin belongs to one
// thread at a time.

#ifndef ACTORKV_KV_PINS_H_
#define ACTORKV_KV_PINS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/lineage.h"
#include "kv/types.h"

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
  bool held() const { return table_ != nullptr; }

 private:
  friend class PinTable;

  PinTable* table_ = nullptr;
  Pin* previous_ = nullptr;  // in its part of the table, as next_
  Pin* next_ = nullptr;
  Snapshot snapshot_;
  std::shared_ptr<const Lineage> lineage_;
};

class PinTable {
 public:
  PinTable() = default;
  PinTable(const PinTable&) = delete;
  PinTable& operator=(const PinTable&) = delete;

  // Pins the snapshot; lets go of what `pin` held. Nothing without a lineage.
  void Add(const Snapshot& snapshot, std::shared_ptr<const Lineage> lineage,
           Pin* pin);

  // Every pinned snapshot as the points of its lineage, in no order: the
  // branch at the snapshot's txid, and each ancestor where it shows through.
  std::vector<BranchPoint> Points();

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

#endif  // ACTORKV_KV_PINS_H_
