// Files of RivetKit's file-system driver: those that it wrote, and what is
// none.
#include "kv/rivet/driver_state.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "kv/rivet/container.h"
#include "kv/rivet/driver_store.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/memory_bytes.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using Texts = std::vector<std::string>;

Status Read(const std::string& bytes, DriverState* state) {
  return ReadDriverState(MemoryBytes(bytes), state);
}

TEST(DriverStateTest, NameAndKeyOf221) {
  DriverState state;
  ASSERT_OK(Read(FileContents(Sample("driver-2.2.1/state/496029c6c674df20")),
                 &state));
  EXPECT_EQ(state.actor_id, "496029c6c674df20");
  EXPECT_EQ(state.name, "notes");
  EXPECT_EQ(state.key, (Texts{"tenant", "a/b"}));
  EXPECT_EQ(state.pair_count, 0U);
  const ActorMetadata metadata = DriverMetadata(state);
  EXPECT_EQ(metadata.name, "notes");
  EXPECT_EQ(metadata.key, "tenant/a\\/b");
  EXPECT_EQ(metadata.source_actor_id, "496029c6c674df20");
}

TEST(DriverStateTest, PairsOf2033) {
  const std::string bytes =
      FileContents(Sample("driver-2.0.33/state/7e7ebeb4fc423c1e"));
  DriverState state;
  ASSERT_OK(Read(bytes, &state));
  EXPECT_EQ(state.pair_count, 2U);
  EXPECT_EQ(state.key, Texts{"tenant/a\\/b"});
  EXPECT_EQ(DriverMetadata(state).key, "tenant/a\\/b");
  std::vector<Pair> pairs;
  std::vector<Pair> expected;
  std::unique_ptr<PairSource> dump;
  ASSERT_OK(ReadAllPairs(DriverStatePairs(MemoryBytes(bytes)).get(), &pairs));
  ASSERT_OK(OpenDump(Sample("driver-2.0.33-7e7ebeb4fc423c1e.expected.jsonl.gz"),
                     &dump));
  ASSERT_OK(ReadAllPairs(dump.get(), &expected));
  EXPECT_EQ(pairs, expected);
}

TEST(DriverStateTest, VersionOneHasTheStateAlone) {
  const std::string bytes = FileContents("tests/fuzz/corpus/driver_state/v1");
  std::vector<Pair> pairs;
  DriverState state;
  ASSERT_OK(Read(bytes, &state));
  EXPECT_EQ(state.created_at_ms, 99U);
  ASSERT_OK(ReadAllPairs(DriverStatePairs(MemoryBytes(bytes)).get(), &pairs));
  ASSERT_EQ(pairs.size(), 1U);
  EXPECT_EQ(Hex(pairs[0].first), "01");
}

TEST(DriverStateTest, WhatIsCutOrLongerIsRefused) {
  const std::string good =
      FileContents(Sample("driver-2.0.33/state/7e7ebeb4fc423c1e"));
  DriverState state;
  state.name = "unchanged";
  for (size_t size = 0; size < good.size(); ++size) {
    const std::string cut = good.substr(0, size);
    std::vector<Pair> pairs;
    EXPECT_TRUE(IsError(Read(cut, &state), Code::kCorruption, "at byte"))
        << size;
    EXPECT_TRUE(
        IsError(ReadAllPairs(DriverStatePairs(MemoryBytes(cut)).get(), &pairs),
                Code::kCorruption, "at byte"))
        << size;
  }
  EXPECT_TRUE(IsError(Read(good + "x", &state), Code::kCorruption, ""));
  EXPECT_TRUE(IsError(Read("\4" + good.substr(1), &state), Code::kNotSupported,
                      "version 4"));
  // A name without end takes no memory without end.
  EXPECT_TRUE(
      IsError(Read(Unhex("0300ffffff7f"), &state), Code::kCorruption, "limit"));
  EXPECT_EQ(state.name, "unchanged");
}

TEST(DriverStateTest, Alarms) {
  uint64_t at_ms = 0;
  ASSERT_OK(DecodeDriverAlarm(
      FileContents(Sample("driver-2.2.1/alarms/496029c6c674df20")), &at_ms));
  EXPECT_GT(at_ms, 1'700'000'000'000U);
  EXPECT_LT(at_ms, 2'000'000'000'000U);
  EXPECT_TRUE(IsError(DecodeDriverAlarm("\3", &at_ms), Code::kCorruption, ""));
  EXPECT_TRUE(IsError(DecodeDriverAlarm(Unhex("040000"), &at_ms),
                      Code::kNotSupported, "version 4"));
}

TEST(DriverStateTest, KeysAsText) {
  EXPECT_EQ(DriverKeyText({}), "/");
  EXPECT_EQ(DriverKeyText({""}), "\\0");
  EXPECT_EQ(DriverKeyText({"a", "", "b/c\\d"}), "a/\\0/b\\/c\\\\d");
}

TEST(DriverStoreTest, ListsActorsAndPassesOverHalfFiles) {
  const TempDir directory;
  const std::string store = directory.File("driver");
  std::filesystem::create_directories(store + "/state");
  std::filesystem::create_directories(store + "/alarms");
  WriteContents(store + "/state/b", "");
  WriteContents(store + "/state/b.tmp.77", "");
  Container container;
  ASSERT_OK(RecogniseContainer(store, &container));
  EXPECT_EQ(container.form, ContainerForm::kDriverStore);
  std::vector<DriverActor> actors;
  const DriverStore driver(store);
  ASSERT_OK(driver.List(&actors));
  ASSERT_EQ(actors.size(), 1U);
  EXPECT_EQ(actors[0].id, "b");
  EXPECT_FALSE(actors[0].has_database);
  std::filesystem::create_directories(store + "/databases");
  for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) {
    WriteContents(store + "/databases/" + name, "");
  }
  ASSERT_OK(driver.List(&actors));
  ASSERT_EQ(actors.size(), 2U);
  EXPECT_EQ(actors[0].id, "a");
  EXPECT_FALSE(actors[0].has_state);
  EXPECT_TRUE(actors[0].has_database);
  std::optional<uint64_t> at_ms = 7;
  ASSERT_OK(driver.ReadAlarm("a", &at_ms));
  EXPECT_EQ(at_ms, std::nullopt);
}

}  // namespace
}  // namespace actorkv
