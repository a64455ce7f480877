// actorkv_salvage, actorkv_salvage_rows and the form 'salvage', on live actors
// with damaged pages.

#include <string>

#include "kv/base/coding.h"
#include "kv/format/chunk.h"
#include "kv/format/keys.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/store.h"
#include "tests/support/sql_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

constexpr uint64_t kPageBytes = 4096;

class SalvageTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    Run("CREATE TABLE first(x)");
    Run("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, price REAL, "
        "twice AS (id * 2) STORED, never AS (id * 3));"
        "CREATE TABLE wr(v, k TEXT PRIMARY KEY, w) WITHOUT ROWID;"
        "CREATE TABLE long(body); CREATE TABLE other(x);"
        "CREATE INDEX body ON note(body);"
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
        "i < 900) INSERT INTO note(id, body, price) SELECT i, "
        "printf('%0100d', i), i FROM c;"
        "INSERT INTO wr SELECT id, body, x'ff' FROM note;"
        "INSERT INTO long VALUES(printf('%09000d', 1)), ('short');"
        "INSERT INTO other VALUES(NULL), (1e999), ('it''s'), (2.5);"
        "ALTER TABLE other ADD COLUMN y TEXT DEFAULT 7;");
  }

  void Run(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }

  int64_t Number(const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("alice", "&mode=ro")), SQLITE_OK);
    return db.QueryInt(sql);
  }
  PageNo RootOf(const std::string& name) {
    return static_cast<PageNo>(Number(
        "SELECT rootpage FROM sqlite_schema WHERE name = '" + name + "'"));
  }

  // A leaf of the table, not the root of it.
  PageNo LeafOf(const std::string& table) {
    return static_cast<PageNo>(
        std::stoul(Ask("SELECT pgno FROM actorkv_salvage_rows('alice', '" +
                       table + "') LIMIT 1 OFFSET 200")));
  }

  // Replaces what is stored of a page, in the version that the head sees;
  // nullopt removes it.
  void Put(PageNo pgno, const std::optional<std::string>& value) {
    std::shared_ptr<Store> store = OpenStore();
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(
        LoadHeadState(store->engine()->NewReader().get(), "alice", &state));
    PageVersion version;
    {
      // It goes before the store does.
      BranchReader reader(store->engine());
      reader.SetSnapshot(state->head.snapshot, state->lineage);
      ASSERT_OK(reader.FindPage(pgno, &version));
    }
    const std::string key = ChunkKey(version.id.pgno, version.id.txid);
    Batch batch;
    if (value.has_value()) {
      batch.Put(BranchPartition(version.id.branch), key, *value);
    } else {
      batch.Delete(BranchPartition(version.id.branch), key);
    }
    ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
    store.reset();
    CloseStore(File("store"));
  }
  void Damage(PageNo pgno) { Put(pgno, "no chunk"); }

  std::string Lost() {
    return Ask("SELECT pgno, part, readable FROM actorkv_salvage('alice')");
  }
  std::string Count(const std::string& table) {
    return Ask("SELECT count(*) FROM actorkv_salvage_rows('alice', " + table +
               ")");
  }
};

// All rows are there, and written as diff writes them.
TEST_F(SalvageTest, ASoundActor) {
  EXPECT_EQ(Lost(), "");
  EXPECT_EQ(Ask("SELECT table_name, count(*) FROM actorkv_diff('alice', '1') "
                "WHERE op = 'insert' GROUP BY 1"),
            "long|2\nnote|900\nother|4\nwr|900");
  for (const std::string table : {"note", "long", "other"}) {
    EXPECT_EQ(Ask("SELECT count(*), min(certain) FROM (SELECT rowid, row, "
                  "certain FROM actorkv_salvage_rows('alice', '" +
                  table +
                  "')) AS s JOIN actorkv_diff('alice', '1') AS d ON d.key = "
                  "s.rowid AND d.new = s.row AND d.table_name = '" +
                  table + "'"),
              Count("'" + table + "'") + "|1");
  }
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('alice', 'wr') AS s "
                "WHERE s.rowid IS NULL AND s.row IN (SELECT new FROM "
                "actorkv_diff('alice', '1') WHERE table_name = 'wr')"),
            "900");
  EXPECT_EQ(Ask("SELECT rowid, row FROM actorkv_salvage_rows('alice', "
                "'OTHER')"),
            "1|{\"x\":null,\"y\":\"7\"}\n"
            "2|{\"x\":{\"real\":\"Infinity\"},\"y\":\"7\"}\n"
            "3|{\"x\":\"it's\",\"y\":\"7\"}\n4|{\"x\":2.5,\"y\":\"7\"}");
  EXPECT_EQ(Count("NULL"), "0");
  EXPECT_EQ(Ask("SELECT json_extract(row, '$.name') FROM "
                "actorkv_salvage_rows('alice', 'sqlite_schema') WHERE "
                "json_extract(row, '$.type') = 'index'"),
            "body");
  EXPECT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/whole.db')"),
            Ask("SELECT actorkv_export('alice', '$DIR/saved.db', 'salvage')"));
  EXPECT_EQ(Contents("whole.db"), Contents("saved.db"));
}

TEST_F(SalvageTest, ALeaf) {
  const PageNo leaf = LeafOf("note");
  const std::string on_leaf =
      Ask("SELECT count(*) FROM actorkv_salvage_rows('alice', 'note') WHERE "
          "pgno = " +
          std::to_string(leaf));
  Damage(leaf);
  EXPECT_EQ(Lost(), std::to_string(leaf) + "|table note|0");
  EXPECT_EQ(Ask("SELECT 900 - count(*) FROM actorkv_salvage_rows('alice', "
                "'note') WHERE certain = 1"),
            on_leaf);
  EXPECT_EQ(Count("'wr'"), "900");
  // The export has zeros in its place and is else the same.
  const std::string bytes =
      Ask("SELECT actorkv_export('alice', '$DIR/saved.db', 'salvage')");
  EXPECT_EQ(std::stoull(bytes), Contents("saved.db").size());
  EXPECT_EQ(Contents("saved.db").substr((leaf - 1) * kPageBytes, kPageBytes),
            std::string(kPageBytes, '\0'));
  SqliteDb saved;
  ASSERT_EQ(saved.Open(File("saved.db")), SQLITE_OK);
  EXPECT_EQ(saved.QueryText("SELECT count(*) FROM wr"), "900");
  EXPECT_EQ(saved.QueryText("SELECT count(*) FROM long"), "2");
}

TEST_F(SalvageTest, AMissingPage) {
  const PageNo leaf = LeafOf("wr");
  Put(leaf, std::nullopt);
  EXPECT_EQ(Lost(), std::to_string(leaf) + "|table wr|0");
  EXPECT_EQ(Count("'note'"), "900");
}

// Below a root that is lost every leaf is found again, and is not certain.
TEST_F(SalvageTest, ARoot) {
  const PageNo root = RootOf("note");
  Damage(root);
  EXPECT_EQ(Ask("SELECT count(DISTINCT rowid), count(*), max(certain) FROM "
                "actorkv_salvage_rows('alice', 'note')"),
            "900|900|0");
  EXPECT_EQ(Ask("SELECT pgno, part FROM actorkv_salvage('alice') WHERE NOT "
                "readable"),
            std::to_string(root) + "|table note");
  EXPECT_EQ(Ask("SELECT DISTINCT part, readable FROM actorkv_salvage('alice') "
                "WHERE readable"),
            "table note|1");
}

// The first of two pages of overflow is lost: what of the row is on its leaf is
// not enough for its value, and the second page is nobody's.
TEST_F(SalvageTest, Overflow) {
  ASSERT_NE(Ask("SELECT actorkv_export('alice', '$DIR/out.db')"), "0");
  const std::string bytes = Contents("out.db");
  PageNo lost = 0;
  PageNo next = 0;
  for (uint64_t at = 0; lost == 0 && at < bytes.size(); at += kPageBytes) {
    next = LoadBig32(&bytes[at]);
    if (next != 0 && bytes.substr(at + 4, 4000) == std::string(4000, '0')) {
      lost = static_cast<PageNo>(at / kPageBytes) + 1;
    }
  }
  ASSERT_NE(lost, 0U);
  Damage(lost);
  EXPECT_EQ(Ask("SELECT part, readable FROM actorkv_salvage('alice') WHERE "
                "pgno = " +
                std::to_string(lost)),
            "overflow of table long|0");
  EXPECT_EQ(Ask("SELECT part, readable FROM actorkv_salvage('alice') WHERE "
                "pgno <> " +
                std::to_string(lost)),
            "unknown|1");
  EXPECT_EQ(Ask("SELECT rowid, row FROM actorkv_salvage_rows('alice', 'long')"),
            "1|{\"body\":{\"lost\":9000}}\n2|{\"body\":\"short\"}");
}

TEST_F(SalvageTest, TheFirstPage) {
  Damage(1);
  EXPECT_EQ(Ask("SELECT part, readable FROM actorkv_salvage('alice') WHERE "
                "pgno = 1"),
            "schema|0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('alice', NULL) "
                "WHERE rowid IS NOT NULL AND row LIKE '[null,\"0000%'"),
            "900");
  EXPECT_EQ(Count("NULL"),
            Ask("SELECT count(*) FROM actorkv_salvage_rows('alice')"));
  ExpectBad(
      {{"SELECT * FROM actorkv_salvage_rows('alice', 'note')", SQLITE_ERROR,
        "no such table in what is left of the schema: note; there are "
        "sqlite_schema, and NULL"}});
  // The past has the schema.
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('alice', "
                "'sqlite_schema', 1)"),
            "1");
}

// A page that is sound as stored, and is not what it should be.
TEST_F(SalvageTest, ZerosThatWereCommitted) {
  const PageNo leaf = LeafOf("note");
  SqliteDb db;
  ASSERT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/out.db') > 0"), "1");
  std::string bytes = Contents("out.db");
  bytes.replace((leaf - 1) * kPageBytes, kPageBytes, kPageBytes, '\0');
  WriteFile("out.db", bytes);
  ASSERT_NE(Ask("SELECT actorkv_import('bob', '$DIR/out.db')"), "0");
  EXPECT_EQ(Ask("SELECT pgno, part, readable FROM actorkv_salvage('bob')"),
            std::to_string(leaf) + "|table note|0");
}

TEST_F(SalvageTest, DoctorAndVerifyNameIt) {
  Damage(LeafOf("note"));
  for (const std::string table : {"doctor", "verify"}) {
    EXPECT_EQ(Ask("SELECT severity, actor, detail LIKE '%can be saved', mend "
                  "LIKE '%actorkv_salvage(''alice'')%' FROM actorkv_" +
                  table + "('alice') WHERE severity = 'warning'"),
              "warning|alice|1|1");
  }
}

TEST_F(SalvageTest, BadCalls) {
  ExpectBad({
      {"SELECT * FROM actorkv_salvage", SQLITE_ERROR, "it takes an actor"},
      {"SELECT * FROM actorkv_salvage('nobody')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
      {"SELECT * FROM actorkv_salvage_rows", SQLITE_ERROR,
       "it takes an actor and a table"},
      {"SELECT * FROM actorkv_salvage_rows('alice', 'gone')", SQLITE_ERROR,
       "there are sqlite_schema, first, note, wr, long, other, and NULL"},
      {"SELECT * FROM actorkv_salvage('alice', '99')", SQLITE_ERROR,
       "there is no commit"},
      {"SELECT actorkv_export('nobody', '$DIR/x.db', 'salvage')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
  });
  ExpectInterrupted("(SELECT count(*) FROM actorkv_salvage('alice'))");
  ExpectInterrupted(
      "(SELECT count(*) FROM actorkv_salvage_rows('alice', 'note'))");
  ExpectInterrupted("actorkv_export('alice', '$DIR/x.db', 'salvage')");
  EXPECT_EQ(Listing().find("x.db"), std::string::npos);
}

TEST_F(SalvageTest, AnEmptyDatabase) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("empty")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); DROP TABLE t; VACUUM"), SQLITE_OK);
  db.Close();
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage('empty')"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_salvage_rows('empty')"), "0");
}

}  // namespace
}  // namespace actorkv
