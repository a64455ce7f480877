// A directory of actors' files by SQL, as export_all makes it and as people
// have it: what comes in, what does not, and what is told of it.

#include <filesystem>

#include "tests/support/bytes.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class DirectoryImportTest : public MigrateTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    fs::create_directory(File("in"));
  }

  void UseOtherStore() {
    EXPECT_EQ(Ask("SELECT actorkv_store('$DIR/other')"), File("other"));
  }

  // The rows of import_all, but for their times.
  std::string ImportAll(const std::string& directory = "in") {
    return Ask(
        "SELECT actor, state, bytes, error FROM actorkv_import_all("
        "'$DIR/" +
        directory + "')");
  }
};

TEST_F(DirectoryImportTest, WhatExportAllMakesComesIn) {
  MakeActor("alice", 40);
  MakeActor(".hidden", 3);
  MakeActor("with.db", 3);
  MakeLegacy("legacy", {{"\x04key", "value"}});
  // A database of no pages.
  WriteFile("none.jsonl", "{\"k\":\"01\",\"v\":\"00\"}\n");
  Ask("SELECT actorkv_import('empty', '$DIR/none.jsonl')");
  Ask("SELECT actorkv_migrate('empty')");
  for (const char* form : {"db", "jsonl", "kv.bin"}) {
    SCOPED_TRACE(form);
    const std::string out = std::string("out.") + form;
    EXPECT_EQ(Ask("SELECT count(*), sum(state = 'exported') FROM "
                  "actorkv_export_all('$DIR/" +
                  out + "', '" + form + "')"),
              "5|5");
    Ask("SELECT actorkv_store('$DIR/" + out + ".store')");
    EXPECT_EQ(Ask("SELECT actor, state, error FROM actorkv_import_all('$DIR/" +
                  out + "')"),
              form == std::string("db")
                  ? ".hidden|live|\nalice|live|\nempty|live|\nlegacy|live|\n"
                    "with.db|live|"
                  : ".hidden|legacy|\nalice|legacy|\nempty|legacy|\n"
                    "legacy|legacy|\nwith.db|legacy|");
    Ask("SELECT count(*) FROM actorkv_migrate_all");
    EXPECT_EQ(Ask("SELECT actor, page_count FROM actorkv_actors WHERE state = "
                  "'live' AND actor <> 'alice'"),
              ".hidden|2\nempty|" +
                  std::string(form == std::string("db") ? "1" : "0") +
                  "\nlegacy|2\nwith.db|2");
    SqliteDb db;
    ASSERT_EQ(db.Open("file:" + File(out + ".store") + "/alice?vfs=actorkv"),
              SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "40");
    db.Close();
    // Again: each is there.
    EXPECT_EQ(Ask("SELECT count(*), sum(state = 'failed'), sum(error LIKE "
                  "'%the actor exists already%') FROM actorkv_import_all("
                  "'$DIR/" +
                  out + "')"),
              "5|5|5");
    Ask("SELECT actorkv_store('$DIR/store')");
  }
}

TEST_F(DirectoryImportTest, EachFileIsLookedAt) {
  MakeFile("in/good.db", "");
  MakeFile("in/wal.db", "PRAGMA journal_mode = WAL");
  WriteFile("in/empty.db", "");
  WriteFile("in/text.db", "this is a text, and it is long enough for a look");
  WriteFile("in/cut.db", Contents("in/good.db").substr(0, 5000));
  MakeFile("in/crashed.db", "");
  WriteFile("in/crashed.db-journal",
            "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + std::string(1000, '\1'));
  WriteFile("in/nothing.jsonl", "\n");
  WriteFile("in/one.jsonl", "\xef\xbb\xbf{\"k\":\"01\",\"v\":\"00\"}\n");
  WriteFile("in/..db", Contents("in/good.db"));
  WriteFile("in/not\xffutf8.db", Contents("in/good.db"));
  fs::create_symlink("nowhere", File("in/link.db"));
  fs::create_symlink("good.db", File("in/linked.db"));
  fs::create_directory(File("in/sub.db"));
  WriteFile("in/orphan.db-wal", "x");
  WriteFile("in/notes.txt", "x");
  WriteFile("in/.db", "x");
  EXPECT_EQ(Ask("SELECT replace(hex(actor), 'FF', '?') IS NOT NULL, state, "
                "count(*) FROM actorkv_import_all('$DIR/in') GROUP BY 2"),
            "1|failed|8\n1|legacy|1\n1|live|3\n1|skipped|4");
  UseOtherStore();
  const std::string rows =
      "SELECT error FROM actorkv_import_all('$DIR/in') WHERE actor = '";
  const struct {
    const char* actor;
    const char* text;  // empty: it is there
  } cases[] = {
      {"good", ""},
      {"wal", ""},
      {"empty", "an empty file, no database in it"},
      {"linked", ""},
      {"one", ""},
      {"text", "not a SQLite database, or an encrypted one"},
      {"cut", "it has 5000 bytes, and its header says 8192"},
      {"crashed", "has to be rolled back"},
      {"nothing", "there is no pair in it"},
      {".", "actor name is a directory's"},
      {"link", "no such file"},
      {"sub.db", "a directory"},
      {"orphan.db-wal", "not the file of an actor"},
      {"notes.txt", "not the file of an actor"},
      {".db", "not the file of an actor"},
  };
  for (const auto& one : cases) {
    Ask("SELECT actorkv_store('$DIR/store." + std::to_string(&one - cases) +
        "')");
    const std::string error = Ask(rows + one.actor + "'");
    if (one.text[0] == '\0') {
      EXPECT_EQ(error, "") << one.actor;
    } else {
      EXPECT_NE(error.find(one.text), std::string::npos)
          << one.actor << ": " << error;
    }
  }
}

TEST_F(DirectoryImportTest, ADirectoryThatHoldsNone) {
  ExpectBad({{"SELECT * FROM actorkv_import_all('$DIR/in')", SQLITE_ERROR,
              "not a directory of actors but an empty directory"},
             {"SELECT actorkv_import('x', '$DIR/in')", SQLITE_ERROR,
              "not a file: $DIR/in"}});
  WriteFile("in/notes.txt", "x");
  ExpectBad(
      {{"SELECT * FROM actorkv_import_all('$DIR/in')", SQLITE_ERROR,
        "not a directory of actors but a directory of something else: that "
        "is an archive, the directory of Rivet's engine, the store of "
        "RivetKit's file-system driver, or has files called NAME.db, "
        "NAME.jsonl or NAME.kv.bin: $DIR/in"}});
  WriteFile("in/a.db", "");
  ExpectBad(
      {{"SELECT actorkv_import('x', '$DIR/in')", SQLITE_ERROR,
        "not a file: $DIR/in: a directory of actors' files: SELECT * FROM "
        "actorkv_import_all(path)"}});
  EXPECT_EQ(Ask("SELECT * FROM actorkv_actors"), "");
}

// A backup has no process that holds it, and is a store all the same.
TEST_F(DirectoryImportTest, ABackupIsAStore) {
  MakeActor("alice");
  ASSERT_EQ(Ask("SELECT actorkv_backup('$DIR/backup') > 0"), "1");
  ASSERT_FALSE(fs::exists(File("backup/actorkv.pid")));
  ExpectBad({{"SELECT * FROM actorkv_import_all('$DIR/backup')", SQLITE_ERROR,
              "not a directory of actors but a store of actorkv: open its "
              "actors as file:$DIR/backup/ACTOR?vfs=actorkv"},
             {"SELECT actorkv_import('x', '$DIR/backup')", SQLITE_ERROR,
              "it is a store: open its actors as "
              "file:$DIR/backup/ACTOR?vfs=actorkv"}});
  // What it says is possible.
  EXPECT_EQ(Ask("SELECT actorkv_export('$DIR/backup/alice', '$DIR/alice.db') > "
                "0"),
            "1");
  EXPECT_EQ(Ask("SELECT actorkv_import('copy', '$DIR/alice.db')"), "2");
  Ask("SELECT actorkv_store('$DIR/backup')");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_export_all('$DIR/all')"), "1");
  UseOtherStore();
  EXPECT_EQ(ImportAll("all"), "alice|live|8192|");
}

TEST_F(DirectoryImportTest, EmptyFilesAndDumps) {
  const struct {
    std::string bytes;
    const char* text;
  } cases[] = {
      {"", "an empty file, no database in it: $DIR/dump"},
      {"\n",
       "there is no pair in it, and the dump of an actor has at least "
       "one: $DIR/dump"},
      {"\xef\xbb\xbf", "there is no pair in it"},
      {Gzip("\n"), "there is no pair in it"},
      {Gzip(""), "gzip of an empty file: $DIR/dump"},
  };
  for (const auto& bad : cases) {
    WriteFile("dump", bad.bytes);
    ExpectBad(
        {{"SELECT actorkv_import('x', '$DIR/dump')", SQLITE_ERROR, bad.text}});
  }
  EXPECT_EQ(Ask("SELECT * FROM actorkv_actors"), "");
}

// In an archive an actor may have no pairs, and it is told.
TEST_F(DirectoryImportTest, AnActorOfAnArchiveWithoutPairs) {
  fs::copy(Sample("archive"), File("archive"), fs::copy_options::recursive);
  WriteFile("archive/actors/a1plain/kv.bin", "");
  EXPECT_EQ(Ask("SELECT state, bytes, error FROM actorkv_import_all("
                "'$DIR/archive') WHERE actor = 'a1plain'"),
            "legacy|0|");
  EXPECT_EQ(Ask("SELECT state, error FROM actorkv_migrations WHERE actor = "
                "'a1plain'"),
            "legacy|no pair came with it");
  EXPECT_EQ(Ask("SELECT actorkv_export('a1plain', '$DIR/out', 'archive')"),
            "0");
}

// sqlite.bin is part of an archive, and a RocksDB directory of something else
// has no actors.
TEST_F(DirectoryImportTest, PartsAndStrangers) {
  ExpectBad(
      {{"SELECT actorkv_import('x', "
        "'tests/rivet/archive/actors/a4v2/sqlite.bin')",
        SQLITE_ERROR,
        "it is sqlite.bin, the database of an actor in an archive, and "
        "comes in with that"}});
  MakeActor("alice");
  ASSERT_EQ(Ask("SELECT actorkv_backup('$DIR/strange') > 0"), "1");
  fs::remove(File("strange/actorkv.format"));
  ExpectBad({{"SELECT * FROM actorkv_import_all('$DIR/strange')", SQLITE_ERROR,
              "a database without any actor of Rivet's engine"}});
}

}  // namespace
}  // namespace actorkv
