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
// In a process that shares the store (kv/store/store_side.h) the snapshots are
// kept by the owner, which knows each pin by a number, and whether it is awake
// by a word that both can see. Here the table knows what the pins hold as well:
// for the next owner.
//
// The owner takes a pin away from a process that is stopped for long, so that
// history does not grow for its sake (kv/share/server_session.h). The word says
// so, and a count rises before anything may go that the pin kept: whoever reads
// in such a process looks at the count after each read (CheckNotExpired() of
// kv/history/history.h).
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
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/base/types.h"
#include "kv/store/lineage.h"

namespace actorkv {

class PinTable;

// In place of the number of a pin that has none.
constexpr uint32_t kNoPinNumber = 0xFFFF'FFFF;

// What the word of a pin says. DO NOT CHANGE THESE VALUES: processes with other
// modules use them (kv/share/slate.h).
constexpr uint32_t kPinRests = 0;
constexpr uint32_t kPinIsAwake = 1;
constexpr uint32_t kPinWasTaken = 2;  // away, until it holds something anew

// PinSide: what the pins of a process that shares the store ask of the owner.
// Thread-safe.
class PinSide {
 public:
  virtual ~PinSide() = default;

  // Gives a number, and the word that says whether its pin is awake: 0 where it
  // rests. Null where all are in use: then the pin has none, and the owner
  // keeps nothing for it. Waits for nothing.
  virtual std::atomic<uint32_t>* Take(uint32_t* number) noexcept = 0;
  virtual void GiveBack(uint32_t number) noexcept = 0;

  // Tells the owner what the pin of this number holds from now on. Where the
  // owner is gone, the next one hears of it.
  virtual void Keep(uint32_t number, const Snapshot& snapshot,
                    const Lineage& lineage) noexcept = 0;

  // A snapshot is read that no pin holds at the owner.
  virtual void NoteUnkept() noexcept = 0;
};

// Holds nothing until PinTable::Add(). Must be released before its table goes.
class Pin {
 public:
  Pin() = default;
  ~Pin() { Release(); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

  void Release();
  bool held() const {
    return table_ != nullptr &&
           word()->load(std::memory_order_relaxed) != kPinRests;
  }

  // Pins nothing until Wake(), but keeps its place in the table.
  void Rest() {
    if (number_ == kNoPinNumber) {
      word()->store(kPinRests, std::memory_order_release);
    } else {
      Replace(kPinIsAwake, kPinRests);
    }
  }

  // Pins again what it held, if anything. See invariant 3 for what the caller
  // has to look at next. False where it was taken away, and pins nothing.
  bool Wake() {
    if (number_ != kNoPinNumber) {
      return Replace(kPinRests, kPinIsAwake) != kPinWasTaken;
    }
    word()->store(kPinIsAwake, std::memory_order_seq_cst);
    return true;
  }

  // How the owner of the store knows it; kNoPinNumber in the owner itself.
  uint32_t number() const { return number_; }

 private:
  friend class PinTable;

  using Word = std::atomic<uint32_t>;
  Word* word() const { return word_.load(std::memory_order_acquire); }
  // Returns what the word said. The owner takes a pin away in one step, too: so
  // neither overlooks the other.
  uint32_t Replace(uint32_t from, uint32_t to) {
    word()->compare_exchange_strong(from, to, std::memory_order_seq_cst);
    return from;
  }

  PinTable* table_ = nullptr;
  // Whether it is awake: its own word, or one that the owner of the store sees.
  Word own_word_{1};
  std::atomic<Word*> word_{&own_word_};
  uint32_t number_ = kNoPinNumber;
  Pin* previous_ = nullptr;  // in its part of the table, as next_
  Pin* next_ = nullptr;
  Snapshot snapshot_;
  std::shared_ptr<const Lineage> lineage_;
};

// NumberedPin: what a pin holds that has a number.
struct NumberedPin {
  uint32_t number = kNoPinNumber;
  Snapshot snapshot;
  std::shared_ptr<const Lineage> lineage;
};

// A snapshot and the branches that its pages are looked for in. The first of
// the lineage is the snapshot's own, read up to its txid.
struct PinnedSnapshot {
  Snapshot snapshot;
  std::shared_ptr<const Lineage> lineage;
};

class PinTable {
 public:
  // `side`: of a process that shares the store; null: the owner's, or alone. It
  // lives longer than any pin.
  explicit PinTable(PinSide* side = nullptr) : side_(side) {}
  PinTable(const PinTable&) = delete;
  PinTable& operator=(const PinTable&) = delete;

  // Pins the snapshot; lets go of what `pin` held, and wakes it. Nothing
  // without a lineage.
  void Add(const Snapshot& snapshot, std::shared_ptr<const Lineage> lineage,
           Pin* pin);

  // Gives the pin a number where the owner of the store is to know it, so that
  // the owner can be asked to let it hold something. False where there is none
  // left.
  bool Prepare(Pin* pin);

  // The same as Add(), of a pin with a number that holds the snapshot in the
  // owner already.
  void AddKept(const Snapshot& snapshot, std::shared_ptr<const Lineage> lineage,
               Pin* pin);

  // Has a pin of the owner's say by `word` whether it is awake, instead of its
  // own word: of another process, for which the owner holds it. The word lives
  // as long as the pin holds anything. REQUIRES: the pin holds nothing.
  static void UseWord(std::atomic<uint32_t>* word, Pin* pin) {
    pin->word_.store(word, std::memory_order_release);
  }

  // What the pin holds; no lineage where that is nothing.
  PinnedSnapshot HeldBy(const Pin& pin);

  // Every snapshot of a pin that is awake, in no order.
  std::vector<PinnedSnapshot> Snapshots();

  // The pins that have a number and are awake, in no order.
  std::vector<NumberedPin> Numbered();

  // From now on the pins with a number have the words that `word_of` gives for
  // it, awake where they were: those of the next owner.
  void Rebind(
      const std::function<std::atomic<uint32_t>*(uint32_t number)>& word_of);

 private:
  friend class Pin;

  static constexpr size_t kParts = 16;
  struct Part {
    std::mutex mutex;
    Pin* first = nullptr;
  };

  Part& PartOf(const Pin* pin);
  // Puts it into the list, once. REQUIRES: the part is locked.
  void Insert(Part* part, Pin* pin);
  void Remove(Pin* pin);

  PinSide* const side_;
  std::array<Part, kParts> parts_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_PINS_H_
