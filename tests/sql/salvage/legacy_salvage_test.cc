// What there is of legacy actors: exports in the form 'salvage', rows of the
// main file as it stands, and legacy=1, the kept pairs beside a live actor.

#include <map>
#include <string>

#include "kv/format/keys.h"
#include "kv/legacy/legacy_store.h"
#include "kv/rivet/legacy_file.h"
#include "kv/store/store.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

constexpr uint64_t kPageBytes = 4096;

class LegacySalvageTest : public MigrateTest {
 protected:
  void ImportSample(const std::string& name) {
    ASSERT_NE(Ask("SELECT actorkv_import('" + name + "', 'tests/rivet/" + name +
                  ".jsonl.gz')")
                  .substr(0, 5),
              "error");
  }

  std::string Salvage(const std::string& actor) {
    return Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + actor +
               ".saved', 'salvage')");
  }

  // Writes over what is stored of a pair, with nothing that verifies.
  void DamagePair(const std::string& actor, const std::string& key) {
    std::shared_ptr<Store> store = OpenStore();
    LegacyActor legacy;
    ASSERT_OK(LoadLegacy(store->engine()->NewReader().get(), actor, &legacy));
    Batch batch;
    batch.Put(LegacyPartition(legacy.record.legacy), PairKey(key), "no pair");
    ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
    store.reset();
    CloseStore(File("store"));
  }

  // A legacy actor of two tables, without what `drop` says of its pairs.
  void MakeNotes(const std::string& actor,
                 const std::function<void(MemoryPairs*)>& change) {
    SqliteDb db;
    ASSERT_EQ(db.Open(File(actor + ".src")), SQLITE_OK);
    ASSERT_EQ(db.Exec("CREATE TABLE note(body); CREATE TABLE t(x); INSERT INTO "
                      "t VALUES (1), (2); WITH RECURSIVE c(i) AS (SELECT 1 "
                      "UNION ALL SELECT i + 1 FROM c WHERE i < 1000) INSERT "
                      "INTO note SELECT printf('%0200d', i) FROM c;"),
              SQLITE_OK);
    db.Close();
    MemoryPairs pairs;
    pairs.AddDatabase(File(actor + ".src"));
    change(&pairs);
    std::string bytes;
    for (const auto& [key, value] : *pairs.pairs()) {
      bytes += EncodeKvBinEntry(key, value);
    }
    WriteFile(actor + ".kv.bin", bytes);
    const std::string answer = Ask("SELECT actorkv_import('" + actor +
                                   "', '$DIR/" + actor + ".kv.bin')");
    ASSERT_NE(answer.substr(0, 5), "error") << answer;
  }
};

// Whatever recovery says of these, they give what there is.
TEST_F(LegacySalvageTest, Samples) {
  const struct {
    const char* name;
    const char* bytes;
    const char* lost;  // pages that cannot be read
  } kCases[] = {
      {"m-missing-chunk-btree", "364544", "1"},
      {"m-missing-free-leaf", "364544", "1"},
      {"v213-holes", "159744", nullptr},
      {"v221-shapes", "94208", "0"},
      {"v213-page1024", "257024", "0"},
      {"n-page65536", "393216", "0"},
      {"m-schema-version2", nullptr, nullptr},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    ImportSample(c.name);
    const std::string bytes = Salvage(c.name);
    if (c.bytes != nullptr) {
      EXPECT_EQ(bytes, c.bytes);
      EXPECT_EQ(Contents(std::string(c.name) + ".saved").size(),
                std::stoull(bytes));
    }
    if (c.lost == nullptr) continue;
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage('" +
                  std::string(c.name) + "') WHERE NOT readable"),
              c.lost);
  }
  // 8 TiB in the metadata, and a handful of chunks.
  ImportSample("m-meta-8tib");
  EXPECT_LT(std::stoull(Salvage("m-meta-8tib")), uint64_t{64} << 20);
}

// Rows are as SQLite has them, of every kind of table that Rivet has.
TEST_F(LegacySalvageTest, RowsOfASoundDatabase) {
  ImportSample("v221-shapes");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('v221-shapes', "
                "'wr')"),
            "300");
  std::map<std::string, std::string> rows;
  for (const std::string table : {"ch", "log", "p", "st", "wr"}) {
    rows[table] =
        Ask("SELECT count(*), max(row) FROM actorkv_salvage_rows('"
            "v221-shapes', '" +
            table + "')");
  }
  ASSERT_EQ(Ask("SELECT actorkv_migrate('v221-shapes')"), "live");
  for (const auto& [table, text] : rows) {
    EXPECT_EQ(Ask("SELECT count(*), max(row) FROM actorkv_salvage_rows('"
                  "v221-shapes', '" +
                  table + "')"),
              text);
  }
}

TEST_F(LegacySalvageTest, AMissingChunk) {
  MakeNotes("alice",
            [](MemoryPairs* pairs) { pairs->DropChunk(LegacyTag::kMain, 20); });
  ASSERT_NE(Ask("SELECT actorkv_migrate('alice')").find("not stored"),
            std::string::npos);
  EXPECT_EQ(Ask("SELECT pgno, part, readable FROM actorkv_salvage('alice')"),
            "21|table note|0");
  EXPECT_EQ(Ask("SELECT count(*) BETWEEN 970 AND 999, min(certain) FROM "
                "actorkv_salvage_rows('alice', 'note')"),
            "1|1");
  const std::string plain = Contents("alice.src");
  std::string expected = plain;
  expected.replace(20 * kPageBytes, kPageBytes, kPageBytes, '\0');
  EXPECT_EQ(Salvage("alice"), std::to_string(plain.size()));
  EXPECT_EQ(Contents("alice.saved"), expected);
}

TEST_F(LegacySalvageTest, ADamagedPair) {
  MakeNotes("alice", [](MemoryPairs*) {});
  DamagePair("alice", LegacyChunkKey(LegacyTag::kMain, 20));
  EXPECT_EQ(Ask("SELECT pgno, part, readable FROM actorkv_salvage('alice')"),
            "21|table note|0");
  EXPECT_EQ(Salvage("alice"), std::to_string(Contents("alice.src").size()));
  EXPECT_EQ(Ask("SELECT mend LIKE '%actorkv_salvage(''alice'')%' FROM "
                "actorkv_verify('alice') WHERE severity = 'warning'"),
            "1");
}

// Without metadata, without the first chunk, and with a size that is not true.
TEST_F(LegacySalvageTest, SizesThatLie) {
  const auto size_of = [this](const std::string& actor) {
    return std::stoull(Salvage(actor));
  };
  MakeNotes("no-size", [](MemoryPairs* pairs) {
    pairs->pairs()->erase(LegacyMetadataKey(LegacyTag::kMain));
  });
  EXPECT_EQ(size_of("no-size"), Contents("no-size.src").size());
  MakeNotes("no-header",
            [](MemoryPairs* pairs) { pairs->DropChunk(LegacyTag::kMain, 0); });
  EXPECT_EQ(size_of("no-header"), Contents("no-header.src").size());
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('no-header', NULL) "
                "WHERE length(row) > 200"),
            "1000");
  MakeNotes("neither", [](MemoryPairs* pairs) {
    pairs->pairs()->erase(LegacyMetadataKey(LegacyTag::kMain));
    pairs->DropChunk(LegacyTag::kMain, 0);
  });
  EXPECT_EQ(size_of("neither"), Contents("neither.src").size());
  // The header and the metadata say 4 billion pages, and a chunk is there that
  // is far away.
  MakeNotes("far", [](MemoryPairs* pairs) {
    pairs->SetSize(LegacyTag::kMain, ~uint64_t{0});
    std::string* first =
        &(*pairs->pairs())[LegacyChunkKey(LegacyTag::kMain, 0)];
    StoreBig32(first->data() + 28, 0xfffffff0);
    pairs->PutChunk(LegacyTag::kMain, 0xffffffff, std::string(4096, 'x'));
  });
  EXPECT_LE(size_of("far"), 65 * Contents("far.src").size());
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('far', 'note')"),
            "1000");
  MakeNotes("nothing", [](MemoryPairs* pairs) {
    for (uint32_t i = 0; i < 1000; ++i) {
      pairs->pairs()->erase(LegacyChunkKey(LegacyTag::kMain, i));
    }
  });
  ExpectBad({
      {"SELECT actorkv_export('nothing', '$DIR/x.db', 'salvage')",
       SQLITE_CORRUPT, "no chunk of the database is stored: there is nothing"},
      {"SELECT * FROM actorkv_salvage('nothing')", SQLITE_CORRUPT,
       "actor=nothing: no chunk of the database is stored"},
      {"SELECT * FROM actorkv_salvage('far', 3)", SQLITE_ERROR,
       "the actor is legacy"},
  });
}

// --- legacy=1 ----------------------------------------------------------------

TEST_F(LegacySalvageTest, KeptPairsBesideALiveActor) {
  MakeLegacy("alice");
  // It is the same before the migration.
  EXPECT_EQ(Rows("alice", "&legacy=1"), "1,2,3");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  Write("alice", "INSERT INTO t VALUES(4)");
  EXPECT_EQ(Rows("alice"), "1,2,3,4");
  EXPECT_EQ(Rows("alice", "&legacy=1"), "1,2,3");
  EXPECT_EQ(Rows("alice", "&legacy=1&mode=ro"), "1,2,3");
  EXPECT_EQ(Rows("alice", "&legacy=0"), "1,2,3,4");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice", "&legacy=1")), SQLITE_OK);
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES(5)"), SQLITE_READONLY);
  EXPECT_NE(db.QueryText("SELECT actorkv_last_error()")
                .find("main was opened with legacy=1"),
            std::string::npos);
  EXPECT_NE(db.QueryText("SELECT actorkv_delete('alice')")
                .find("this connection changes no store"),
            std::string::npos);
  // Both at once.
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH '" + Uri("alice", "&legacy=1") + "' AS old"),
            SQLITE_OK)
      << db.Error();
  EXPECT_EQ(db.QueryText("SELECT x FROM t EXCEPT SELECT x FROM old.t"), "4");
}

TEST_F(LegacySalvageTest, KeptPairsNeedNoHead) {
  MakeLegacy("alice");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  std::shared_ptr<Store> store = OpenStore();
  LegacyActor legacy;
  ASSERT_OK(LoadLegacy(store->engine()->NewReader().get(), "alice", &legacy));
  Batch batch;
  batch.Put(ActorPartition(legacy.actor()), HeadKey(), "x");
  ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  store.reset();
  CloseStore(File("store"));
  EXPECT_NE(Rows("alice"), "1,2,3");
  EXPECT_EQ(Rows("alice", "&legacy=1"), "1,2,3");
}

TEST_F(LegacySalvageTest, NoPairsAreKept) {
  const auto error = [&](const std::string& actor, const std::string& more) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri(actor, more)), SQLITE_CANTOPEN);
    return Ask("SELECT actorkv_last_error()");
  };
  MakeLegacy("alice");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  EXPECT_NE(error("alice", "&legacy=1&asof=1").find("leave out asof="),
            std::string::npos);
  ASSERT_NE(Ask("SELECT actorkv_drop_legacy('alice')"), "0");
  EXPECT_NE(error("alice", "&legacy=1")
                .find("its legacy pairs of SQLite were dropped: actor=alice"),
            std::string::npos);
  MakeActor("bob");
  EXPECT_NE(error("bob", "&legacy=1")
                .find("the actor has no legacy pairs: actor=bob"),
            std::string::npos);
  EXPECT_NE(error("nobody", "&legacy=1").find("no such actor: actor=nobody"),
            std::string::npos);
  Ask("SELECT actorkv_delete('bob')");
  EXPECT_NE(error("bob", "&legacy=1").find("no such actor: actor=bob"),
            std::string::npos);
}

}  // namespace
}  // namespace actorkv
