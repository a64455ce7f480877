// Stored pairs as text: every kind of key and record that there is, and where
// they are.

#include "kv/inspect/pair_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "tests/support/memory_engine.h"
#include "tests/support/pair_examples.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using pair_examples::All;
using pair_examples::kActor;
using pair_examples::kBranch;
using pair_examples::PairExample;

TEST(PairTextTest, EveryRecordHasItsKeyAndItsFields) {
  const std::unique_ptr<Engine> engine = NewMemoryEngine(UnboundedLimits());
  const std::unique_ptr<EngineReader> reader = engine->NewReader();
  for (const PairExample& example : All()) {
    SCOPED_TRACE(example.key_text);
    EXPECT_EQ(KeyText(example.partition, example.key), example.key_text);
    RecordText text;
    ASSERT_OK(DescribePair(
        reader.get(), {example.partition, example.key, example.value}, &text));
    EXPECT_OK(text.problem);
    EXPECT_EQ(text.json, example.record);
  }
}

std::set<std::string> AllMatches(const std::string& text,
                                 const std::string& pattern) {
  std::set<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end;
       ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

// What is stored has a type of its own, for which there is EncodeRecord(). A
// new one is shown above before this test passes.
TEST(PairTextTest, NoTypeOfRecordIsForgotten) {
  std::set<std::string> types;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator("kv")) {
    if (entry.path().extension() != ".h") continue;
    types.merge(AllMatches(
        FileContents(entry.path()),
        R"(EncodeRecord\(std::string_view key,\s+const (\w+)& \w+\);)"));
  }
  std::set<std::string> shown;
  for (const PairExample& example : All()) {
    if (!example.type.empty()) shown.insert(example.type);
  }
  EXPECT_EQ(types, shown);
}

// The keys of kv/FORMAT.md: "| catalog | store record | 1 | `M` | store |".
TEST(PairTextTest, NoKindOfKeyIsForgotten) {
  std::set<std::string> shown;
  for (const PairExample& example : All()) {
    const std::string partition = PartitionText(example.partition);
    shown.insert(partition.substr(0, partition.find(' ')) + " " +
                 example.key[0]);
  }
  std::set<std::string> known;
  const std::string format = FileContents("kv/FORMAT.md");
  const std::regex row(R"(\n\| ([a-z, ]+) \| [a-z ]+ \| [0-9n +]+ \| `(.)`)");
  for (std::sregex_iterator it(format.begin(), format.end(), row), end;
       it != end; ++it) {
    const std::string partitions = (*it)[1];
    for (const std::string name : {"catalog", "actor", "legacy"}) {
      if (partitions.find(name) == std::string::npos) continue;
      known.insert(name + " " + std::string((*it)[2]));
    }
  }
  EXPECT_GE(known.size(), 18U) << "the table is not as this test knows it";
  EXPECT_EQ(known, shown);
}

// --- Places ------------------------------------------------------------------

TEST(PartitionTextTest, ThereAndBack) {
  for (const Partition& partition :
       {CatalogPartition(), ActorPartition({17}), BranchPartition({18}),
        LegacyPartition({~uint64_t{0}})}) {
    Partition parsed = ActorPartition({1});
    ASSERT_TRUE(ParsePartition(PartitionText(partition), &parsed));
    EXPECT_EQ(parsed, partition);
  }
  for (const char* text :
       {"", "actor", "actor ", "actor x", "actor 017", "actor 1 ", "Actor 1",
        "catalog 1", "branch -1", "legacy 99999999999999999999", "page 1"}) {
    Partition parsed = ActorPartition({1});
    EXPECT_FALSE(ParsePartition(text, &parsed)) << text;
    EXPECT_EQ(parsed, ActorPartition({1}));
  }
}

// Each key is where FindKeys() says, of each beginning of its text.
TEST(FindKeysTest, FindsWhatBeginsSo) {
  std::vector<PairExample> examples = All();
  examples.push_back({BranchPartition(kBranch), ChunkKey(7, {99}), "", "",
                      "page 7 @ txid 99", ""});
  examples.push_back(
      {ActorPartition(kActor), "Zx", "", "", "unknown 5a78", ""});
  for (const PairExample& example : examples) {
    for (size_t size = 0; size <= example.key_text.size(); ++size) {
      const std::string begin = example.key_text.substr(0, size);
      std::string prefix;
      ASSERT_TRUE(FindKeys(example.partition.kind, begin, &prefix)) << begin;
      EXPECT_EQ(example.key.substr(0, prefix.size()), prefix) << begin;
    }
  }
  std::string prefix = "unchanged";
  EXPECT_FALSE(FindKeys(PartitionKind::kBranch, "head", &prefix));
  EXPECT_FALSE(FindKeys(PartitionKind::kActor, "page 7", &prefix));
  EXPECT_FALSE(FindKeys(PartitionKind::kActor, "heads", &prefix));
  EXPECT_EQ(prefix, "unchanged");
  ASSERT_TRUE(FindKeys(PartitionKind::kBranch, "page 7 ", &prefix));
  EXPECT_EQ(prefix, ChunkKey(7, {99}).substr(0, 5)) << "of one page";
  ASSERT_TRUE(FindKeys(PartitionKind::kBranch, "page 7", &prefix));
  EXPECT_EQ(prefix, "") << "or of page 70";
  ASSERT_TRUE(FindKeys(PartitionKind::kActor, "commit 12", &prefix));
  EXPECT_EQ(prefix, CommitPrefix());
}

}  // namespace
}  // namespace actorkv
