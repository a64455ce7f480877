// B-trees of an actor: all rows are found, and pages that SQLite would never
// write, but whose checksums are right, are errors.

#include "sql/history/btree_reader.h"

#include <sqlite3.h>

#include <algorithm>
#include <random>

#include "kv/format/chunk.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/store.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

class BtreeReaderTest : public ActorTest {
 protected:
  void Make(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
    root_ = static_cast<PageNo>(
        db.QueryInt("SELECT rootpage FROM sqlite_schema WHERE name = 't'"));
  }

  VersionSource Source() const {
    VersionSource source;
    EXPECT_OK(StoreRegistry::Instance()->Acquire(
        StorePath(), OpenMode::kExisting, &source.store));
    EXPECT_OK(source.store->OpenActor("alice", &source.actor));
    EXPECT_OK(source.actor->Current(&source.version));
    return source;
  }

  // Reads all rows; *count: how many.
  static Status ReadAll(const VersionSource& source, PageNo root,
                        uint64_t* count) {
    BtreeReader reader(source);
    TreePages tree;
    const PageSet none;
    *count = 0;
    if (Status s = reader.Open(); !s.ok()) return s;
    if (Status s = reader.FindTree(root, &tree); !s.ok()) return s;
    BtreeScan scan(&reader, root, &tree, &none);
    for (;;) {
      bool found = false;
      BtreeCell cell;
      std::string payload;
      if (Status s = scan.Next(&found, &cell); !s.ok()) return s;
      if (!found) return Status::Ok();
      if (Status s = reader.ReadPayload(cell, &payload); !s.ok()) return s;
      ++*count;
    }
  }

  // The page as it would be with some bytes set, in a chunk that verifies.
  static std::string Changed(const VersionSource& source, PageNo pgno,
                             std::mt19937_64* dice, ChunkId* id) {
    const uint32_t page_size = source.version->head.snapshot.page_size;
    BranchReader reader(source.store->engine());
    reader.SetSnapshot(source.version->head.snapshot, source.version->lineage);
    PageVersion version;
    EXPECT_OK(reader.FindPage(pgno, &version));
    std::string page(page_size, '\0');
    EXPECT_OK(UnpackPage(version.id, version.chunk, page_size, page.data()));
    for (int i = 0; i < 3; ++i) {
      const size_t where = (*dice)() % 3 == 0 ? page_size : 24;
      page[(*dice)() % where] = static_cast<char>((*dice)());
    }
    *id = version.id;
    return EncodeChunk(*id, page, PageHash(pgno, page));
  }

  PageNo root_ = 0;
};

constexpr char kFill[] =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
    "i < 3000) INSERT INTO t SELECT i, randomblob(i % 100 + (i % 500 = 0) * "
    "9000) FROM c;";

TEST_F(BtreeReaderTest, FindsAllRows) {
  for (const char* create :
       {"CREATE TABLE t(a INTEGER PRIMARY KEY, b);",
        "CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID;"}) {
    SCOPED_TRACE(create);
    Make("DROP TABLE IF EXISTS t; " + std::string(create) + kFill);
    uint64_t count = 0;
    EXPECT_OK(ReadAll(Source(), root_, &count));
    EXPECT_EQ(count, 3000U);
  }
}

TEST_F(BtreeReaderTest, PassesOverPages) {
  Make("CREATE TABLE t(a INTEGER PRIMARY KEY, b);" + std::string(kFill));
  const VersionSource source = Source();
  BtreeReader reader(source);
  TreePages tree;
  ASSERT_OK(reader.Open());
  ASSERT_OK(reader.FindTree(root_, &tree));
  EXPECT_GT(tree.depth, 1U);
  BtreeScan scan(&reader, root_, &tree, &tree.pages);
  bool found = true;
  BtreeCell cell;
  ASSERT_OK(scan.Next(&found, &cell));
  EXPECT_FALSE(found);
}

TEST_F(BtreeReaderTest, PagesThatAreNotThere) {
  Make("CREATE TABLE t(a);");
  uint64_t count = 0;
  EXPECT_TRUE(
      IsError(ReadAll(Source(), 99, &count), Code::kCorruption, "pgno=99"));
  EXPECT_OK(ReadAll(Source(), 0, &count));
  EXPECT_EQ(count, 0U);
}

TEST_F(BtreeReaderTest, DamageIsAnErrorThatNamesThePage) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE("ACTORKV_SEED=" + std::to_string(seed));
  std::mt19937_64 dice(seed);
  Make(
      "PRAGMA page_size = 512; CREATE TABLE t(a PRIMARY KEY, b) WITHOUT "
      "ROWID;" +
      std::string(kFill));
  int failed = 0;
  for (int round = 0; round < 300; ++round) {
    const VersionSource source = Source();
    const PageNo page_count = source.version->head.snapshot.page_count;
    const PageNo pgno =
        round % 3 == 0 ? root_ : static_cast<PageNo>(dice() % page_count + 1);
    ChunkId id;
    const std::string chunk = Changed(source, pgno, &dice, &id);
    std::string before;
    {
      std::optional<std::string> value;
      ASSERT_OK(GetValue(source.store->engine()->NewReader().get(),
                         BranchPartition(id.branch), ChunkKey(id.pgno, id.txid),
                         &value));
      before = value.value_or("");
    }
    const auto put = [&](const std::string& value) {
      Batch batch;
      batch.Put(BranchPartition(id.branch), ChunkKey(id.pgno, id.txid), value);
      ASSERT_TRUE(source.store->Commit(batch, Durability::kBuffered).done());
    };
    put(chunk);
    uint64_t count = 0;
    // Not what the page cache knows of it: as another store.
    VersionSource fresh;
    fresh.version = source.version;
    ASSERT_OK(
        Store::Open(StorePath(),
                    std::make_unique<ForwardingEngine>(std::shared_ptr<Engine>(
                        source.store, source.store->engine())),
                    true, &fresh.store));
    ASSERT_OK(fresh.store->OpenActor("alice", &fresh.actor));
    const Status s = ReadAll(fresh, root_, &count);
    if (!s.ok()) {
      ++failed;
      EXPECT_TRUE(IsError(s, Code::kCorruption, "pgno="));
    }
    put(before);
  }
  EXPECT_GT(failed, 20);
}

}  // namespace
}  // namespace actorkv
