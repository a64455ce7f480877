// Pins that rest and wake (kv/store/pins.h, invariant 3).

#include "kv/store/pins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
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

// The numbers and words that an owner in another process would have.
class FakePinSide : public PinSide {
 public:
  explicit FakePinSide(uint32_t count) : words_(count) {
    for (uint32_t number = count; number > 0; --number) {
      free_.push_back(number - 1);
    }
  }

  std::atomic<uint32_t>* Take(uint32_t* number) noexcept override {
    if (free_.empty()) return nullptr;
    *number = free_.back();
    free_.pop_back();
    return &words_[*number];
  }
  void GiveBack(uint32_t number) noexcept override { free_.push_back(number); }
  void Keep(uint32_t number, const Snapshot& snapshot,
            const Lineage& lineage) noexcept override {
    EXPECT_FALSE(lineage.empty());
    kept_.push_back({number, snapshot.txid.value});
  }
  void NoteUnkept() noexcept override { ++unkept_count; }
  int unkept_count = 0;

  bool IsAwake(uint32_t number) const { return words_[number] != 0; }
  std::atomic<uint32_t>* word(uint32_t number) { return &words_[number]; }
  size_t free_count() const { return free_.size(); }
  const std::vector<std::pair<uint32_t, uint64_t>>& kept() const {
    return kept_;
  }

 private:
  std::vector<std::atomic<uint32_t>> words_;
  std::vector<uint32_t> free_;
  std::vector<std::pair<uint32_t, uint64_t>> kept_;
};

TEST(NumberedPinTest, TheOwnerSeesWhetherItIsAwake) {
  FakePinSide side(2);
  PinTable table(&side);
  Pin pin;
  ASSERT_TRUE(table.Prepare(&pin));
  EXPECT_EQ(pin.number(), 0u);
  EXPECT_FALSE(side.IsAwake(0)) << "it holds nothing yet";
  table.AddKept(At(5), OneBranch(), &pin);
  EXPECT_TRUE(side.IsAwake(0));
  EXPECT_TRUE(side.kept().empty()) << "the owner knows already";
  pin.Rest();
  EXPECT_FALSE(side.IsAwake(0));
  pin.Wake();
  EXPECT_TRUE(side.IsAwake(0));
  pin.Release();
  EXPECT_FALSE(side.IsAwake(0));
  EXPECT_EQ(pin.number(), kNoPinNumber);
  EXPECT_EQ(side.free_count(), 2u);
  pin.Wake();
  EXPECT_FALSE(side.IsAwake(0)) << "the number may be another pin's by now";
}

TEST(NumberedPinTest, TheOwnerIsToldOfAPast) {
  FakePinSide side(1);
  PinTable table(&side);
  Pin pin;
  table.Add(At(3), OneBranch(), &pin);
  ASSERT_EQ(side.kept().size(), 1u);
  EXPECT_EQ(side.kept()[0], (std::pair<uint32_t, uint64_t>{0, 3}));
  EXPECT_TRUE(side.IsAwake(0));
  // Where there is no number left, it holds what it can here.
  Pin other;
  EXPECT_FALSE(table.Prepare(&other));
  table.Add(At(4), OneBranch(), &other);
  EXPECT_TRUE(Pinned(&table, 4));
  EXPECT_EQ(side.kept().size(), 1u);
  // A pin that holds something already is awake under its number at once.
  pin.Release();
  ASSERT_TRUE(table.Prepare(&other));
  EXPECT_TRUE(side.IsAwake(0));
}

TEST(NumberedPinTest, AnotherOwnerHasOtherWords) {
  FakePinSide side(3);
  FakePinSide next(3);
  PinTable table(&side);
  Pin awake;
  Pin resting;
  Pin unused;
  table.Add(At(1), OneBranch(), &awake);
  table.Add(At(2), OneBranch(), &resting);
  resting.Rest();
  const std::vector<NumberedPin> pins = table.Numbered();
  ASSERT_EQ(pins.size(), 1u) << "a pin that rests holds nothing";
  EXPECT_EQ(pins[0].number, awake.number());
  EXPECT_EQ(pins[0].snapshot.txid, TxId{1});
  ASSERT_NE(pins[0].lineage, nullptr);
  table.Rebind([&](uint32_t number) { return next.word(number); });
  EXPECT_TRUE(next.IsAwake(awake.number()));
  EXPECT_FALSE(next.IsAwake(resting.number()));
  awake.Rest();
  EXPECT_FALSE(next.IsAwake(awake.number()));
  EXPECT_TRUE(side.IsAwake(awake.number())) << "the old word is left alone";
}

TEST(NumberedPinTest, OneThatWasTakenAwayHoldsNothingUntilItIsToldAnew) {
  FakePinSide side(1);
  PinTable table(&side);
  Pin pin;
  ASSERT_TRUE(table.Prepare(&pin));
  table.AddKept(At(5), OneBranch(), &pin);
  EXPECT_TRUE(pin.Wake());
  *side.word(0) = kPinWasTaken;
  EXPECT_TRUE(table.Numbered().empty()) << "the next owner is not told of it";
  pin.Rest();
  EXPECT_EQ(*side.word(0), kPinWasTaken);
  EXPECT_FALSE(pin.Wake());
  FakePinSide next(1);
  table.Rebind([&](uint32_t number) { return next.word(number); });
  EXPECT_FALSE(pin.Wake()) << "nobody else keeps it";
  // A snapshot that the owner is told of counts.
  table.Add(At(6), OneBranch(), &pin);
  EXPECT_EQ(*next.word(0), kPinIsAwake);
  EXPECT_TRUE(pin.Wake());
  *next.word(0) = kPinWasTaken;
  pin.Release();
  Pin other;
  ASSERT_TRUE(table.Prepare(&other));
  EXPECT_EQ(*side.word(0), kPinRests) << "the number of another pin";
}

TEST(NumberedPinTest, OneThatNobodyKeepsIsCounted) {
  FakePinSide side(0);
  PinTable table(&side);
  Pin pin;
  table.Add(At(5), OneBranch(), &pin);
  EXPECT_EQ(side.unkept_count, 1);
}

TEST(NumberedPinTest, AnOwnersPinGoesByAForeignWord) {
  PinTable table;
  std::atomic<uint32_t> word{0};
  Pin pin;
  PinTable::UseWord(&word, &pin);
  table.Add(At(9), OneBranch(), &pin);
  EXPECT_TRUE(Pinned(&table, 9));
  word = 0;
  EXPECT_FALSE(Pinned(&table, 9));
  word = 1;
  EXPECT_TRUE(Pinned(&table, 9));
  EXPECT_EQ(table.HeldBy(pin).snapshot.txid, TxId{9});
  word = kPinWasTaken;
  EXPECT_EQ(table.HeldBy(pin).lineage, nullptr);
  // What it holds from now on counts again.
  table.Add(At(10), OneBranch(), &pin);
  EXPECT_EQ(word, kPinIsAwake);
}

}  // namespace
}  // namespace actorkv
