// Pins that rest and wake (kv/store/pins.h, invariant 3).

#include "kv/store/pins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace actorkv {
namespace {

constexpr BranchId kBranch{7};

Snapshot At(uint64_t txid) {
  Snapshot snapshot;
  snapshot.branch = kBranch;
  snapshot.txid = TxId{txid};
  return snapshot;
}

std::shared_ptr<const Lineage> OneBranch() {
  return std::make_shared<const Lineage>(
      Lineage{BranchPoint{ActorId{1}, kBranch, TxId{~uint64_t{0}}}});
}

bool Pinned(PinTable* table, uint64_t txid) {
  const std::vector<PinnedSnapshot> snapshots = table->Snapshots();
  return std::any_of(snapshots.begin(), snapshots.end(),
                     [txid](const PinnedSnapshot& pinned) {
                       return pinned.snapshot.txid == TxId{txid};
                     });
}

TEST(PinTest, PinsWhileItIsAwake) {
  PinTable table;
  Pin pin;
  pin.Wake();
  EXPECT_FALSE(pin.held()) << "it never held anything";
  table.Add(At(5), OneBranch(), &pin);
  EXPECT_TRUE(pin.held());
  EXPECT_TRUE(Pinned(&table, 5));
  pin.Rest();
  EXPECT_FALSE(pin.held());
  EXPECT_FALSE(Pinned(&table, 5));
  pin.Wake();
  EXPECT_TRUE(pin.held());
  EXPECT_TRUE(Pinned(&table, 5));
  pin.Rest();
  table.Add(At(6), OneBranch(), &pin);
  EXPECT_TRUE(Pinned(&table, 6)) << "taken anew, it is awake";
  EXPECT_FALSE(Pinned(&table, 5));
  pin.Release();
  pin.Wake();
  EXPECT_FALSE(pin.held());
  EXPECT_TRUE(table.Snapshots().empty());
}

TEST(PinTest, ARestingPinMayBeReleased) {
  PinTable table;
  {
    Pin pin;
    table.Add(At(5), OneBranch(), &pin);
    pin.Rest();
  }
  EXPECT_TRUE(table.Snapshots().empty());
}

// A reader wakes its pin and then finds the head as it was, again and again,
// while the head moves. Whoever looks at the head first and at the pins after
// finds the pin of every read that began before and goes on after.
TEST(PinTest, AReadThatResumedIsSeen) {
  PinTable table;
  std::atomic<uint64_t> head{1};
  std::atomic<uint64_t> reading{0};  // of which head; 0: no read
  std::atomic<uint64_t> reads{0};    // rises when one begins and when it ends
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    Pin pin;
    uint64_t snapshot = 0;
    while (!stop) {
      pin.Wake();
      if (snapshot != head.load()) {
        // As the slow way does, under the actor's mutex: pinned, then still
        // the head.
        do {
          snapshot = head.load();
          table.Add(At(snapshot), OneBranch(), &pin);
        } while (snapshot != head.load());
      }
      ++reads;
      reading = snapshot;
      reading = 0;
      ++reads;
      pin.Rest();
    }
  });
  size_t seen = 0;
  for (uint64_t commit = 2; commit < 200000; ++commit) {
    head = commit;
    const uint64_t reads_before = reads;
    const uint64_t old = reading;
    const bool pinned = old == 0 || Pinned(&table, old);
    if (old == 0 || reads != reads_before) continue;
    ++seen;
    ASSERT_TRUE(pinned) << "read of " << old << " at head " << commit;
  }
  stop = true;
  reader.join();
  RecordProperty("reads_seen", std::to_string(seen));
}

}  // namespace
}  // namespace actorkv
