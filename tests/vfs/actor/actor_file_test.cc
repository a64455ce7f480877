// The methods of an actor's file, called directly and through SQLite: reads
// at every border, damaged chunks, every file control, and the ways to open
// that never lock.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/store/store.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class ActorFileTest : public ActorTest {
 protected:
  void Fill(SqliteDb* db, const std::string& actor = "a") {
    ASSERT_EQ(db->Open(Uri(actor)), SQLITE_OK);
    ASSERT_EQ(db->Exec("CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
                       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                       "i + 1 FROM c WHERE i < 50) INSERT INTO t SELECT i, "
                       "hex(zeroblob(400)) FROM c;"),
              SQLITE_OK);
  }

  static sqlite3_file* FileOf(SqliteDb* db) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file;
  }

  // Flips a bit in the stored chunk of a page, or removes it.
  void Damage(const std::string& actor, PageNo pgno, bool remove) {
    std::shared_ptr<Store> store;
    ASSERT_OK(StoreRegistry::Instance()->Acquire(StorePath(),
                                                 OpenMode::kExisting, &store));
    std::shared_ptr<Actor> shared;
    ASSERT_OK(store->OpenActor(actor, &shared));
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(shared->Current(&state));
    const Partition partition = BranchPartition(state->head.snapshot.branch);
    std::vector<std::optional<KeyValue>> found;
    const std::string key = ChunkKey(pgno, state->head.snapshot.txid);
    ASSERT_OK(store->engine()->NewReader()->Seek(partition, {key}, &found));
    ASSERT_TRUE(found[0].has_value());
    Batch batch;
    if (remove) {
      batch.Delete(partition, found[0]->key);
    } else {
      std::string value = found[0]->value;
      value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 4);
      batch.Put(partition, found[0]->key, value);
    }
    ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  }
};

TEST_F(ActorFileTest, ReadsAtEveryBorder) {
  SqliteDb db;
  Fill(&db);
  sqlite3_file* file = FileOf(&db);
  sqlite3_int64 size = 0;
  ASSERT_EQ(file->pMethods->xFileSize(file, &size), SQLITE_OK);
  ASSERT_GT(size, 3 * 4096);
  std::string all(static_cast<size_t>(size), 'x');
  ASSERT_EQ(file->pMethods->xRead(file, all.data(), static_cast<int>(size), 0),
            SQLITE_OK);
  EXPECT_EQ(all.substr(0, 15), "SQLite format 3");
  for (const sqlite3_int64 offset :
       {sqlite3_int64{0}, sqlite3_int64{1}, sqlite3_int64{4095},
        sqlite3_int64{4096}, sqlite3_int64{5000}, size - 4096, size - 1, size,
        size + 1, size + 100000}) {
    for (const int length : {1, 16, 100, 4095, 4096, 4097, 9000}) {
      std::string got(static_cast<size_t>(length), 'x');
      const int code = file->pMethods->xRead(file, got.data(), length, offset);
      const bool inside = offset + length <= size;
      EXPECT_EQ(code, inside ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
      std::string wanted;
      if (offset < size) {
        wanted = all.substr(static_cast<size_t>(offset),
                            static_cast<size_t>(length));
      }
      wanted.resize(static_cast<size_t>(length), '\0');
      EXPECT_TRUE(got == wanted) << offset << " " << length;
    }
  }
}

// SQLite reads 100 bytes before any lock; such a read sees the present.
TEST_F(ActorFileTest, ReadWithoutALockSeesTheNewestCommit) {
  SqliteDb writer;
  Fill(&writer);
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("a")), SQLITE_OK);
  sqlite3_file* file = FileOf(&reader);
  std::string before(100, 'x');
  std::string after(100, 'x');
  ASSERT_EQ(file->pMethods->xRead(file, before.data(), 100, 0), SQLITE_OK);
  ASSERT_EQ(writer.Exec("PRAGMA user_version=77"), SQLITE_OK);
  ASSERT_EQ(file->pMethods->xRead(file, after.data(), 100, 0), SQLITE_OK);
  EXPECT_NE(before, after);
  EXPECT_EQ(after[63], 77);
}

TEST_F(ActorFileTest, DamagedOrMissingChunkIsAnErrorThatNamesThePage) {
  for (const bool remove : {false, true}) {
    SCOPED_TRACE(remove);
    const std::string actor = remove ? "missing" : "damaged";
    {
      SqliteDb db;
      Fill(&db, actor);
    }
    Damage(actor, 4, remove);
    CloseStores();  // and forget what is cached
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(actor)), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT sum(length(v)) FROM t").substr(0, 6),
              "error:");
    EXPECT_EQ(db.ErrorCode(), SQLITE_IOERR_DATA);
    for (const std::string& part : {std::string("pgno=4"), "actor=" + actor}) {
      EXPECT_NE(LastError().find(part), std::string::npos) << LastError();
    }
    EXPECT_NE(db.QueryText("SELECT actorkv_last_error()").find("pgno=4"),
              std::string::npos);
    // Other pages are still there.
    EXPECT_EQ(db.QueryText("SELECT k FROM t WHERE k = 1"), "1");
    // The bytes given back are zeros with an error, not with ok.
    sqlite3_file* file = FileOf(&db);
    std::string page(4096, 'x');
    EXPECT_EQ(file->pMethods->xRead(file, page.data(), 4096, int64_t{3} * 4096),
              SQLITE_IOERR_DATA);
  }
}

TEST_F(ActorFileTest, EveryFileControl) {
  SqliteDb db;
  Fill(&db);
  sqlite3_file* file = FileOf(&db);
  for (int op = 0; op <= 60; ++op) {
    switch (op) {
      case SQLITE_FCNTL_LOCKSTATE:
      case SQLITE_FCNTL_SYNC:
      case SQLITE_FCNTL_COMMIT_PHASETWO:
      case SQLITE_FCNTL_PDB:
      case SQLITE_FCNTL_PRAGMA:
      case SQLITE_FCNTL_MMAP_SIZE:
      case SQLITE_FCNTL_HAS_MOVED:
      case SQLITE_FCNTL_VFSNAME:
        continue;
      default:
        break;
    }
    // An argument that any of them could write to.
    sqlite3_int64 argument[8] = {};
    EXPECT_EQ(file->pMethods->xFileControl(file, op, argument), SQLITE_NOTFOUND)
        << op;
  }
  int value = 7;
  EXPECT_EQ(file->pMethods->xFileControl(file, SQLITE_FCNTL_LOCKSTATE, &value),
            SQLITE_OK);
  EXPECT_EQ(value, SQLITE_LOCK_NONE);
  value = 7;
  EXPECT_EQ(file->pMethods->xFileControl(file, SQLITE_FCNTL_HAS_MOVED, &value),
            SQLITE_OK);
  EXPECT_EQ(value, 0);
  char* name = nullptr;
  EXPECT_EQ(file->pMethods->xFileControl(file, SQLITE_FCNTL_VFSNAME, &name),
            SQLITE_OK);
  EXPECT_STREQ(name, "actorkv");
  sqlite3_free(name);
  // With nothing written these have nothing to do.
  EXPECT_EQ(file->pMethods->xFileControl(file, SQLITE_FCNTL_SYNC, nullptr),
            SQLITE_OK);
  EXPECT_EQ(
      file->pMethods->xFileControl(file, SQLITE_FCNTL_COMMIT_PHASETWO, nullptr),
      SQLITE_OK);
}

TEST_F(ActorFileTest, WhatItClaims) {
  SqliteDb db;
  Fill(&db);
  sqlite3_file* file = FileOf(&db);
  EXPECT_EQ(file->pMethods->xSectorSize(file), 4096);
  EXPECT_EQ(file->pMethods->xDeviceCharacteristics(file),
            SQLITE_IOCAP_POWERSAFE_OVERWRITE);
  EXPECT_EQ(file->pMethods->iVersion, 3);
  EXPECT_NE(file->pMethods->xFetch, nullptr);
  EXPECT_EQ(file->pMethods->xShmMap, nullptr) << "a WAL would need it";
}

TEST_F(ActorFileTest, WriteWithoutALockIsRefused) {
  SqliteDb db;
  Fill(&db);
  sqlite3_file* file = FileOf(&db);
  EXPECT_EQ(file->pMethods->xWrite(file, "x", 1, 5000), SQLITE_IOERR_WRITE);
  ASSERT_EQ(file->pMethods->xLock(file, SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(file->pMethods->xWrite(file, "x", 1, 5000), SQLITE_IOERR_WRITE);
  ASSERT_EQ(file->pMethods->xUnlock(file, SQLITE_LOCK_NONE), SQLITE_OK);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(ActorFileTest, ReadOnlyOpensDoNotWrite) {
  {
    SqliteDb db;
    Fill(&db);
  }
  for (const char* more : {"&mode=ro", "&immutable=1", "&nolock=1"}) {
    SCOPED_TRACE(more);
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a", more)), SQLITE_OK) << LastError();
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 50);
    EXPECT_EQ(sqlite3_db_readonly(db.get(), "main"), 1);
    EXPECT_EQ(db.Exec("INSERT INTO t VALUES(100, 1)") & 0xff, SQLITE_READONLY);
    sqlite3_file* file = FileOf(&db);
    EXPECT_EQ(file->pMethods->xWrite(file, "x", 1, 0), SQLITE_READONLY);
    EXPECT_EQ(file->pMethods->xTruncate(file, 0), SQLITE_READONLY);
  }
  // Also as the only connection there is.
  CloseStores();
  SqliteDb alone;
  ASSERT_EQ(alone.Open(Uri("a", "&mode=ro")), SQLITE_OK) << LastError();
  EXPECT_EQ(alone.QueryInt("SELECT count(*) FROM t"), 50);
  EXPECT_EQ(alone.Open(Uri("b", "&mode=ro")), SQLITE_CANTOPEN);
}

// mode=ro sees each new commit; what never locks keeps its first snapshot.
TEST_F(ActorFileTest, SnapshotsOfReadOnlyOpens) {
  SqliteDb writer;
  Fill(&writer);
  SqliteDb reader;
  SqliteDb nolock;
  SqliteDb immutable;
  ASSERT_EQ(reader.Open(Uri("a", "&mode=ro")), SQLITE_OK);
  ASSERT_EQ(nolock.Open(Uri("a", "&nolock=1")), SQLITE_OK);
  ASSERT_EQ(immutable.Open(Uri("a", "&immutable=1")), SQLITE_OK);
  for (SqliteDb* db : {&reader, &nolock, &immutable}) {
    EXPECT_EQ(db->QueryInt("SELECT count(*) FROM t"), 50);
  }
  ASSERT_EQ(writer.Exec("DELETE FROM t; VACUUM;"), SQLITE_OK);
  EXPECT_EQ(reader.QueryInt("SELECT count(*) FROM t"), 0);
  EXPECT_EQ(nolock.QueryInt("SELECT count(*) FROM t"), 50);
  EXPECT_EQ(immutable.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(ActorFileTest, SharedCache) {
  SqliteDb first;
  SqliteDb second;
  ASSERT_EQ(first.Open(Uri("a", "&cache=shared")), SQLITE_OK);
  ASSERT_EQ(second.Open(Uri("a", "&cache=shared")), SQLITE_OK);
  ASSERT_EQ(first.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1);"),
            SQLITE_OK);
  EXPECT_EQ(second.QueryText("SELECT x FROM t"), "1");
  ASSERT_EQ(second.Exec("BEGIN; INSERT INTO t VALUES(2);"), SQLITE_OK);
  EXPECT_EQ(first.Exec("INSERT INTO t VALUES(3)") & 0xff, SQLITE_LOCKED);
  ASSERT_EQ(second.Exec("COMMIT"), SQLITE_OK);
  first.Close();
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(4)"), SQLITE_OK);
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT group_concat(x) FROM t"), "1,2,4");
}

TEST_F(ActorFileTest, TemporaryDatabasesAndSorters) {
  for (int store = 0; store <= 2; ++store) {
    SCOPED_TRACE(store);
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a" + std::to_string(store))), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA temp_store=" + std::to_string(store) +
                      "; PRAGMA cache_size=5; PRAGMA temp.cache_size=5;"
                      "CREATE TEMP TABLE t(x);"
                      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                      "FROM c WHERE i < 3000) INSERT INTO t "
                      "SELECT hex(randomblob(200)) FROM c;"
                      "CREATE TABLE sorted AS SELECT x FROM t ORDER BY x;"
                      "CREATE INDEX i ON sorted(x);"
                      "SAVEPOINT s; UPDATE sorted SET x = x || 'y';"
                      "ROLLBACK TO s; RELEASE s;"),
              SQLITE_OK)
        << db.Error();
    EXPECT_EQ(db.QueryText("SELECT count(*), min(length(x)) FROM sorted"),
              "3000|400");
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  }
}

// PRAGMA synchronous decides about the sync, however it is written and
// wherever it is set.
TEST_F(ActorFileTest, SynchronousIsLearntFromThePragma) {
  struct Case {
    const char* pragma;
    bool synced;
  };
  const Case cases[] = {
      {"", true},
      {"PRAGMA synchronous=OFF;", false},
      {"PRAGMA main.synchronous=NORMAL;", false},
      {"PRAGMA synchronous=1;", false},
      {"PRAGMA synchronous=OFF; PRAGMA synchronous=EXTRA;", true},
      {"PRAGMA Synchronous('full');", true},
      {"PRAGMA synchronous=OFF; PRAGMA synchronous;", false},
      {"PRAGMA temp.synchronous=OFF;", true},
      {"BEGIN; SELECT * FROM t; COMMIT; PRAGMA synchronous=0;", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.pragma);
    SqliteDb db;
    Fill(&db, "a" + std::to_string(&c - cases));
    ASSERT_EQ(db.Exec(c.pragma), SQLITE_OK);
    engine_log()->Clear();
    ASSERT_EQ(db.Exec("UPDATE t SET v = 1"), SQLITE_OK);
    EXPECT_EQ(engine_log()->synced_count(), c.synced ? 1u : 0u);
  }
  // Refused inside a transaction, so it changes nothing.
  SqliteDb db;
  Fill(&db, "b");
  EXPECT_NE(db.Exec("BEGIN; PRAGMA synchronous=OFF;"), SQLITE_OK);
  engine_log()->Clear();
  ASSERT_EQ(db.Exec("UPDATE t SET v = 1; COMMIT;"), SQLITE_OK);
  EXPECT_EQ(engine_log()->synced_count(), 1u);
}

}  // namespace
}  // namespace actorkv
