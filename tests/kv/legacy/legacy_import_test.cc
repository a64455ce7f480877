// Importing legacy pairs: byte for byte, all or nothing, within the limits.

#include "kv/legacy/legacy_import.h"

#include <gtest/gtest.h>

#include "kv/rivet/pair_limits.h"
#include "kv/store/catalog.h"
#include "tests/support/legacy_harness.h"

namespace actorkv {
namespace {

PairMap SomePairs(int count) {
  PairMap pairs = {{std::string("\1"), "state"}, {"", "empty key"}};
  for (int i = 0; i < count; ++i) {
    pairs[std::string("\4") + std::to_string(i)] =
        std::string(static_cast<size_t>(i), 'v');
  }
  return pairs;
}

class LegacyImportTest : public testing::Test {
 protected:
  Status ImportList(const std::string& name, std::vector<KeyValue> pairs) {
    VectorSource source(std::move(pairs));
    LegacyRecord record;
    return ImportPairs(store_.shared(), SpecOf(name), &source, &record);
  }

  // Nothing of an import is there, and nothing of it stays.
  void ExpectNothingOf(const std::string& name) {
    EXPECT_EQ(store_.State(name)->entry_bytes, "");
    store_.Maintain();
    EXPECT_EQ(ImportRecordCount(store_), 0u);
    EXPECT_EQ(Verified(store_), std::vector<std::string>());
  }

  TestStore store_;
};

TEST_F(LegacyImportTest, PairsAreStoredAsTheyAre) {
  const PairMap pairs = LoadPairMap("p-half-migrated.jsonl.gz");
  VectorSource source(pairs);
  ImportSpec spec = SpecOf("a");
  spec.form = LegacyForm::kArchive;
  spec.metadata_json = R"({"name":"x"})";
  LegacyRecord made;
  ASSERT_OK(ImportPairs(store_.shared(), spec, &source, &made));
  store_.Reopen();
  const LegacyActor actor = Loaded(store_, "a");
  EXPECT_EQ(actor.record.state, LegacyState::kLegacy);
  EXPECT_EQ(actor.record.form, LegacyForm::kArchive);
  EXPECT_EQ(actor.record.metadata_json, spec.metadata_json);
  EXPECT_EQ(actor.record.layouts, kHasLayoutZero | kHasLayoutOne);
  EXPECT_EQ(actor.record.pair_count, pairs.size());
  EXPECT_EQ(actor.record.attempts, 0u);
  uint64_t bytes = 0;
  for (const auto& [key, value] : pairs) bytes += key.size() + value.size();
  EXPECT_EQ(actor.record.bytes, bytes);
  EXPECT_GT(actor.record.sqlite_bytes, 23u * 4096);
  EXPECT_GT(actor.record.imported_at_us, 0u);
  EXPECT_EQ(made.pair_count, pairs.size());
  EXPECT_TRUE(StoredPairs(store_, actor.record.legacy) == pairs);
  store_.Maintain();
  EXPECT_EQ(ImportRecordCount(store_), 0u);
  EXPECT_TRUE(StoredPairs(store_, actor.record.legacy) == pairs);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
}

TEST_F(LegacyImportTest, TheActorIsLegacy) {
  const auto early = store_.Open("a");  // looked before there was an actor
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(early->Current(&state));
  ASSERT_OK(Import(store_, "a", SomePairs(3)));
  ASSERT_OK(early->Current(&state));
  EXPECT_FALSE(state->exists);
  EXPECT_TRUE(state->is_legacy);
  EXPECT_EQ(state->entry.state, ActorState::kLegacy);
}

TEST_F(LegacyImportTest, ASourceWithoutPairsGivesAnActorThatHasNothing) {
  ASSERT_OK(Import(store_, "a", {}));
  const LegacyActor actor = Loaded(store_, "a");
  EXPECT_EQ(actor.record.pair_count, 0u);
  EXPECT_EQ(actor.record.layouts, 0u);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
}

TEST_F(LegacyImportTest, TakenNamesAreRefusedBeforeAnythingIsRead) {
  {
    TestTransaction transaction(store_, "live");
    transaction.Write(1, TestPage(kMinPageSize, 1, 1));
    ASSERT_OK(transaction.Commit(1));
  }
  ASSERT_OK(Import(store_, "legacy", SomePairs(1)));
  for (const char* name : {"live", "legacy"}) {
    VectorSource source(SomePairs(3));
    source.FailAt(0, Status::IOError("it was read"));
    LegacyRecord record;
    EXPECT_TRUE(
        IsError(ImportPairs(store_.shared(), SpecOf(name), &source, &record),
                Code::kAlreadyExists,
                std::string("the actor exists already: actor=") + name));
  }
  EXPECT_TRUE(IsError(Import(store_, "x/y", {}), Code::kInvalidArgument,
                      "has a slash"));
  EXPECT_EQ(ImportRecordCount(store_), 0u);
}

TEST_F(LegacyImportTest, ADeletedActorsNameCanBeTaken) {
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, 1));
    ASSERT_OK(transaction.Commit(7));
  }
  TxId txid;
  ASSERT_OK(DeleteActor(store_.get(), "a", SchemaCookie(3), &txid));
  const ActorId old = store_.State("a")->entry.actor;
  ASSERT_OK(Import(store_, "a", SomePairs(3)));
  const auto state = store_.State("a");
  EXPECT_TRUE(state->is_legacy);
  EXPECT_NE(state->entry.actor, old);
  EXPECT_EQ(state->entry.stamp_floor, 7u);
  EXPECT_EQ(state->entry.cookie_floor, 3u);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
  bool old_is_kept = false;
  for (const KeyValue& pair : store_.Scan(CatalogPartition())) {
    old_is_kept = old_is_kept || pair.key == DeletedEntryKey(old);
  }
  EXPECT_TRUE(old_is_kept);
}

TEST_F(LegacyImportTest, BadPairsAreNamed) {
  const std::string long_key(kMaxPairKeyBytes, '\4');
  const std::string long_value(kMaxPairValueBytes, 'v');
  const struct {
    std::vector<KeyValue> pairs;
    std::string message;  // empty: good
  } kCases[] = {
      {{{long_key, long_value}}, ""},
      {{{long_key + "x", ""}},
       "a key of 2049 bytes is larger than the limit of 2048"},
      {{{"\4a", long_value + "x"}},
       "key=0461: a value of 131073 bytes is larger than the limit of 131072"},
      {{{"\4a", "1"}, {"\4b", "1"}, {"\4a", "2"}},
       "the key comes twice: key=0461"},
      {{{"\4a", "1"}, {"\4a", "1"}}, "the key comes twice: key=0461"},
      {{{"", "1"}, {"", "1"}}, "the key comes twice: key="},
      {{{"\4b", "1"}, {"\4a", "1"}}, ""},
  };
  int number = 0;
  for (const auto& c : kCases) {
    const std::string name = "a" + std::to_string(number++);
    const Status s = ImportList(name, c.pairs);
    if (c.message.empty()) {
      EXPECT_OK(s);
      continue;
    }
    EXPECT_TRUE(
        IsError(s, Code::kInvalidArgument, "importing actor=" + name + ": "));
    EXPECT_TRUE(IsError(s, Code::kInvalidArgument, c.message));
    ExpectNothingOf(name);
  }
  VectorSource source(PairMap{});
  ImportSpec spec = SpecOf("m");
  spec.metadata_json = std::string(kMaxLegacyMetadataBytes + 1, ' ');
  LegacyRecord record;
  EXPECT_TRUE(
      IsError(ImportPairs(store_.shared(), spec, &source, &record),
              Code::kInvalidArgument,
              "metadata of 65537 bytes are larger than the limit of 65536"));
}

// A key that comes again in a later batch than the first time.
TEST(LegacyImportBatchTest, RepeatedKeysAreFoundAcrossBatches) {
  for (const bool descending : {false, true}) {
    const TestStore store(MemorySource(), SmallBatches(4096));
    std::vector<KeyValue> pairs;
    for (char i = 0; i < 100; ++i) {
      const char c = descending ? static_cast<char>(100 - i) : i;
      pairs.push_back({std::string("\4") + c, std::string(500, 'v')});
    }
    VectorSource good(pairs);
    LegacyRecord record;
    ASSERT_OK(ImportPairs(store.shared(), SpecOf("good"), &good, &record));
    EXPECT_EQ(StoredPairs(store, record.legacy).size(), 100u);
    pairs.push_back(pairs[1]);
    VectorSource bad(pairs);
    EXPECT_TRUE(
        IsError(ImportPairs(store.shared(), SpecOf("bad"), &bad, &record),
                Code::kInvalidArgument, "the key comes twice: key=04"));
  }
}

TEST_F(LegacyImportTest, ASourceThatFailsLeavesNothing) {
  VectorSource source(SomePairs(50));
  source.FailAt(20, Status::Corruption("line 21: half a pair"));
  LegacyRecord record;
  EXPECT_TRUE(
      IsError(ImportPairs(store_.shared(), SpecOf("a"), &source, &record),
              Code::kCorruption, "importing actor=a: line 21: half a pair"));
  EXPECT_EQ(ImportRecordCount(store_), 1u);
  ExpectNothingOf("a");
}

TEST_F(LegacyImportTest, KeepOnEndsIt) {
  ImportSpec spec = SpecOf("a");
  spec.keep_on = [] { return Status::Busy("interrupted"); };
  VectorSource source(SomePairs(50));
  LegacyRecord record;
  EXPECT_TRUE(IsError(ImportPairs(store_.shared(), spec, &source, &record),
                      Code::kBusy, "interrupted"));
  ExpectNothingOf("a");
}

TEST_F(LegacyImportTest, WarningsNameWhatIsOdd) {
  PairMap pairs = {{std::string("\x0a\x01"), "unknown"}};
  pairs[Unhex("050000000000000001")] = std::string(65537, 'm');
  ASSERT_OK(Import(store_, "a", pairs));
  const auto warnings = Loaded(store_, "a").record.warnings;
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0],
            "queue messages above 65536 bytes, which Rivet would refuse: "
            "1 key: 050000000000000001");
  EXPECT_EQ(warnings[1],
            "keys of no known form, kept as they are: 1 key: 0a01");
}

// Dead between two batches: the next open drops what is there.
TEST(LegacyImportCrashTest, AnImportThatDiedIsDropped) {
  const auto source = MemorySource();
  LegacyId legacy;
  {
    TestStore store(source, SmallBatches(4096));
    auto import = std::make_unique<LegacyImport>(store.shared());
    VectorSource pairs(SomePairs(100));
    ASSERT_OK(import->ReadAll(SpecOf("a"), &pairs));
    legacy = import->record()->legacy;
    EXPECT_EQ(StoredPairs(store, legacy).size(), 102u);
    EXPECT_EQ(store.State("a")->entry_bytes, "") << "not published";
  }
  TestStore store(source);
  EXPECT_EQ(ImportRecordCount(store), 1u);
  EXPECT_TRUE(store->work()->is_waiting());
  store.Maintain();
  EXPECT_EQ(ImportRecordCount(store), 0u);
  EXPECT_EQ(store.Scan(LegacyPartition(legacy)).size(), 0u);
}

// For each engine commit of an import, each way to fail it: the actor is there
// and whole, or it is not there at all; and a retry works.
void ExpectAllOrNothing(CommitFault fault, EngineLimits limits) {
  const PairMap pairs = SomePairs(100);
  uint64_t nth = 1;
  for (;; ++nth) {
    TestStore store(MemorySource(), limits);
    store.plan()->Reset();
    store.plan()->FailCommit(nth, fault);
    const Status s = Import(store, "a", pairs);
    const bool fired = store.plan()->fired_count() > 0;
    store.plan()->Reset();
    if (!fired) {
      EXPECT_OK(s);
      break;
    }
    store.Maintain();
    if (nth % 2 == 0) store.Reopen();
    store.Maintain();
    const auto state = store.State("a");
    EXPECT_EQ(state->is_legacy, s.ok()) << "commit " << nth << s.ToString();
    if (!s.ok()) {
      EXPECT_EQ(state->entry_bytes, "") << nth;
      EXPECT_OK(Import(store, "a", pairs));
    }
    EXPECT_TRUE(StoredPairs(store, Loaded(store, "a").record.legacy) == pairs);
    EXPECT_EQ(Verified(store), std::vector<std::string>());
    store.Maintain();
    EXPECT_EQ(ImportRecordCount(store), 0u);
  }
  EXPECT_GT(nth, 4u);
}

TEST(LegacyImportFaultTest, EachWriteThatFailsOrIsNotKnown) {
  for (const CommitFault fault :
       {CommitFault::kFailed, CommitFault::kUnknownLanded,
        CommitFault::kUnknownLost}) {
    ExpectAllOrNothing(fault, SmallBatches(4096));
    EngineLimits single = SinglePartition();
    single.max_batch_bytes = 4096;
    ExpectAllOrNothing(fault, single);
  }
}

TEST(LegacyImportFaultTest, EachReadThatFails) {
  const PairMap pairs = SomePairs(100);
  uint64_t nth = 1;
  for (;; ++nth) {
    TestStore store;
    store.plan()->Reset();
    store.plan()->FailRead(nth, Status::IOError("no disk"));
    const Status s = Import(store, "a", pairs);
    const bool fired = store.plan()->fired_count() > 0;
    store.plan()->Reset();
    if (!fired) break;
    EXPECT_TRUE(IsError(s, Code::kIOError, "no disk"));
    EXPECT_EQ(store.State("a")->entry_bytes, "");
    EXPECT_OK(Import(store, "a", pairs));
  }
  EXPECT_GT(nth, 2u);
}

// Two at once: one of them makes the actor.
TEST_F(LegacyImportTest, TheSecondOfTwoIsRefused) {
  LegacyImport first(store_.shared());
  LegacyImport second(store_.shared());
  VectorSource one(SomePairs(10));
  VectorSource two(SomePairs(20));
  ASSERT_OK(first.ReadAll(SpecOf("a"), &one));
  ASSERT_OK(second.ReadAll(SpecOf("a"), &two));
  ASSERT_OK(second.Publish());
  EXPECT_TRUE(IsError(first.Publish(), Code::kAlreadyExists, "actor=a"));
  EXPECT_EQ(Loaded(store_, "a").record.pair_count, 22u);
}

// Pairs that come beside a database.
TEST_F(LegacyImportTest, PairsOfAnActorThatIsLiveFromTheStart) {
  const PairMap pairs = SomePairs(10);
  LegacyImport import(store_.shared());
  VectorSource source(pairs);
  ASSERT_OK(import.ReadAll(SpecOf("a"), &source));
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, 1));
    std::vector<PendingCommit> commits = {transaction.Pending(1)};
    commits[0].spec.origin = Origin::kImport;
    commits[0].spec.also = [&](const HeadState& made, Batch* batch) {
      import.AddTo(made, batch);
      return Status::Ok();
    };
    ASSERT_OK(CommitAll(store_.get(), Durability::kSynced, &commits));
  }
  import.Detach();
  store_.Maintain();
  store_.Reopen();
  const LegacyActor actor = Loaded(store_, "a");
  EXPECT_TRUE(actor.head->exists);
  EXPECT_EQ(actor.record.state, LegacyState::kLive);
  EXPECT_EQ(actor.record.migrated_txid.value, 0u);
  EXPECT_TRUE(StoredPairs(store_, actor.record.legacy) == pairs);
  EXPECT_EQ(ImportRecordCount(store_), 0u);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
}

TEST_F(LegacyImportTest, OnRocksDb) {
  const TempDir directory;
  const PairMap pairs = LoadPairMap("p-rk213-plain.jsonl.gz");
  TestStore store(RocksDbSource(directory.File("store")));
  ASSERT_OK(Import(store, "a", pairs));
  store.Reopen();
  EXPECT_TRUE(StoredPairs(store, Loaded(store, "a").record.legacy) == pairs);
  EXPECT_EQ(Verified(store), std::vector<std::string>());
}

}  // namespace
}  // namespace actorkv
