// actorkv_delete(), actorkv_rename(), actorkv_takeover(), actorkv_backup().

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/sql_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

using ActorFunctionsTest = SqlTest;

TEST_F(ActorFunctionsTest, DeleteReturnsTheTxidAndHidesTheActor) {
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT actorkv_delete('alice')"), "2");
  SqliteDb gone;
  EXPECT_EQ(gone.Open(Uri("alice", "&mode=rw")), SQLITE_CANTOPEN);
  ExpectBad({{"SELECT actorkv_delete('alice')", SQLITE_ERROR,
              "no such actor: actor=alice"}});
}

TEST_F(ActorFunctionsTest, DeleteWhileTheListIsRead) {
  for (const char* name : {"a", "tmp1", "tmp2", "tmp3", "z"}) MakeActor(name);
  EXPECT_EQ(Ask("SELECT actor, actorkv_delete(actor) FROM actorkv_actors "
                "WHERE actor LIKE 'tmp%'"),
            "tmp1|2\ntmp2|2\ntmp3|2");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors WHERE state = 'live'"),
            "a\nz");
}

TEST_F(ActorFunctionsTest, DeleteOfAnOpenActorIsBusy) {
  MakeActor("alice");
  SqliteDb user;
  ASSERT_EQ(user.Open(Uri("alice")), SQLITE_OK);
  ExpectBad({
      {"SELECT actorkv_delete('alice')", SQLITE_BUSY,
       "the actor is open: actor=alice"},
      {"SELECT actorkv_rename('alice', 'b')", SQLITE_BUSY,
       "the actor is open: actor=alice"},
  });
  EXPECT_EQ(user.QueryText("SELECT count(*) FROM t"), "1");
}

// Counters and schema cookie go on, so that nobody takes the new database for
// the old one.
TEST_F(ActorFunctionsTest, ANameThatIsUsedAgainStartsAboveTheOldCounters) {
  MakeActor("alice");
  SqliteDb before;
  ASSERT_EQ(before.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(before.Exec("PRAGMA schema_version=1000"), SQLITE_OK);
  const int64_t cookie = before.QueryInt("PRAGMA schema_version");
  before.Close();
  ASSERT_EQ(Ask("SELECT actorkv_delete('alice')"), "3");
  MakeActor("alice");
  SqliteDb after;
  ASSERT_EQ(after.Open(Uri("alice")), SQLITE_OK);
  EXPECT_GT(after.QueryInt("PRAGMA schema_version"), cookie);
  EXPECT_EQ(after.QueryText("PRAGMA integrity_check"), "ok");
  after.Close();
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_actors"), "alice|live");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

// Also of an imported file, which comes with counters of its own.
TEST_F(ActorFunctionsTest, AnImportUnderANameThatWasUsedStartsAboveTheOld) {
  for (const char* cookie : {"3", "-1"}) {
    SCOPED_TRACE(cookie);
    MakeActor("alice");
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA schema_version=1000"), SQLITE_OK);
    const int64_t before = db.QueryInt("PRAGMA schema_version");
    db.Close();
    Ask("SELECT actorkv_delete('alice')");
    std::filesystem::remove(File("f.db"));
    MakeFile("f.db", "");
    SqliteDb file;
    ASSERT_EQ(file.Open(File("f.db")), SQLITE_OK);
    ASSERT_EQ(file.Exec(std::string("PRAGMA schema_version=") + cookie),
              SQLITE_OK);
    file.Close();
    ASSERT_EQ(Ask("SELECT actorkv_import('alice', '$DIR/f.db')"), "2");
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    const int64_t after = db.QueryInt("PRAGMA schema_version");
    EXPECT_GT(after, before);
    ASSERT_EQ(db.Exec("CREATE TABLE more(x)"), SQLITE_OK);
    EXPECT_EQ(db.QueryInt("PRAGMA schema_version"), after + 1);
    db.Close();
    Ask("SELECT actorkv_purge('alice')");
  }
}

TEST_F(ActorFunctionsTest, RenameKeepsContentAndHistory) {
  MakeActor("alice");
  MakeActor("bob");
  ASSERT_EQ(Ask("SELECT actorkv_delete('bob')"), "2");
  MakeActor("carol");
  ExpectBad({
      {"SELECT actorkv_rename('alice', 'carol')", SQLITE_ERROR,
       "the name is taken: actor=carol"},
      {"SELECT actorkv_rename('alice', 'bob')", SQLITE_ERROR,
       "a deleted actor has the name: actor=bob"},
      {"SELECT actorkv_rename('alice', 'x/y')", SQLITE_ERROR,
       "actor name has a slash: x/y"},
      {"SELECT actorkv_rename('alice', NULL)", SQLITE_ERROR,
       "the new name is NULL"},
      {"SELECT actorkv_rename('nobody', 'x')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
  });
  EXPECT_EQ(Ask("SELECT actorkv_rename('alice', 'dave')"), "1");
  EXPECT_EQ(Ask("SELECT actor, head_txid FROM actorkv_actors WHERE state = "
                "'live'"),
            "carol|2\ndave|2");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits WHERE actor = 'dave'"),
            "2");
  SqliteDb dave;
  ASSERT_EQ(dave.Open(Uri("dave")), SQLITE_OK);
  EXPECT_EQ(dave.QueryText("SELECT count(*) FROM t"), "1");
}

// A commit that comes between is no reason to fail.
TEST_F(ActorFunctionsTest, TakeoverBesideWriters) {
  constexpr int kWriters = 3;
  constexpr int kTakeovers = 40;
  constexpr int kPatience = 100'000'000;
  MakeActor("alice");
  std::atomic<bool> stop{false};
  std::atomic<int> commits{0};
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      while (!stop) {
        SqliteDb db;
        if (db.Open(Uri("alice")) != SQLITE_OK) continue;
        while (!stop && db.Exec("INSERT INTO t VALUES(1)") == SQLITE_OK) {
          ++commits;
        }
      }
    });
  }
  for (int i = 0; i < kTakeovers; ++i) {
    const int before = commits;
    EXPECT_EQ(Ask("SELECT actorkv_takeover('alice')"), std::to_string(i + 2));
    for (int n = 0; commits == before && n < kPatience; ++n) {
      std::this_thread::yield();
    }
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), commits + 1);
}

TEST_F(ActorFunctionsTest, TakeoverFencesWhoWroteBefore) {
  MakeActor("alice");
  SqliteDb old;
  ASSERT_EQ(old.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(old.QueryText("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_takeover('alice')"), "2");
  EXPECT_EQ(old.Exec("DELETE FROM t"), SQLITE_READONLY_DBMOVED);
  EXPECT_NE(Ask("SELECT actorkv_last_error()")
                .find("expected generation 1, "
                      "actual 2"),
            std::string::npos);
  EXPECT_EQ(old.QueryText("SELECT count(*) FROM t"), "1");
  SqliteDb fresh;
  ASSERT_EQ(fresh.Open(Uri("alice")), SQLITE_OK);
  EXPECT_EQ(fresh.Exec("DELETE FROM t"), SQLITE_OK) << fresh.Error();
  EXPECT_EQ(Ask("SELECT generation FROM actorkv_actors"), "2");
  ExpectBad({{"SELECT actorkv_takeover('nobody')", SQLITE_ERROR,
              "no such actor: actor=nobody"}});
}

TEST_F(ActorFunctionsTest, BackupIsAStore) {
  MakeActor("alice", 100);
  MakeActor("bob");
  // Also what is not yet on stable storage.
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("bob")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("PRAGMA synchronous=OFF; INSERT INTO t VALUES(2)"),
            SQLITE_OK);
  EXPECT_GT(std::stoll(Ask("SELECT actorkv_backup('$DIR/copy/')")), 61440);
  EXPECT_EQ(Listing(), "copy store");
  ASSERT_EQ(writer.Exec("INSERT INTO t VALUES(3)"), SQLITE_OK);
  EXPECT_EQ(Ask("SELECT actorkv_store('$DIR/copy')"), File("copy"));
  EXPECT_EQ(Ask("SELECT actor, page_count FROM actorkv_actors"),
            "alice|15\nbob|2");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
  SqliteDb copy;
  ASSERT_EQ(copy.Open("file:" + File("copy") + "/bob?vfs=actorkv"), SQLITE_OK);
  EXPECT_EQ(copy.QueryText("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(copy.Exec("INSERT INTO t VALUES(3)"), SQLITE_OK);
}

// Interrupts a connection while it makes a checkpoint, and counts them.
class InterruptingEngine : public ForwardingEngine {
 public:
  InterruptingEngine(std::shared_ptr<Engine> base, sqlite3* db, int* count)
      : ForwardingEngine(std::move(base)), db_(db), count_(count) {}

  Status Checkpoint(const std::string& path, uint64_t* bytes) override {
    ++*count_;
    Status made = ForwardingEngine::Checkpoint(path, bytes);
    EXPECT_TRUE(std::filesystem::exists(path));
    sqlite3_interrupt(db_);
    return made;
  }

 private:
  sqlite3* const db_;
  int* const count_;
};

TEST_F(ActorFunctionsTest, InterruptEndsABackup) {
  MakeActor("alice");
  StoreRegistry* const registry = StoreRegistry::Instance();
  registry->CloseIdle();
  int checkpoint_count = 0;
  registry->SetEngineFactoryForTesting([&](const std::string& directory,
                                           OpenMode mode,
                                           std::unique_ptr<Engine>* engine) {
    std::unique_ptr<Engine> opened;
    Status s = OpenRocksDbEngine(directory, mode, &opened);
    if (!s.ok()) return s;
    *engine = std::make_unique<InterruptingEngine>(
        std::move(opened), db()->get(), &checkpoint_count);
    return s;
  });
  ExpectInterrupted("actorkv_backup('$DIR/copy')");
  EXPECT_EQ(checkpoint_count, 0) << "nothing was begun";
  const std::string answer = Ask("SELECT actorkv_backup('$DIR/copy')");
  EXPECT_EQ(db()->ErrorCode(), SQLITE_INTERRUPT) << answer;
  EXPECT_EQ(checkpoint_count, 1);
  EXPECT_EQ(Listing(), "store");
  registry->CloseIdle();
  registry->SetEngineFactoryForTesting(nullptr);
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "alice");
}

TEST_F(ActorFunctionsTest, BackupOverwritesNothing) {
  MakeActor("alice");
  WriteFile("file", "mine");
  std::filesystem::create_directory(File("directory"));
  ExpectBad({
      {"SELECT actorkv_backup('$DIR/file')", SQLITE_ERROR,
       "it exists already: $DIR/file"},
      {"SELECT actorkv_backup('$DIR/directory')", SQLITE_ERROR,
       "it exists already: $DIR/directory"},
      {"SELECT actorkv_backup('$DIR/store')", SQLITE_ERROR,
       "it exists already: $DIR/store"},
      {"SELECT actorkv_backup('$DIR/no/copy')", SQLITE_ERROR, "$DIR/no"},
      {"SELECT actorkv_backup(NULL)", SQLITE_ERROR, "path is NULL"},
  });
  EXPECT_EQ(Listing(), "directory file store");
  EXPECT_EQ(Contents("file"), "mine");
}

TEST_F(ActorFunctionsTest, AFollowerChangesNothing) {
  MakeActor("alice");
  CloseStore(File("store"));
  SqliteDb follower;
  ASSERT_EQ(follower.Open(Uri("alice", "&mode=ro")), SQLITE_OK);
  EXPECT_EQ(follower.QueryText("SELECT actor, owner_pid IS NULL "
                               "FROM actorkv_actors"),
            "alice|1");
  EXPECT_EQ(follower.QueryText("SELECT actorkv_delete('alice')").substr(0, 52),
            "error: actorkv_delete: main was opened with mode=ro ");
  // What needs the store of who writes, and only looks.
  EXPECT_EQ(
      follower.QueryText("SELECT actorkv_backup('" + File("copy") + "')"),
      "error: actorkv_backup: the store is open read-only: " + File("store"));
  EXPECT_EQ(follower.ErrorCode(), SQLITE_READONLY);
  EXPECT_EQ(follower.QueryText("SELECT * FROM actorkv_verify"), "");
}

}  // namespace
}  // namespace actorkv
