// actorkv_import() and actorkv_export().

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "kv/files/temporary.h"
#include "kv/format/keys.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/branch_writer.h"
#include "kv/store/store.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

using TransferTest = SqlTest;

std::string Dump(const std::string& name) {
  SqliteDb db;
  EXPECT_EQ(db.Open(name), SQLITE_OK);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  return db.QueryText("SELECT name, sql FROM sqlite_schema") + "\n" +
         db.QueryText("SELECT rowid, hex(x) FROM t ORDER BY rowid");
}

TEST_F(TransferTest, EveryPageSizeThereAndBack) {
  for (int size = 512; size <= 65536; size *= 2) {
    SCOPED_TRACE(size);
    const std::string name = "p" + std::to_string(size);
    MakeFile(name + ".db", "PRAGMA page_size=" + std::to_string(size), 300);
    SqliteDb file;
    ASSERT_EQ(file.Open(File(name + ".db")), SQLITE_OK);
    const std::string page_count = file.QueryText("PRAGMA page_count");
    const std::string before = Contents(name + ".db");
    EXPECT_EQ(Ask("SELECT actorkv_import('" + name + "', " +
                  Quoted(name + ".db") + ")"),
              page_count);
    EXPECT_EQ(Contents(name + ".db"), before);
    EXPECT_EQ(Ask("SELECT actorkv_export('" + name + "', " +
                  Quoted(name + ".out") + ")"),
              std::to_string(before.size()));
    const std::string dump = Dump(File(name + ".db"));
    EXPECT_EQ(Dump(Uri(name)), dump);
    EXPECT_EQ(Dump(File(name + ".out")), dump);
  }
  EXPECT_EQ(Ask("SELECT count(*), group_concat(DISTINCT origin), max(txid) "
                "FROM actorkv_commits"),
            "8|import|1");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(TransferTest, AnActorMayHaveAnyName) {
  MakeFile("x.db", "");
  for (const std::string name : {"a b", "50%", "a?b#c", "\xc3\xa4", "-wal",
                                 "a'b", "file:x", ".hidden"}) {
    SCOPED_TRACE(name);
    SqliteStatement run(db()->get(),
                        "SELECT actorkv_import(?1, ?2), "
                        "actorkv_export(?1, ?3)");
    const std::string out = File("out");
    std::filesystem::remove(out);
    const std::string in = File("x.db");
    sqlite3_bind_text(run.get(), 1, name.c_str(), -1, SQLITE_STATIC);
    sqlite3_bind_text(run.get(), 2, in.c_str(), -1, SQLITE_STATIC);
    sqlite3_bind_text(run.get(), 3, out.c_str(), -1, SQLITE_STATIC);
    EXPECT_EQ(run.Step(), SQLITE_ROW) << db()->Error();
    EXPECT_EQ(run.Row(), "2|8192");
  }
}

TEST_F(TransferTest, ImportAppliesTheWalAndLeavesItAlone) {
  SqliteDb writer;
  ASSERT_EQ(writer.Open(File("w.db")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                        "CREATE TABLE t(x); INSERT INTO t VALUES(1);"),
            SQLITE_OK);
  const std::string before = Contents("w.db") + Contents("w.db-wal");
  EXPECT_EQ(Ask("SELECT actorkv_import('w', '$DIR/w.db')"), "2");
  EXPECT_EQ(Contents("w.db") + Contents("w.db-wal"), before);
  EXPECT_EQ(Ask("SELECT actorkv_export('w', '$DIR/out.db')"), "8192");
  SqliteDb out;
  ASSERT_EQ(out.Open(File("out.db")), SQLITE_OK);
  EXPECT_EQ(out.QueryText("PRAGMA journal_mode"), "delete");
  EXPECT_EQ(out.QueryText("SELECT x FROM t"), "1");
}

// Large enough to be staged, in pieces and by several threads.
TEST_F(TransferTest, ImportOfALargeFile) {
  for (const int page_size : {512, 4096, 65536}) {
    const std::string name = "large" + std::to_string(page_size);
    MakeFile(name + ".db", "PRAGMA page_size=" + std::to_string(page_size),
             12000);
    ASSERT_GT(std::filesystem::file_size(File(name + ".db")), kMinLoadBytes);
    EXPECT_EQ(Ask("SELECT actorkv_import('" + name + "', '$DIR/" + name +
                  ".db') * " + std::to_string(page_size)),
              std::to_string(std::filesystem::file_size(File(name + ".db"))));
    EXPECT_EQ(Dump(Uri(name)), Dump(File(name + ".db")));
    Ask("SELECT actorkv_export('" + name + "', '$DIR/" + name + ".out')");
    EXPECT_EQ(Dump(File(name + ".out")), Dump(File(name + ".db")));
  }
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

// A WAL that lies beside a file in rollback mode counts for SQLite.
TEST_F(TransferTest, ImportOfAFileWithAnEmptyWalBeside) {
  MakeFile("x.db", "");
  WriteFile("x.db-wal", "");
  EXPECT_EQ(Ask("SELECT actorkv_import('x', '$DIR/x.db')"), "2");
  EXPECT_EQ(Dump(Uri("x")), Dump(File("x.db")));
}

TEST_F(TransferTest, ImportOfOnePageInWalMode) {
  SqliteDb file;
  ASSERT_EQ(file.Open(File("w.db")), SQLITE_OK);
  ASSERT_EQ(file.Exec("PRAGMA journal_mode=WAL"), SQLITE_OK);
  file.Close();
  // It looks like one that was left without its -wal.
  ExpectBad({{"SELECT actorkv_import('w', '$DIR/w.db')", SQLITE_ERROR,
              "its -wal is missing"}});
  EXPECT_EQ(Ask("SELECT actorkv_import('w', '$DIR/w.db', 'db')"), "1");
  EXPECT_EQ(Dump(Uri("w")), "\nerror: no such table: t");
}

TEST_F(TransferTest, ImportMakesTheStore) {
  MakeFile("x.db", "");
  EXPECT_EQ(Ask("SELECT actorkv_import('$DIR/new/a', '$DIR/x.db')"), "2");
  EXPECT_EQ(Ask("SELECT actorkv_store('$DIR/new')"), File("new"));
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "a");
}

// The state of a file while a transaction on it is cut short.
void CopyInMidTransaction(const std::string& from, const std::string& to) {
  SqliteDb db;
  ASSERT_EQ(db.Open(from), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=2; BEGIN; UPDATE t SET x=zeroblob(500)"),
            SQLITE_OK);
  for (const char* suffix : {"", "-journal"}) {
    std::filesystem::copy_file(from + suffix, to + suffix);
  }
  ASSERT_EQ(db.Exec("ROLLBACK"), SQLITE_OK);
}

TEST_F(TransferTest, BadSources) {
  MakeActor("alice");
  MakeFile("good.db", "", 200);
  WriteFile("empty.db", "");
  WriteFile("garbage.db", std::string(20000, 'x'));
  WriteFile("short.db", "hello");
  WriteFile("cut.db", Contents("good.db").substr(0, 20000));
  WriteFile("end.db",
            Contents("good.db").substr(0, Contents("good.db").size() - 1));
  CopyInMidTransaction(File("good.db"), File("hot.db"));
  const std::string hot = Contents("hot.db") + Contents("hot.db-journal");
  ExpectBad({
      {"SELECT actorkv_import('b', '$DIR/none.db')", SQLITE_ERROR,
       "actorkv_import: no such file: $DIR/none.db"},
      {"SELECT actorkv_import('b', '$DIR')", SQLITE_ERROR, "not a file: $DIR"},
      {"SELECT actorkv_import('b', '$DIR/empty.db')", SQLITE_ERROR,
       "an empty file, no database in it: $DIR/empty.db"},
      {"SELECT actorkv_import('b', '$DIR/garbage.db')", SQLITE_ERROR,
       "not a SQLite database, or an encrypted one: $DIR/garbage.db"},
      {"SELECT actorkv_import('b', '$DIR/short.db')", SQLITE_ERROR,
       "not a SQLite database, or an encrypted one: $DIR/short.db"},
      {"SELECT actorkv_import('b', '$DIR/cut.db')", SQLITE_CORRUPT,
       "database disk image is malformed: $DIR/cut.db"},
      {"SELECT actorkv_import('b', '$DIR/end.db')", SQLITE_CORRUPT,
       "bytes, and its header says "},
      {"SELECT actorkv_import('b', '$DIR/hot.db')", SQLITE_ERROR,
       "$DIR/hot.db-journal has to be rolled back"},
      {"SELECT actorkv_import('alice', '$DIR/good.db')", SQLITE_ERROR,
       "the actor exists already: actor=alice store=$DIR/store"},
      {"SELECT actorkv_import('b', 'x' || char(0))", SQLITE_ERROR, "NUL byte"},
      {"SELECT actorkv_import('$DIR/none.db/b/c', '$DIR/good.db')",
       SQLITE_ERROR, "$DIR/none.db/b"},
  });
  EXPECT_EQ(Contents("hot.db") + Contents("hot.db-journal"), hot);
  EXPECT_EQ(Ask("SELECT actor, head_txid FROM actorkv_actors"), "alice|2");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(TransferTest, ImportOfALockedFileIsBusy) {
  MakeFile("x.db", "");
  SqliteDb writer;
  ASSERT_EQ(writer.Open(File("x.db")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("BEGIN EXCLUSIVE"), SQLITE_OK);
  ExpectBad({{"SELECT actorkv_import('x', '$DIR/x.db')", SQLITE_BUSY,
              "another connection is writing to it: $DIR/x.db"}});
  // The busy timeout of the connection counts.
  ASSERT_EQ(db()->Exec("PRAGMA busy_timeout=20000"), SQLITE_OK);
  std::thread unlock([&writer] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    writer.Exec("COMMIT");
  });
  EXPECT_EQ(Ask("SELECT actorkv_import('x', '$DIR/x.db')"), "2");
  unlock.join();
}

TEST_F(TransferTest, ImportWhileSomebodyMakesTheActorIsBusy) {
  MakeFile("x.db", "");
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("x")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("BEGIN; CREATE TABLE mine(x)"), SQLITE_OK);
  ExpectBad({{"SELECT actorkv_import('x', '$DIR/x.db')", SQLITE_BUSY,
              "another connection is writing to the actor: actor=x"}});
  ASSERT_EQ(writer.Exec("COMMIT"), SQLITE_OK);
  ExpectBad({{"SELECT actorkv_import('x', '$DIR/x.db')", SQLITE_ERROR,
              "the actor exists already: actor=x"}});
  EXPECT_EQ(writer.QueryText("SELECT name FROM sqlite_schema"), "mine");
}

// A deleted actor's name is free, and the new one is not taken for the old.
TEST_F(TransferTest, ImportUnderADeletedName) {
  MakeActor("x");
  MakeFile("x.db", "", 50);
  ASSERT_EQ(Ask("SELECT actorkv_delete('x')"), "2");
  EXPECT_EQ(Ask("SELECT actorkv_import('x', '$DIR/x.db')"), "9");
  EXPECT_EQ(Dump(Uri("x")), Dump(File("x.db")));
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(TransferTest, ExportRefusesWhatItCannotDo) {
  MakeActor("alice");
  WriteFile("there.db", "mine");
  WriteFile("wal.db-wal", "x");
  WriteFile("journal.db-journal", "x");
  ExpectBad({
      {"SELECT actorkv_export('alice', '$DIR/there.db')", SQLITE_ERROR,
       "it exists already: $DIR/there.db"},
      {"SELECT actorkv_export('alice', '$DIR/wal.db')", SQLITE_ERROR,
       "there is $DIR/wal.db-wal"},
      {"SELECT actorkv_export('alice', '$DIR/journal.db', 'db', 'head', 1)",
       SQLITE_ERROR, "there is $DIR/journal.db-journal"},
      {"SELECT actorkv_export('alice', '$DIR/no/x.db')", SQLITE_ERROR,
       "$DIR/no/x.db: create a file in $DIR/no: No such file or directory"},
      {"SELECT actorkv_export('alice', '$DIR/x.db', 'json')", SQLITE_ERROR,
       "no form 'json': it is 'db', 'jsonl', 'kv.bin', 'archive' or "
       "'salvage'"},
      {"SELECT actorkv_export('alice', '$DIR/x.db', NULL, '17')", SQLITE_ERROR,
       "there is no commit 17; the oldest that is available is"},
      {"SELECT actorkv_export('alice', '$DIR/x.db', NULL, NULL, 'yes')",
       SQLITE_ERROR, "overwrite is neither 0 nor 1"},
      {"SELECT actorkv_export('nobody', '$DIR/x.db')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
      {"SELECT actorkv_export('alice', '$DIR/store', 'db', NULL, 1)",
       SQLITE_ERROR, "$DIR/store: it is a directory"},
      {"SELECT actorkv_export('alice', '$DIR/store/CURRENT', 'db', NULL, 1)",
       SQLITE_ERROR, "$DIR/store is a store"},
  });
  EXPECT_EQ(Contents("there.db"), "mine");
  EXPECT_EQ(Listing(), "journal.db-journal store there.db wal.db-wal");
}

TEST_F(TransferTest, ExportOverwritesWhenTold) {
  MakeActor("alice", 100);
  WriteFile("out.db", "old");
  EXPECT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/out.db', 'db', 'head', "
                "1)"),
            "61440");
  EXPECT_EQ(Dump(File("out.db")), Dump(Uri("alice")));
  EXPECT_EQ(Listing(), "out.db store");
}

// In each form of one file: a device, a FIFO and the like stay what they are,
// and so does a link.
TEST_F(TransferTest, ExportReplacesOnlyAFile) {
  MakeActor("alice");
  ASSERT_EQ(mkfifo(File("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/null", File("null"));
  std::filesystem::create_symlink("nothing", File("dangling"));
  std::filesystem::create_symlink("target", File("link"));
  WriteFile("link-wal", "of nobody");
  for (const std::string form : {"db", "jsonl", "kv.bin"}) {
    SCOPED_TRACE(form);
    const auto export_to = [&](const std::string& path) {
      return "SELECT actorkv_export('alice', '" + path + "', '" + form +
             "', 'head', 1)";
    };
    ExpectBad({
        {export_to("$DIR/fifo").c_str(), SQLITE_ERROR,
         "$DIR/fifo: it is a FIFO"},
        {export_to("/dev/null").c_str(), SQLITE_ERROR,
         "/dev/null: it is a character device"},
        {export_to("$DIR/null").c_str(), SQLITE_ERROR,
         "$DIR/null, a link to /dev/null: it is a character device"},
        {export_to("$DIR/dangling").c_str(), SQLITE_ERROR,
         "$DIR/dangling, a link to $DIR/nothing: that is not there"},
        {export_to("/dev/stdout").c_str(), SQLITE_ERROR,
         "it is a name in /proc"},
        {export_to("/dev/fd/1").c_str(), SQLITE_ERROR, "it is a name in /proc"},
        {("SELECT actorkv_export('alice', '/dev/null', '" + form + "')")
             .c_str(),
         SQLITE_ERROR, "it is a character device"},
    });
    WriteFile("target", "old");
    ASSERT_EQ(chmod(File("target").c_str(), 0600), 0);
    EXPECT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/link', '" + form +
                  "', 'head', 1) > 100"),
              "1");
    EXPECT_TRUE(std::filesystem::is_symlink(File("link")));
    EXPECT_NE(Contents("target"), "old");
    struct stat file = {};
    ASSERT_EQ(stat(File("target").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, 0600U);
  }
  EXPECT_TRUE(std::filesystem::is_fifo(File("fifo")));
  EXPECT_EQ(Listing(), "dangling fifo link link-wal null store target");
}

// SQLite looks for them beside the end of the link, so that counts.
TEST_F(TransferTest, ExportLooksForSidecarsWhereTheLinkLeads) {
  MakeActor("alice");
  WriteFile("target", "old");
  WriteFile("target-wal", "x");
  std::filesystem::create_symlink("target", File("link"));
  ExpectBad({{"SELECT actorkv_export('alice', '$DIR/link', 'db', 'head', 1)",
              SQLITE_ERROR, "there is $DIR/target-wal"}});
  EXPECT_EQ(Contents("target"), "old");
}

// What a killed export or backup left goes with the next of either.
TEST_F(TransferTest, LeftoversGoWithTheNextCall) {
  MakeActor("alice");
  std::filesystem::create_directory(File("out"));
  int count = 0;
  for (const std::string sql :
       {"actorkv_export('alice', '$DIR/out/a.db')",
        "actorkv_export('alice', '$DIR/out/a.jsonl', 'jsonl')",
        "actorkv_export('alice', '$DIR/out/a.kv.bin', 'kv.bin')",
        "actorkv_backup('$DIR/out/backup')",
        "(SELECT count(*) FROM actorkv_export_all('$DIR/out', 'jsonl'))"}) {
    for (const TemporaryKind kind :
         {TemporaryKind::kFile, TemporaryKind::kDirectory}) {
      Temporary dead;
      ASSERT_OK(MakeTemporary(File("out"), kind, 0700, &dead));
      close(dead.fd);
    }
    EXPECT_EQ(Ask("SELECT " + sql + " > 0"), "1");
    const std::string names = actorkv::Listing(File("out"));
    EXPECT_EQ(names.find(".actorkv"), std::string::npos) << names;
    ++count;
  }
  EXPECT_EQ(count, 5);
}

TEST_F(TransferTest, NamesThatAreTooLongAreRefusedAtOnce) {
  const std::string longest(255, 'x');
  MakeActor(longest);
  MakeActor(longest.substr(0, 252));
  MakeActor(longest.substr(0, 253));
  EXPECT_EQ(Ask("SELECT length(actor), state, error LIKE '%.db: the file "
                "system takes no name that is so long' FROM "
                "actorkv_export_all('$DIR/out')"),
            "252|exported|\n253|failed|1\n255|failed|1");
  EXPECT_EQ(actorkv::Listing(File("out")), longest.substr(0, 252) + ".db");
  ExpectBad({{("SELECT actorkv_backup('$DIR/" + longest + "x')").c_str(),
              SQLITE_ERROR, "no name that is so long"}});
}

TEST_F(TransferTest, ExportFollowsTheUmask) {
  MakeActor("alice");
  const mode_t before = umask(027);
  Ask("SELECT actorkv_export('alice', '$DIR/out.db')");
  umask(before);
  struct stat file = {};
  ASSERT_EQ(stat(File("out.db").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0640U);
}

TEST_F(TransferTest, ExportIsTheStateBeforeOthersWhoWrite) {
  MakeActor("alice");
  const std::string before = Dump(Uri("alice"));
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("BEGIN; DELETE FROM t"), SQLITE_OK);
  EXPECT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/out.db')"), "8192");
  EXPECT_EQ(Dump(File("out.db")), before);
}

TEST_F(TransferTest, RelativePathsAreRelativeToTheCurrentDirectory) {
  MakeActor("alice");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(File(""));
  EXPECT_EQ(Ask("SELECT actorkv_export('alice', 'out.db')"), "8192");
  EXPECT_EQ(Ask("SELECT actorkv_import('store/b', './out.db')"), "2");
  EXPECT_EQ(Ask("SELECT actorkv_export('./store/../store/b', 'b.db')"), "8192");
  std::filesystem::current_path(before);
  EXPECT_EQ(Listing(), "b.db out.db store");
}

// sqlite3_interrupt() on the calling connection, as Ctrl-C in the shell.
TEST_F(TransferTest, InterruptEndsAnImportAndAnExport) {
  MakeFile("big.db", "", 100000);
  ExpectInterrupted("actorkv_import('b', '$DIR/big.db')");
  ASSERT_NE(Ask("SELECT actorkv_import('big', '$DIR/big.db')"), "");
  ExpectInterrupted("actorkv_export('big', '$DIR/out.db')");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "big");
  EXPECT_EQ(Listing(), "big.db store");
}

TEST_F(TransferTest, ADamagedPageEndsTheExportAndIsNamed) {
  MakeActor("alice", 100);
  {
    const std::shared_ptr<Store> store = OpenStore();
    std::shared_ptr<Actor> actor;
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(store->OpenActor("alice", &actor));
    ASSERT_OK(actor->Current(&state));
    BranchReader reader(store->engine());
    reader.SetSnapshot(state->head.snapshot, state->lineage);
    PageVersion version;
    ASSERT_OK(reader.FindPage(7, &version));
    std::string damaged(version.stored);
    damaged[100] = static_cast<char>(damaged[100] ^ 1);
    Batch batch;
    batch.Put(BranchPartition(version.id.branch), ChunkKey(7, version.id.txid),
              damaged);
    ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  }
  ExpectBad({{"SELECT actorkv_export('alice', '$DIR/out.db')", SQLITE_CORRUPT,
              "pgno=7"}});
  EXPECT_EQ(Listing(), "store");
}

}  // namespace
}  // namespace actorkv
