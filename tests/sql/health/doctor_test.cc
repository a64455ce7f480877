// actorkv_doctor() and actorkv_verify(actor, point) on actors with damage.

#include "kv/format/chunk.h"
#include "kv/format/keys.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/store.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class DoctorTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    Run("CREATE TABLE t(id INTEGER PRIMARY KEY, x); CREATE INDEX i ON t(x);"
        "CREATE TABLE other(x); INSERT INTO other VALUES(1);"
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
        "i < 100) INSERT INTO t SELECT i, i || zeroblob(500) FROM c;");
    Run("UPDATE t SET x = 'a' || x");
    Run("INSERT INTO other VALUES(2)");
    Run("INSERT INTO other VALUES(3)");
  }

  void Run(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }

  std::string Doctor(const std::string& columns) {
    return Ask("SELECT " + columns + " FROM actorkv_doctor('alice')");
  }

  // The version of a page that the head sees.
  ChunkId Find(PageNo pgno, std::string* stored = nullptr) const {
    const std::shared_ptr<Store> store = OpenStore();
    std::shared_ptr<const HeadState> state;
    EXPECT_OK(
        LoadHeadState(store->engine()->NewReader().get(), "alice", &state));
    BranchReader reader(store->engine());
    reader.SetSnapshot(state->head.snapshot, state->lineage);
    PageVersion version;
    EXPECT_OK(reader.FindPage(pgno, &version));
    if (stored != nullptr) *stored = std::string(version.stored);
    return version.id;
  }

  // nullopt removes it.
  void Put(const ChunkId& id, const std::optional<std::string>& value) const {
    const std::shared_ptr<Store> store = OpenStore();
    const std::string key = ChunkKey(id.pgno, id.txid);
    Batch batch;
    if (value.has_value()) {
      batch.Put(BranchPartition(id.branch), key, *value);
    } else {
      batch.Delete(BranchPartition(id.branch), key);
    }
    EXPECT_TRUE(store->Commit(batch, Durability::kBuffered).done());
    // What was cached belongs to the store that is closed here.
  }

  ChunkId Damage(PageNo pgno) const {
    std::string stored;
    const ChunkId id = Find(pgno, &stored);
    stored[stored.size() / 2] =
        static_cast<char>(stored[stored.size() / 2] ^ 1);
    Put(id, stored);
    return id;
  }

  PageNo RootOf(const std::string& name) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    return static_cast<PageNo>(db.QueryInt(
        "SELECT rootpage FROM sqlite_schema WHERE name = '" + name + "'"));
  }

  std::string Head() {
    return Ask("SELECT head_txid FROM actorkv_actors WHERE actor = 'alice'");
  }
};

TEST_F(DoctorTest, ASoundActor) {
  EXPECT_EQ(Doctor("severity, actor, pgno, txid, mend"),
            "info|alice||" + Head() + "|");
  ExpectBad({
      {"SELECT * FROM actorkv_doctor('nobody')", SQLITE_ERROR,
       "actorkv_doctor: no such actor: actor=nobody"},
      {"SELECT * FROM actorkv_doctor", SQLITE_ERROR, "it takes an actor"},
  });
  ExpectInterrupted("(SELECT count(*) FROM actorkv_doctor('alice'))");
}

// The restore call that it gives brings back a sound database.
TEST_F(DoctorTest, GoesBackBeforeTheDamage) {
  const std::string head = Head();
  const ChunkId id = Damage(RootOf("other"));
  ASSERT_EQ(std::to_string(id.txid.value), head);
  EXPECT_EQ(Doctor("severity, pgno, txid"),
            "error|" + std::to_string(id.pgno) + "|" + head +
                "\nwarning||\ninfo||" + std::to_string(id.txid.value - 1));
  EXPECT_EQ(Ask("SELECT mend FROM actorkv_doctor('alice') WHERE pgno = " +
                std::to_string(id.pgno)),
            "part of table other, one of 1 pages: the rows on the others can "
            "be read, by ranges of the key");
  const std::string point = std::to_string(id.txid.value - 1);
  EXPECT_EQ(
      Ask("SELECT mend FROM actorkv_doctor('$DIR/store/alice') WHERE "
          "severity = 'info'"),
      "SELECT actorkv_restore('" + File("store/alice") + "', " + point + ")");
  EXPECT_EQ(Ask(Ask("SELECT mend FROM actorkv_doctor('alice') WHERE severity = "
                    "'info'")),
            std::to_string(id.txid.value + 1));
  EXPECT_EQ(Doctor("severity, txid"), "info|" + Head());
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM other"), "2");
}

// A version that several commits see is damaged in all of them.
TEST_F(DoctorTest, PassesOverCommitsThatSeeTheSamePage) {
  const ChunkId id = Damage(RootOf("t") == 0 ? 0 : RootOf("i"));
  const std::string found =
      Ask("SELECT txid FROM actorkv_doctor('alice') WHERE severity = 'info'");
  EXPECT_EQ(found, std::to_string(id.txid.value - 1));
  EXPECT_LT(id.txid.value + 1, std::stoull(Head()));
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify('alice', " + found + ")"),
            "0");
  for (uint64_t txid = id.txid.value; txid <= std::stoull(Head()); ++txid) {
    EXPECT_EQ(Ask("SELECT severity, actor, pgno, txid, mend LIKE "
                  "'%actorkv_doctor%' FROM actorkv_verify('alice', " +
                  std::to_string(txid) + ")"),
              "error|alice|" + std::to_string(id.pgno) + "|" +
                  std::to_string(id.txid.value) + "|1");
  }
  EXPECT_NE(
      Ask("SELECT mend FROM actorkv_doctor('alice') LIMIT 1").find("index i"),
      std::string::npos);
}

TEST_F(DoctorTest, AMissingAndAStalePage) {
  std::string stored;
  const ChunkId id = Find(RootOf("other"), &stored);
  // The older version of the page is sound: only the digest can tell.
  Put(id, std::nullopt);
  EXPECT_EQ(Doctor("severity, pgno, txid, detail LIKE '%digest%'"),
            "error||" + Head() + "|1\nwarning|||0\ninfo||" +
                std::to_string(id.txid.value - 1) + "|0");
  EXPECT_EQ(Ask("SELECT pgno IS NULL, detail LIKE '%digest%' FROM "
                "actorkv_verify('alice', 'head')"),
            "1|1");
}

TEST_F(DoctorTest, NothingIsSound) {
  const Partition branch = BranchPartition(Find(1).branch);
  std::vector<KeyValue> pairs;
  std::shared_ptr<Store> store = OpenStore();
  ASSERT_OK(store->engine()->NewReader()->Scan(branch, ChunkKey(1, {~0ULL}),
                                               1000, &pairs));
  Batch batch;
  size_t damaged = 0;
  for (const KeyValue& pair : pairs) {
    PageNo pgno = 0;
    TxId txid;
    ASSERT_OK(ParseChunkKey(pair.key, &pgno, &txid));
    if (pgno != 1) continue;
    ++damaged;
    batch.Put(branch, pair.key, "x");
  }
  ASSERT_GT(damaged, 1U);
  ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  store.reset();
  StoreRegistry::Instance()->CloseIdle();  // and with it, its cached pages
  EXPECT_EQ(Doctor("severity, pgno, mend LIKE '%schema cannot be read%', "
                   "detail LIKE 'no sound commit%'"),
            "error|1|1|0\nwarning||0|0\nerror||0|1");
}

// Sound pages that are no sound database, as a program can write them.
TEST_F(DoctorTest, DamageThatChecksumsDoNotShow) {
  const std::string good = Head();
  Run("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 "
      "WHERE name = 'other'; UPDATE sqlite_schema SET rootpage = 3 WHERE name "
      "= 'i';");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify('alice')"), "0");
  EXPECT_EQ(Ask("SELECT count(*) > 0 FROM actorkv_doctor('alice') WHERE "
                "severity = 'error' AND detail LIKE 'quick_check: %'"),
            "1");
  EXPECT_EQ(
      Ask("SELECT txid FROM actorkv_doctor('alice') WHERE severity = 'info'"),
      good);
}

// How many rows of t a scan gives before it fails.
std::string CountReadable(SqliteDb* db, const std::string& order) {
  SqliteStatement scan(db->get(), "SELECT rowid FROM t ORDER BY rowid" + order);
  int count = 0;
  while (scan.Step() == SQLITE_ROW) ++count;
  EXPECT_EQ(scan.code(), SQLITE_IOERR_DATA);
  return std::to_string(count);
}

// A statement that comes to the damaged page fails, and one that ends before it
// on either side does not.
TEST_F(DoctorTest, RowsOnBothSidesOfTheDamageCanBeSaved) {
  const PageNo root = RootOf("t");
  SqliteDb db;
  const auto fails = [&](const std::string& sql) {
    return db.QueryText(sql).compare(0, 5, "error") == 0;
  };
  // A leaf in the middle: the ends can still be read.
  for (PageNo pgno = root + 1;; ++pgno) {
    ASSERT_LT(pgno, root + 30);
    std::string stored;
    const ChunkId id = Find(pgno, &stored);
    Damage(pgno);
    StoreRegistry::Instance()->CloseIdle();  // and with it, its cached pages
    ASSERT_EQ(db.Open(Uri("alice") + "&mode=ro"), SQLITE_OK);
    if (fails("SELECT sum(length(x)) FROM t NOT INDEXED") &&
        !fails("SELECT x FROM t ORDER BY id LIMIT 1") &&
        !fails("SELECT x FROM t ORDER BY id DESC LIMIT 1")) {
      break;
    }
    db.Close();
    Put(id, stored);
  }
  const std::string first = CountReadable(&db, "");
  const std::string last = CountReadable(&db, " DESC");
  SqliteDb saved;
  ASSERT_EQ(saved.Open(Uri("saved")), SQLITE_OK);
  ASSERT_EQ(saved.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, x);"
                       "ATTACH '" +
                       Uri("alice") + "&mode=ro' AS old"),
            SQLITE_OK);
  EXPECT_EQ(saved.Exec("INSERT INTO t SELECT * FROM old.t"), SQLITE_IOERR_DATA);
  const std::string copy = "INSERT INTO t SELECT * FROM old.t ORDER BY rowid";
  EXPECT_EQ(saved.Exec(copy + " LIMIT " + first), SQLITE_OK);
  EXPECT_EQ(saved.Exec(copy + " DESC LIMIT " + last), SQLITE_OK);
  EXPECT_EQ(saved.QueryText("SELECT min(id), max(id), count(*) > 80, "
                            "count(*) < 100 FROM t"),
            "1|100|1|1");
}

TEST_F(DoctorTest, DamagedRecords) {
  const std::shared_ptr<Store> store = OpenStore();
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(LoadHeadState(store->engine()->NewReader().get(), "alice", &state));
  Batch batch;
  batch.Put(ActorPartition(state->entry.actor), HeadKey(), "x");
  ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  EXPECT_EQ(Doctor("severity, detail LIKE '%head record%', mend LIKE "
                   "'%records are damaged%'"),
            "error|1|1");
}

}  // namespace
}  // namespace actorkv
