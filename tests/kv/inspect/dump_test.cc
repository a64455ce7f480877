// Dump: which pairs are told, in which order, in pieces, of sound and damaged
// stores.

#include "kv/inspect/dump.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "kv/format/chunk.h"
#include "kv/format/legacy_record.h"
#include "kv/history/restore.h"
#include "kv/store/catalog.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr size_t kPages = 8;

void Commit(const TestStore& store, const std::string& name, uint32_t version) {
  TestTransaction transaction(store, name);
  for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
    transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
  }
  ASSERT_OK(transaction.Commit(version));
}

class DumpTest : public testing::Test {
 protected:
  static std::vector<DumpRow> Run(Dump* dump) {
    std::vector<DumpRow> rows;
    for (bool done = false; !done;) {
      std::vector<DumpRow> piece;
      const Status s = dump->Step(&piece, &done);
      EXPECT_OK(s);
      if (!s.ok()) break;
      EXPECT_LE(piece.size(), 64U);
      rows.insert(rows.end(), piece.begin(), piece.end());
    }
    return rows;
  }

  std::vector<DumpRow> Rows(const std::string& name,
                            const std::string& begin = "") {
    Dump dump(store_->engine(), store_->path(), begin);
    EXPECT_OK(dump.Select(name));
    return Run(&dump);
  }

  // "PARTITION: KEY", of each.
  static std::vector<std::string> Texts(const std::vector<DumpRow>& rows) {
    std::vector<std::string> texts;
    for (const DumpRow& row : rows) {
      texts.push_back(PartitionText(row.partition) + ": " + row.key);
    }
    return texts;
  }

  static void ExpectSound(const std::vector<DumpRow>& rows) {
    EXPECT_FALSE(rows.empty());
    for (const DumpRow& row : rows) EXPECT_OK(row.record.problem) << row.key;
  }

  void Put(Partition partition, const std::string& key,
           const std::string& value) {
    Batch batch;
    batch.Put(partition, key, value);
    ASSERT_TRUE(store_->engine()->Commit(batch, Durability::kSynced).done());
  }
  void Delete(Partition partition, const std::string& key) {
    Batch batch;
    batch.Delete(partition, key);
    ASSERT_TRUE(store_->engine()->Commit(batch, Durability::kSynced).done());
  }

  ActorId IdOf(const std::string& name) {
    return store_.State(name)->entry.actor;
  }
  BranchId BranchOf(const std::string& name) {
    return store_.State(name)->head.snapshot.branch;
  }

  // As many rows as pairs are stored there.
  size_t CountIn(Partition partition) { return store_.Scan(partition).size(); }

  void Fork(const std::string& name) {
    TxId txid;
    ASSERT_OK(ForkActor(store_.shared(), {"a", Point(), name}, &txid));
  }

  TestStore store_;
};

TEST_F(DumpTest, TheCatalogIsAllOfIt) {
  Commit(store_, "a", 1);
  Commit(store_, "b\xc3\xb6", 1);
  Dump dump(store_->engine(), store_->path(), "");
  const std::vector<DumpRow> rows = Run(&dump);
  ExpectSound(rows);
  EXPECT_EQ(rows.size(), CountIn(CatalogPartition()));
  std::set<std::string> keys;
  for (const DumpRow& row : rows) keys.insert(row.key);
  EXPECT_EQ(keys.count("store"), 1U);
  EXPECT_EQ(keys.count("actor a"), 1U);
  EXPECT_EQ(keys.count("actor b\xc3\xb6"), 1U);
  EXPECT_EQ(Texts(Rows("catalog")), Texts(rows));
}

TEST_F(DumpTest, AnActorIsItsEntryItsRecordsAndItsPages) {
  Commit(store_, "a", 1);
  Commit(store_, "a", 2);
  Commit(store_, "b", 1);
  const std::vector<DumpRow> rows = Rows("a");
  ExpectSound(rows);
  EXPECT_EQ(rows[0].key, "actor a");
  EXPECT_EQ(rows[0].partition, CatalogPartition());
  EXPECT_EQ(rows.size(), 1 + CountIn(ActorPartition(IdOf("a"))) +
                             CountIn(BranchPartition(BranchOf("a"))));
  const std::string branch = std::to_string(BranchOf("a").value);
  const std::string last = "branch " + branch + ": page 8 @ txid ";
  EXPECT_EQ(Texts(rows).back(), last + "1");
  EXPECT_EQ(Texts(rows)[rows.size() - 2], last + "2") << "the newest first";
  for (const DumpRow& row : rows) {
    const auto pairs = store_.Scan(row.partition);
    const auto found = std::find_if(
        pairs.begin(), pairs.end(),
        [&](const KeyValue& pair) { return pair.key == row.raw_key; });
    ASSERT_NE(found, pairs.end());
    EXPECT_EQ(row.value_bytes, found->value.size());
  }
}

TEST_F(DumpTest, AForkHasThePagesThatItBeganAtToo) {
  Commit(store_, "a", 1);
  const BranchId first = BranchOf("a");
  Fork("f");
  Commit(store_, "f", 2);
  std::vector<DumpRow> rows = Rows("f");
  ExpectSound(rows);
  std::vector<uint64_t> branches;
  for (const DumpRow& row : rows) {
    if (row.partition.kind != PartitionKind::kBranch) continue;
    if (branches.empty() || branches.back() != row.partition.id) {
      branches.push_back(row.partition.id);
    }
  }
  EXPECT_EQ(branches,
            (std::vector<uint64_t>{BranchOf("f").value, first.value}));
}

TEST_F(DumpTest, OnlyWhatBeginsSo) {
  Commit(store_, "a", 1);
  Commit(store_, "a", 2);
  EXPECT_EQ(Rows("a", "head").size(), 1U);
  EXPECT_EQ(Rows("a", "commit ").size(), 2U);
  EXPECT_EQ(Rows("a", "commit 2").size(), 1U);
  EXPECT_EQ(Rows("a", "page ").size(), 2 * kPages);
  EXPECT_EQ(Rows("a", "page 7 ").size(), 2U);
  EXPECT_EQ(Rows("a", "page 7 @ txid 2").size(), 1U);
  EXPECT_EQ(Rows("a", "actor").size(), 1U);
  EXPECT_EQ(Rows("a", "pair").size(), 0U);
  EXPECT_EQ(Rows("a", "nothing").size(), 0U);
}

TEST_F(DumpTest, PartitionsByTheirName) {
  Commit(store_, "a", 1);
  const std::string actor = PartitionText(ActorPartition(IdOf("a")));
  const std::string branch = PartitionText(BranchPartition(BranchOf("a")));
  EXPECT_EQ(Rows(branch).size(), kPages);
  // Without the entry, which has a name.
  EXPECT_EQ(Rows(actor).size() + 1, Rows("a").size());
  EXPECT_EQ(Rows("branch 1").size(), 0U);
  // An actor comes first.
  Commit(store_, "branch 1", 1);
  EXPECT_EQ(Rows("branch 1")[0].key, "actor branch 1");
  for (const char* name : {"nobody", "branch x", "actor"}) {
    Dump dump(store_->engine(), store_->path(), "");
    EXPECT_TRUE(IsError(dump.Select(name), Code::kNotFound,
                        std::string("no such actor: actor=") + name));
  }
}

TEST_F(DumpTest, DeletedActors) {
  Commit(store_, "a", 1);
  const ActorId id = IdOf("a");
  const size_t count = Rows("a").size();
  TxId txid;
  ASSERT_OK(DeleteActor(store_.get(), "a", SchemaCookie(1), &txid));
  std::vector<DumpRow> rows = Rows("a");
  ExpectSound(rows);
  EXPECT_EQ(rows.size(), count);
  EXPECT_NE(rows[0].record.json.find("\"state\":\"deleted\""),
            std::string::npos);
  // Its name is taken again: by its id.
  Commit(store_, "a", 2);
  rows = Rows(PartitionText(ActorPartition(id)));
  ExpectSound(rows);
  EXPECT_EQ(rows.size(), count);
  EXPECT_EQ(rows[0].key, "deleted actor " + std::to_string(id.value));
}

TEST_F(DumpTest, LegacyPairs) {
  Commit(store_, "a", 1);
  LegacyRecord record;
  record.legacy = {77};
  Put(ActorPartition(IdOf("a")), LegacyRecordKey(),
      EncodeRecord(LegacyRecordKey(), record));
  Put(LegacyPartition({77}), PairKey("\x01"), EncodePair({77}, "\x01", "v"));
  // Of other pairs.
  Put(LegacyPartition({77}), PairKey("\x02"), EncodePair({78}, "\x02", "v"));
  const std::vector<DumpRow> rows = Rows("a", "pair");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(Texts(rows)[0], "legacy 77: pair 01");
  EXPECT_OK(rows[0].record.problem);
  EXPECT_EQ(rows[1].record.problem.code(), Code::kCorruption);
}

// --- Damage ------------------------------------------------------------------

TEST_F(DumpTest, DamagedRecordsAreRows) {
  Commit(store_, "a", 1);
  const Partition actor = ActorPartition(IdOf("a"));
  const Partition branch = BranchPartition(BranchOf("a"));
  const std::vector<std::string> before = Texts(Rows("a"));
  for (const KeyValue& pair : store_.Scan(actor)) Put(actor, pair.key, "x");
  for (const KeyValue& pair : store_.Scan(branch)) Put(branch, pair.key, "x");
  // The branch record names no parent any more, and is still found.
  const std::vector<DumpRow> rows = Rows("a");
  EXPECT_EQ(Texts(rows), before);
  EXPECT_OK(rows[0].record.problem);
  for (size_t i = 1; i < rows.size(); ++i) {
    EXPECT_FALSE(rows[i].record.problem.ok()) << rows[i].key;
  }
}

TEST_F(DumpTest, ADamagedEntryIsARow) {
  Commit(store_, "a", 1);
  Put(CatalogPartition(), ActorEntryKey("a"), "x");
  const std::vector<DumpRow> rows = Rows("a");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].record.problem.code(), Code::kCorruption);
}

TEST_F(DumpTest, ABranchWithoutARecordIsFoundByItsHead) {
  Commit(store_, "a", 1);
  const BranchId branch = BranchOf("a");
  const Partition actor = ActorPartition(IdOf("a"));
  Delete(actor, BranchRecordKey(branch));
  EXPECT_EQ(Rows("a", "page").size(), kPages);
}

TEST_F(DumpTest, KeysOfNoKnownKindAreRows) {
  Commit(store_, "a", 1);
  const Partition actor = ActorPartition(IdOf("a"));
  Put(actor, "Bx", "x");
  Put(actor, "Zx", "x");
  Put(CatalogPartition(), "Zx", "x");
  EXPECT_EQ(Rows("a", "unknown").size(), 2U);
  EXPECT_EQ(Rows("a", "page").size(), kPages);
  EXPECT_EQ(Rows("catalog", "unknown 5a78").size(), 1U);
}

TEST_F(DumpTest, WhatCannotBeReadIsAnError) {
  Commit(store_, "a", 1);
  for (uint64_t nth = 1;; ++nth) {
    Dump dump(store_->engine(), store_->path(), "");
    store_.plan()->Reset();
    store_.plan()->FailRead(nth, Status::IOError("injected"));
    Status s = dump.Select("a");
    std::vector<DumpRow> rows;
    for (bool done = false; s.ok() && !done;) s = dump.Step(&rows, &done);
    if (store_.plan()->fired_count() == 0) break;
    EXPECT_TRUE(IsError(s, Code::kIOError, "injected")) << nth;
    ASSERT_LT(nth, 100U);
  }
  store_.plan()->Reset();
}

// --- In pieces ---------------------------------------------------------------

TEST_F(DumpTest, ManyPairsComeInPieces) {
  Commit(store_, "a", 1);
  const Partition partition = LegacyPartition({77});
  Batch batch;
  for (uint32_t i = 0; i < 1000; ++i) {
    const std::string key = std::to_string(10'000 + i);
    batch.Put(partition, PairKey(key),
              EncodePair({77}, key, std::string(50'000, 'v')));
  }
  ASSERT_TRUE(store_->engine()->Commit(batch, Durability::kSynced).done());
  Dump dump(store_->engine(), store_->path(), "");
  ASSERT_OK(dump.Select("legacy 77"));
  size_t count = 0;
  for (bool done = false; !done;) {
    std::vector<DumpRow> rows;
    ASSERT_OK(dump.Step(&rows, &done));
    EXPECT_LE(rows.size(), 22U) << "of 50,000 bytes, 1 MiB and one more";
    count += rows.size();
  }
  EXPECT_EQ(count, 1000U);
  EXPECT_EQ(Rows("legacy 77", "pair " + std::string("3130393939")).size(), 1U);
}

}  // namespace
}  // namespace actorkv
