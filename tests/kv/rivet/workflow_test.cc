// Keys and values of workflows: those that RivetKit wrote, and what is none.
#include "kv/rivet/workflow.h"

#include <gtest/gtest.h>

#include <map>

#include "kv/base/affix.h"
#include "kv/rivet/actor_persist.h"
#include "kv/rivet/container.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// Written by rivetkit 2.2.1.
TEST(WorkflowTest, EveryPairOfASampleIsKnown) {
  std::unique_ptr<PairSource> source;
  std::vector<Pair> pairs;
  ASSERT_OK(OpenDump(Sample("upgrade-flow.jsonl.gz"), &source));
  ASSERT_OK(ReadAllPairs(source.get(), &pairs));
  std::map<std::string, int> parts;
  std::map<std::string, int> kinds;
  for (const auto& [key, value] : pairs) {
    if (!BeginsWith(key, kWorkflowPrefix)) continue;
    SCOPED_TRACE(Hex(key));
    const WorkflowKey parsed = ParseWorkflowKey(key);
    ++parts[WorkflowPartName(parsed.part)];
    WorkflowEntry entry;
    WorkflowMetadata metadata;
    if (parsed.part == WorkflowPart::kHistory) {
      EXPECT_OK(DecodeWorkflowEntry(value, &entry));
      ++kinds[entry.kind];
    } else if (parsed.part == WorkflowPart::kMetadata) {
      EXPECT_OK(DecodeWorkflowMetadata(value, &metadata));
      EXPECT_EQ(parsed.entry_id.size(), 36U);
      EXPECT_GT(metadata.created_at_ms, 1'700'000'000'000U);
    } else if (parsed.part == WorkflowPart::kName) {
      EXPECT_EQ(Hex(WorkflowNameKey(parsed.index)), Hex(key));
    }
  }
  EXPECT_EQ(parts.count("unknown"), 0U);
  EXPECT_GT(parts["name"], 5);
  EXPECT_GT(parts["history"], 5);
  EXPECT_GT(parts["metadata"], 5);
  EXPECT_EQ(parts["state"], 1);
  EXPECT_GT(kinds["step"], 0);
  EXPECT_GT(kinds["loop"], 0);
  EXPECT_GT(kinds["sleep"], 0);
}

TEST(WorkflowTest, ALocationGoesThroughRoundsOfLoops) {
  const WorkflowKey key =
      ParseWorkflowKey(Unhex("0601150215070515071501001508"));
  ASSERT_EQ(key.part, WorkflowPart::kHistory);
  ASSERT_EQ(key.location.size(), 3U);
  EXPECT_EQ(key.location[0].name, 7U);
  EXPECT_FALSE(key.location[0].round.has_value());
  EXPECT_EQ(key.location[1].name, 7U);
  EXPECT_EQ(key.location[1].round, 1U);
  EXPECT_EQ(key.location[2].name, 8U);
}

TEST(WorkflowTest, NamesHaveNumbersOfAnySize) {
  for (const uint64_t index :
       {uint64_t{0}, uint64_t{1}, uint64_t{255}, uint64_t{256}, ~uint64_t{0}}) {
    const WorkflowKey key = ParseWorkflowKey(WorkflowNameKey(index));
    EXPECT_EQ(key.part, WorkflowPart::kName);
    EXPECT_EQ(key.index, index);
  }
  EXPECT_EQ(Hex(WorkflowNameKey(0)), "0601150114");
}

TEST(WorkflowTest, OtherKeysAreUnknown) {
  for (const char* hex :
       {"", "06", "0601", "060115", "06011501", "0601150115", "060115010114",
        "06011502", "0601150205", "06011502051507", "0601150205150715",
        "060115020515071501", "06011503150114", "0601150315", "0601150402",
        "06011504026100ff", "060115061501", "0701150114"}) {
    EXPECT_EQ(ParseWorkflowKey(Unhex(hex)).part, WorkflowPart::kUnknown) << hex;
  }
  // A field that is not known has a number all the same.
  EXPECT_EQ(ParseWorkflowKey(Unhex("060115031509")).part,
            WorkflowPart::kUnknown);
}

// Every kind of item of the tuple layer, in each place of a key: only integers
// that are not negative, texts and pairs of integers have one.
TEST(WorkflowTest, ItemsOfEveryKind) {
  const struct {
    const char* hex;
    bool is_integer;
    bool is_text;
    bool is_step;  // of a location
  } kCases[] = {
      {"00", false, false, false},                    // null
      {"01610000", false, false, false},              // bytes
      {"026100", false, true, false},                 // text
      {"020000ff00", false, false, false},            // one that ends too early
      {"02000000", false, false, false},              // another of these
      {"0200ff6100", false, true, false},             // a NUL in it
      {"0200", false, true, false},                   // an empty one
      {"0500", false, false, false},                  // tuple, empty
      {"051501150200", false, false, true},           // of two integers
      {"05150100", false, false, false},              // of one
      {"0515011502150300", false, false, false},      // of three
      {"05150105150215030000", false, false, false},  // in a tuple
      {"05026100150100", false, false, false},        // of a text
      {"0cfffffffffffffffe", false, false, false},    // negative, 8 bytes
      {"13fe", false, false, false},                  // and 1
      {"14", true, false, true},                      // 0
      {"15ff", true, false, true},
      {"16ffff", true, false, true},
      {"17ffffff", true, false, true},
      {"18ffffffff", true, false, true},
      {"19ffffffffff", true, false, true},
      {"1affffffffffff", true, false, true},
      {"1bffffffffffffff", true, false, true},
      {"1cffffffffffffffff", true, false, true},
      {"1d09ffffffffffffffffff", false, false, false},  // more than 8 bytes
      {"20c0000000", false, false, false},              // float
      {"21c000000000000000", false, false, false},      // double
      {"26", false, false, false},                      // false
      {"27", false, false, false},                      // true
      {"3000112233445566778899aabbccddeeff", false, false, false},  // UUID
      {"33000000000000000000010001", false, false, false},  // versionstamp
      {"ff", false, false, false},                          // none
  };
  const auto part = [](const std::string& first, const char* item) {
    return WorkflowPartName(
        ParseWorkflowKey(Unhex("0601" + first + item)).part);
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.hex);
    EXPECT_STREQ(part("1501", c.hex), c.is_integer ? "name" : "unknown");
    EXPECT_STREQ(part("1502", c.hex), c.is_step ? "history" : "unknown");
    EXPECT_STREQ(part("15021507", c.hex), c.is_step ? "history" : "unknown");
    EXPECT_STREQ(part("1504", c.hex), c.is_text ? "metadata" : "unknown");
    // No field has such a number, and there is nothing behind a trace.
    EXPECT_STREQ(part("1503", c.hex), "unknown");
    EXPECT_STREQ(part("1505", c.hex), "unknown");
    EXPECT_STREQ(part("", c.hex), "unknown");
  }
  EXPECT_EQ(ParseWorkflowKey(Unhex("060115040200ff6100")).entry_id,
            std::string("\0a", 2));
  for (const auto& [hex, name] :
       std::map<std::string, std::string>{{"15031501", "state"},
                                          {"15031502", "output"},
                                          {"15031503", "error"},
                                          {"15031504", "input"},
                                          {"1505", "trace"}}) {
    EXPECT_EQ(part(hex, ""), name) << hex;
  }
}

TEST(WorkflowTest, EntriesOfEveryKind) {
  const struct {
    const char* hex;  // behind id and location
    const char* kind;
    const char* name;
  } kCases[] = {
      {"000001026e6f", "step", ""},
      {"0101800300000000", "loop", ""},
      {"02050000000000000001", "sleep", ""},
      {"030268690180", "message", "hi"},
      {"04026370", "checkpoint", "cp"},
      {"05010162020000", "join", ""},
      {"0601016200", "race", ""},
      {"07047374657001026869", "removed", "hi"},
      {"080100000002000000", "version", ""},
  };
  const std::string head = "0100026964020001000000010200000003000000";
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.kind);
    WorkflowEntry entry;
    const std::string whole = Unhex(head + c.hex);
    ASSERT_OK(DecodeWorkflowEntry(whole, &entry));
    EXPECT_EQ(entry.id, "id");
    EXPECT_STREQ(entry.kind, c.kind);
    EXPECT_EQ(entry.name, c.name);
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_TRUE(IsError(DecodeWorkflowEntry(whole.substr(0, size), &entry),
                          Code::kCorruption, "at byte"))
          << size;
    }
    EXPECT_TRUE(IsError(DecodeWorkflowEntry(whole + "x", &entry),
                        Code::kCorruption, "left over"));
  }
  WorkflowEntry entry;
  EXPECT_TRUE(IsError(DecodeWorkflowEntry(Unhex(head + "09"), &entry),
                      Code::kCorruption, "kind"));
  EXPECT_TRUE(IsError(DecodeWorkflowEntry(Unhex("0200"), &entry),
                      Code::kNotSupported, "version 2"));
}

}  // namespace
}  // namespace actorkv
