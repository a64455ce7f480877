// The view of stored pairs in layout 1, and the report on their layouts,
// against what Rivet's dumps say and against a map.

#include "kv/rivet/layout_view.h"

#include <gtest/gtest.h>

#include "kv/rivet/pair_limits.h"
#include "tests/support/bytes.h"
#include "tests/support/map_pairs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// The pairs of layout 1 by moving every pair of a map; nullopt: a conflict.
std::optional<PairMap> Moved(const PairMap& stored) {
  PairMap moved;
  for (const auto& [key, value] : stored) {
    std::string one;
    if (!LayoutOneKey(key, value, &one)) continue;
    if (auto [it, is_new] = moved.emplace(one, value); !is_new) {
      if (it->second != value) return std::nullopt;
    }
  }
  return moved;
}

LayoutReport Report(const PairMap& stored) {
  MemoryPairs pairs(stored);
  LayoutReport report;
  EXPECT_OK(CheckLayouts(&pairs, &report));
  return report;
}

TEST(LayoutViewTest, Dumps) {
  for (const char* name :
       {"p-version-and-input.jsonl", "p-half-migrated.jsonl.gz",
        "p-rk213-plain.jsonl.gz"}) {
    std::string expected = name;
    expected.insert(expected.find('.'), ".expected");
    MemoryPairs pairs(LoadPairMap(name));
    LayoutOneView view(&pairs);
    EXPECT_TRUE(AllPairs(&view) == LoadPairMap(expected)) << name;
    LayoutReport report;
    EXPECT_OK(CheckLayouts(&pairs, &report));
    EXPECT_OK(report.CheckConflicts());
    EXPECT_EQ(report.unknown.count, 0u) << name;
    EXPECT_EQ(report.same.count, 0u) << name;
    // What is in layout 1 stays as it is.
    MemoryPairs moved(LoadPairMap(expected));
    LayoutOneView again(&moved);
    EXPECT_TRUE(AllPairs(&again) == LoadPairMap(expected)) << name;
    EXPECT_EQ(Report(LoadPairMap(expected)).PairCount(KeyLayout::kZero), 0u);
  }
}

TEST(LayoutViewTest, VersionIsDroppedAndInputMoves) {
  const PairMap stored = LoadPairMap("p-version-and-input.jsonl");
  const LayoutReport report = Report(stored);
  EXPECT_EQ(report.dropped.Text(), "1 key: 0715031504");
  EXPECT_EQ(report.of(LegacyNamespace::kState).pair_count[2], 1u);
  EXPECT_EQ(report.of(LegacyNamespace::kSqliteChunk).pair_count[0], 2u);
  EXPECT_EQ(report.SqliteBytes(), 3u + 10 + 2 * (7 + 4096));
  EXPECT_EQ(report.PairCount(), stored.size());
  MemoryPairs pairs(stored);
  LayoutOneView view(&pairs);
  std::optional<std::string> value;
  ASSERT_OK(view.Get(Unhex("060115031504"), &value));
  EXPECT_EQ(value, stored.at(Unhex("0715031505")));
  for (const char* absent : {"060115031505", "0715031505", "0715031504"}) {
    ASSERT_OK(view.Get(Unhex(absent), &value));
    EXPECT_FALSE(value.has_value()) << absent;
  }
}

TEST(LayoutViewTest, AConflictIsNamedAndNeverDecided) {
  const PairMap stored = LoadPairMap("p-conflict.jsonl.gz");
  const LayoutReport report = Report(stored);
  EXPECT_TRUE(
      IsError(report.CheckConflicts(), Code::kNotSupported,
              "one value in layout 0 and another in layout 1, and which "
              "one counts is not known, 4 keys: "
              "06, 090000, 09010000000000, 09010000000001"));
  EXPECT_EQ(report.same.count, 0u);
  MemoryPairs pairs(stored);
  LayoutOneView view(&pairs);
  std::optional<std::string> value;
  std::optional<KeyValue> pair;
  EXPECT_TRUE(IsError(view.Get(Unhex("08010000"), &value), Code::kNotSupported,
                      "key=090000 layout_1_key=08010000"));
  EXPECT_TRUE(IsError(view.Seek(Unhex("0801"), &pair), Code::kNotSupported,
                      "key=090000 layout_1_key=08010000"));
  EXPECT_TRUE(IsError(view.Seek(Unhex("050101"), &pair), Code::kNotSupported,
                      "key=06 layout_1_key=050101"));
  ASSERT_OK(view.Get(Unhex("0801010000000002"), &value));
  EXPECT_EQ(value, stored.at(Unhex("09010000000002")));
}

TEST(LayoutViewTest, TheSameInBothPlacesIsOnePair) {
  const std::string meta = Unhex("0400060000000000000005000000");
  const PairMap stored = {{Unhex("06"), meta},
                          {Unhex("050101"), meta},
                          {Unhex("0715031505"), "input"},
                          {Unhex("0715031504"), "version"},
                          {Unhex("060115031504"), "input"}};
  MemoryPairs pairs(stored);
  LayoutOneView view(&pairs);
  EXPECT_EQ(AllPairs(&view), (PairMap{{Unhex("050101"), meta},
                                      {Unhex("060115031504"), "input"}}));
  const LayoutReport report = Report(stored);
  EXPECT_EQ(report.same.Text(), "2 keys: 06, 0715031505");
  EXPECT_OK(report.CheckConflicts());
}

// The key 06 of Rivet 2.3.0 to 2.3.4 is an alarm: no queue metadata, whatever
// is beside it.
TEST(LayoutViewTest, AnAlarmStaysWhereItIs) {
  for (const char* alarm :
       {"010000", "0100017f96980000000000", "0200017f96980000000000"}) {
    const PairMap stored = {
        {Unhex("06"), Unhex(alarm)},
        {Unhex("050101"), Unhex("0400020000000000000001000000")}};
    const LayoutReport report = Report(stored);
    EXPECT_OK(report.CheckConflicts());
    EXPECT_EQ(report.of(LegacyNamespace::kAlarm).pair_count[2], 1u);
    EXPECT_EQ(report.PairCount(KeyLayout::kZero), 0u);
    MemoryPairs pairs(stored);
    LayoutOneView view(&pairs);
    EXPECT_EQ(AllPairs(&view), stored);
    std::optional<std::string> value;
    ASSERT_OK(view.Get(Unhex("06"), &value));
    EXPECT_EQ(value, Unhex(alarm));
    ASSERT_OK(view.Get(Unhex("050101"), &value));
    EXPECT_EQ(value, stored.at(Unhex("050101")));
    bool conflict = true;
    for (const auto& [key, v] : stored) {
      ASSERT_OK(IsInConflict(&pairs, {key, v}, &conflict));
      EXPECT_FALSE(conflict);
    }
  }
}

TEST(LayoutViewTest, WhichPairsAreInConflict) {
  const PairMap stored = {
      {Unhex("04"), "same in both"},
      {Unhex("050000000000000001"), "a"},
      {Unhex("0501020000000000000001"), "b"},
      {Unhex("050000000000000002"), "a"},
      {Unhex("0501020000000000000002"), "a"},
      {Unhex("050000000000000003"), "a"},
      {Unhex("0501020000000000000004"), "a"},
      {Unhex("0715031504"), "version"},
      {Unhex("0715031505"), "input"},
      {Unhex("060115031504"), "other input"},
      {Unhex("090000"), "m"},
      {Unhex("08010000"), "n"},
  };
  MemoryPairs pairs(stored);
  std::string found;
  for (const auto& [key, value] : stored) {
    bool conflict = false;
    ASSERT_OK(IsInConflict(&pairs, {key, value}, &conflict));
    if (conflict) found += Hex(key) + " ";
  }
  EXPECT_EQ(found,
            "050000000000000001 0501020000000000000001 060115031504 0715031505 "
            "08010000 090000 ");
  EXPECT_EQ(Report(stored).database_conflict_count, 1u);
}

// VERSION's bytes under INPUT's new key: somebody moved prefixes only.
TEST(LayoutViewTest, VersionWhereInputBelongsIsAConflict) {
  const LayoutReport report = Report({{Unhex("0715031504"), "version"},
                                      {Unhex("0715031505"), "input"},
                                      {Unhex("060115031504"), "version"}});
  EXPECT_TRUE(IsError(report.CheckConflicts(), Code::kNotSupported,
                      "1 key: 0715031505"));
}

TEST(LayoutViewTest, ReportNamesUnknownKeysAndLargeMessages) {
  PairMap stored;
  for (char c = 0; c < 20; ++c) stored[std::string("\x0a") + c] = "u";
  stored[Unhex("050000000000000001")] = std::string(kMaxQueueMessageBytes, 'x');
  stored[Unhex("050000000000000002")] =
      std::string(kMaxQueueMessageBytes + 1, 'x');
  stored[Unhex("0501020000000000000003")] =
      std::string(kMaxQueueMessageBytes + 1, 'x');
  for (const char* key : {"0502", "0502000000000000000001", "06020115",
                          "0702ff", "08020000", "0803"}) {
    stored[Unhex(key)] = "v";
  }
  stored["plain text"] = "t";
  const LayoutReport report = Report(stored);
  std::string notes;
  for (const std::string& note : report.UnknownNotes()) notes += note + "\n";
  EXPECT_EQ(notes,
            "keys of an unknown version of the queue's namespace, kept as they "
            "are: 2 keys: 0502, 0502000000000000000001\n"
            "keys of an unknown version of the workflow's namespace, kept as "
            "they are: 1 key: 06020115\n"
            "keys of an unknown version of the traces' namespace, kept as they "
            "are: 1 key: 0702ff\n"
            "keys of an unknown version of the database's namespace, kept as "
            "they are: 2 keys: 08020000, 0803\n"
            "keys of no known form, kept as they are: " +
                report.unknown.Text() + "\n");
  EXPECT_EQ(report.unknown.Text(),
            "21 keys: 0a00, 0a01, 0a02, 0a03, 0a04, 0a05, 0a06, 0a07, ...");
  EXPECT_EQ(report.large_messages.Text(),
            "2 keys: 050000000000000002, 0501020000000000000003");
  EXPECT_EQ(report.PairCount(KeyLayout::kSame), 27u);
  EXPECT_EQ(report.PairCount(KeyLayout::kZero), 2u);
  EXPECT_EQ(report.PairCount(KeyLayout::kOne), 1u);
}

// Short keys over the bytes that mean something somewhere.
std::string RandomKey(std::mt19937_64* bits) {
  static const char kBytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x15, 0x7f};
  const auto pick = [&](size_t count) {
    return static_cast<size_t>((*bits)() % count);
  };
  const auto random_byte = [&] { return kBytes[pick(std::size(kBytes))]; };
  const std::string starts[] = {"",
                                Unhex("06"),
                                Unhex("0501"),
                                Unhex("05"),
                                Unhex("050102"),
                                Unhex("0715"),
                                Unhex("07150315"),
                                Unhex("060115"),
                                Unhex("06011503"),
                                Unhex("0815"),
                                Unhex("070115"),
                                Unhex("0900"),
                                Unhex("090100"),
                                Unhex("080100"),
                                Unhex("08010100")};
  std::string key = starts[pick(std::size(starts))];
  if (key == Unhex("06")) return key;
  if (key == Unhex("0501")) return key + '\1';
  if (key.size() == 1 || key == Unhex("050102")) {
    key.append(std::string(7, '\0')).push_back(random_byte());
  } else if (key == Unhex("090100") || key == Unhex("08010100")) {
    key.append(std::string(3, '\0')).push_back(random_byte());
  }
  for (size_t more = pick(3); more > 0; --more) key.push_back(random_byte());
  return key;
}

TEST(LayoutViewTest, AgainstAMap) {
  std::mt19937_64 bits(TestSeed());
  uint64_t conflict_count = 0;
  uint64_t same_count = 0;
  for (uint64_t round = 0; round < TestRounds(400); ++round) {
    PairMap stored;
    const uint64_t pair_count = bits() % 120;
    for (uint64_t i = 0; i < pair_count; ++i) {
      // The same value in all layouts, mostly; the key 06 means by its length.
      const size_t bytes = bits() % 100 == 0 ? 11 : 14;
      stored[RandomKey(&bits)] = std::string(bytes, '\1');
    }
    const std::optional<PairMap> moved = Moved(stored);
    const LayoutReport report = Report(stored);
    ASSERT_EQ(report.CheckConflicts().ok(), moved.has_value());
    ASSERT_EQ(report.PairCount(), stored.size());
    if (!moved.has_value()) {
      ++conflict_count;
      continue;
    }
    ASSERT_EQ(moved->size() + report.same.count + report.dropped.count,
              stored.size());
    same_count += report.same.count;
    MemoryPairs pairs(stored);
    LayoutOneView view(&pairs);
    ASSERT_EQ(AllPairs(&view), *moved);
    for (int i = 0; i < 200; ++i) {
      const std::string key = RandomKey(&bits);
      std::optional<KeyValue> pair;
      ASSERT_OK(view.Seek(key, &pair));
      const auto next = moved->lower_bound(key);
      ASSERT_EQ(pair.has_value(), next != moved->end()) << Hex(key);
      if (pair.has_value()) {
        ASSERT_EQ(Hex(pair->key), Hex(next->first)) << "after " << Hex(key);
      }
      std::optional<std::string> value;
      ASSERT_OK(view.Get(key, &value));
      ASSERT_EQ(value.has_value(), moved->count(key) != 0) << Hex(key);
    }
  }
  EXPECT_GT(conflict_count, 0u);
  EXPECT_GT(same_count, 0u);
}

// One walk costs a few reads a pair, whatever lies in the way; a seek past the
// end does not read everything again.
TEST(LayoutViewTest, ReadsAreBounded) {
  PairMap stored;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = {static_cast<char>(i >> 8),
                                static_cast<char>(i & 255)};
    stored[Unhex("09010000") + std::string(1, '\0') + number] = "zero";
    stored[Unhex("050102000000000000") + number] = "message";
    stored[Unhex("07150215") + number] = "workflow";
  }
  MemoryPairs pairs(stored);
  LayoutOneView view(&pairs);
  EXPECT_EQ(AllPairs(&view).size(), stored.size());
  EXPECT_LT(pairs.read_count(), 5 * stored.size());
  const uint64_t before = pairs.read_count();
  std::optional<KeyValue> pair;
  for (int i = 0; i < 100; ++i) ASSERT_OK(view.Seek(Unhex("0a"), &pair));
  for (int i = 0; i < 100; ++i) ASSERT_OK(view.Seek(Unhex("09"), &pair));
  EXPECT_FALSE(pair.has_value());
  EXPECT_LT(pairs.read_count(), before + 2 * stored.size());
}

TEST(LayoutViewTest, ReadErrorsComeThrough) {
  class Broken : public PairReader {
   public:
    Status Get(std::string_view, std::optional<std::string>*) override {
      return Status::IOError("no disk");
    }
    Status Seek(std::string_view, std::optional<KeyValue>*) override {
      return Status::IOError("no disk");
    }
  };
  Broken broken;
  LayoutOneView view(&broken);
  std::optional<KeyValue> pair;
  std::optional<std::string> value;
  LayoutReport report;
  EXPECT_TRUE(IsError(view.Seek("", &pair), Code::kIOError, "no disk"));
  EXPECT_TRUE(IsError(view.Get("\4", &value), Code::kIOError, "no disk"));
  EXPECT_TRUE(
      IsError(CheckLayouts(&broken, &report), Code::kIOError, "no disk"));
}

}  // namespace
}  // namespace actorkv
