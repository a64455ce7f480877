// What all functions have in common: arguments, transactions, who may call
// them; and the small ones of sql/actors/info_functions.h.

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

using FunctionTest = SqlTest;

TEST_F(FunctionTest, WrongNumberOfArgumentsSaysHowToWriteIt) {
  ExpectBad({
      {"SELECT actorkv_version(1)", SQLITE_ERROR, "write actorkv_version()"},
      {"SELECT actorkv_export('a')", SQLITE_ERROR,
       "write actorkv_export(actor, path [, form [, point [, overwrite [, "
       "'tables' or 'rivet-tables']]]])"},
      {"SELECT actorkv_import('a', 'b', 'db', 'c')", SQLITE_ERROR,
       "write actorkv_import(actor, path [, 'pairs', 'db' or 'opaque'])"},
      {"SELECT actorkv_delete()", SQLITE_ERROR, "write actorkv_delete(actor)"},
      {"SELECT actorkv_rename('a')", SQLITE_ERROR,
       "write actorkv_rename(actor, new_name)"},
      {"SELECT actorkv_default_vfs()", SQLITE_ERROR,
       "write actorkv_default_vfs(0, 1 or 2)"},
      {"SELECT actorkv_backup()", SQLITE_ERROR, "write actorkv_backup(path)"},
      {"SELECT actorkv_close_idle(1)", SQLITE_ERROR,
       "write actorkv_close_idle()"},
  });
}

TEST_F(FunctionTest, BadArgumentsAreNamed) {
  MakeActor("alice");
  ExpectBad({
      {"SELECT actorkv_delete(NULL)", SQLITE_ERROR, "actor is NULL"},
      {"SELECT actorkv_delete(x'00')", SQLITE_ERROR,
       "actor is a blob, not text"},
      {"SELECT actorkv_delete('')", SQLITE_ERROR, "actor name is empty"},
      {"SELECT actorkv_delete('a' || char(0))", SQLITE_ERROR, "NUL byte"},
      {"SELECT actorkv_delete('$DIR/store/a' || char(0))", SQLITE_ERROR,
       "NUL byte"},
      {"SELECT actorkv_delete('..')", SQLITE_ERROR,
       "actor name is a directory's: .."},
      {"SELECT actorkv_delete(CAST(x'ff' AS TEXT))", SQLITE_ERROR,
       "actor name is not UTF-8"},
      {"SELECT actorkv_delete(printf('%.*c', 256, 'x'))", SQLITE_ERROR,
       "256 bytes long, the limit is 255"},
      {"SELECT actorkv_delete('nobody')", SQLITE_ERROR,
       "actorkv_delete: no such actor: actor=nobody store=$DIR/store"},
      {"SELECT actorkv_delete('$DIR/none/a')", SQLITE_ERROR, "$DIR/none"},
      {"SELECT actorkv_export('alice', NULL)", SQLITE_ERROR, "path is NULL"},
      {"SELECT actorkv_export('alice', '')", SQLITE_ERROR, "the path is empty"},
      {"SELECT actorkv_default_vfs(3)", SQLITE_ERROR, "neither 0 nor 1"},
      {"SELECT actorkv_default_vfs('on')", SQLITE_ERROR, "neither 0 nor 1"},
      {"SELECT actorkv_default_vfs(NULL)", SQLITE_ERROR, "neither 0 nor 1"},
  });
  EXPECT_EQ(Listing(), "store");
}

// Everything else of such a connection is as always, and other connections
// have what it has not.
TEST_F(FunctionTest, AConnectionMayDoWithout) {
  MakeActor("alice");
  SqliteDb bare;
  ASSERT_EQ(bare.Open(Uri("alice") + "&actorkv_sql=0"), SQLITE_OK);
  EXPECT_EQ(bare.QueryText("SELECT actorkv_version()"),
            "error: no such function: actorkv_version");
  EXPECT_EQ(bare.QueryText("SELECT * FROM actorkv_actors"),
            "error: no such table: actorkv_actors");
  ASSERT_EQ(bare.Exec("CREATE TABLE bare(x); INSERT INTO bare VALUES (7);"
                      "ATTACH '" +
                      Uri("bob") +
                      "' AS bob; CREATE TABLE bob.both AS SELECT * FROM bare"),
            SQLITE_OK)
      << bare.Error();
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors"), "2");
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("alice") + "&actorkv_sql=1"), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT x FROM bare"), "7");
  EXPECT_EQ(other.QueryText("SELECT actorkv_version() IS NOT NULL"), "1");
  SqliteDb plain;
  ASSERT_EQ(plain.Open("file:" + File("plain.db") + "?actorkv_sql=0"),
            SQLITE_OK);
  EXPECT_EQ(plain.QueryText("SELECT actorkv_version()"),
            "error: no such function: actorkv_version");
}

TEST_F(FunctionTest, DurableFunctionsAreRefusedInsideATransaction) {
  MakeActor("alice");
  ASSERT_EQ(db()->Exec("BEGIN"), SQLITE_OK);
  const char text[] = "cannot run inside a transaction";
  ExpectBad({
      {"SELECT actorkv_import('b', 'x')", SQLITE_ERROR, text},
      {"SELECT actorkv_export('alice', '$DIR/x')", SQLITE_ERROR, text},
      {"SELECT actorkv_delete('alice')", SQLITE_ERROR, text},
      {"SELECT actorkv_rename('alice', 'b')", SQLITE_ERROR, text},
      {"SELECT actorkv_takeover('alice')", SQLITE_ERROR, text},
      {"SELECT actorkv_backup('$DIR/x')", SQLITE_ERROR, text},
  });
  ASSERT_EQ(db()->Exec("COMMIT; CREATE TABLE t(x)"), SQLITE_OK);
  // A statement that writes is a transaction too.
  ExpectBad(
      {{"INSERT INTO t SELECT actorkv_delete('alice')", SQLITE_ERROR, text}});
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_actors"), "alice|live");
}

TEST_F(FunctionTest, FunctionsWithEffectsAreNotForViewsAndTriggers) {
  ASSERT_EQ(db()->Exec("CREATE VIEW d AS SELECT actorkv_delete('alice');"
                       "CREATE VIEW v AS SELECT actorkv_default_vfs(1);"
                       "CREATE VIEW w AS SELECT actorkv_version()"),
            SQLITE_OK);
  ExpectBad({
      {"SELECT * FROM d", SQLITE_ERROR, "unsafe use of actorkv_delete()"},
      {"SELECT * FROM v", SQLITE_ERROR, "unsafe use of actorkv_default_vfs()"},
      {"SELECT * FROM w", SQLITE_ERROR, "unsafe use of actorkv_version()"},
  });
}

// For each row with other arguments it is called, whatever SQLite may make of a
// function that it takes for deterministic; and not where nobody asks for it.
TEST_F(FunctionTest, EachRowIsACall) {
  for (const char* name : {"a", "b", "c"}) MakeActor(name);
  EXPECT_EQ(Ask("SELECT group_concat(actorkv_takeover(actor)) FROM "
                "(SELECT 'a' AS actor UNION ALL SELECT 'b' UNION ALL "
                "SELECT 'c' UNION ALL SELECT 'a')"),
            "2,2,2,3");
  EXPECT_EQ(Ask("SELECT CASE WHEN 0 THEN actorkv_takeover('b') END IS NULL"),
            "1");
  Ask("EXPLAIN SELECT actorkv_takeover('b')");
  EXPECT_EQ(Ask("SELECT actorkv_takeover('a'), actorkv_takeover('a')"), "4|5");
  EXPECT_EQ(Ask("SELECT generation FROM actorkv_actors"), "5\n2\n2");
}

TEST_F(FunctionTest, LastErrorHasTheWholeText) {
  MakeActor("alice");
  Ask("SELECT actorkv_delete('nobody')");
  const std::string text = Ask("SELECT actorkv_last_error()");
  const std::string begin =
      "not found: actorkv_delete: no such actor: actor=nobody store=" +
      File("store") + " (code 1, 2";
  EXPECT_EQ(text.substr(0, begin.size()), begin) << text;
  SqliteDb other;
  EXPECT_EQ(other.Open(Uri("nobody", "&mode=rw")), SQLITE_CANTOPEN);
  const std::string of_open = Ask("SELECT actorkv_last_error()");
  const std::string begin_of_open =
      "not found: no such actor: actor=nobody store=" + File("store") +
      " (code 14, 2";
  EXPECT_EQ(of_open.substr(0, begin_of_open.size()), begin_of_open) << of_open;
}

TEST_F(FunctionTest, StoreIsTheNamedOneElseThatOfMain) {
  MakeActor("alice");
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("alice")), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT actorkv_store()"), File("store"));
  EXPECT_EQ(other.QueryText("SELECT actorkv_store('" + File("other") + "')"),
            File("other"));
  EXPECT_EQ(other.QueryText("SELECT actorkv_store(NULL)"), File("other"));
  ASSERT_EQ(other.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT actorkv_store() IS NULL"), "1");
  EXPECT_EQ(other.QueryText("SELECT count(*) FROM actorkv_actors"),
            "error: actorkv_actors: there is no default store: main is not an "
            "actor; call actorkv_store(PATH), or write STORE/ACTOR");
  EXPECT_EQ(Listing(), "store");  // naming a store does not make it
}

TEST_F(FunctionTest, StoreFollowsLinksAndDots) {
  MakeActor("alice");
  std::filesystem::create_directory_symlink(File("store"), File("link"));
  EXPECT_EQ(Ask("SELECT actorkv_store('$DIR/x/../link/.')"), File("store"));
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "alice");
}

TEST_F(FunctionTest, StoreRefusesWhatIsNoStore) {
  WriteFile("file", "x");
  std::filesystem::create_directory(File("home"));
  WriteFile("home/letter", "x");
  std::filesystem::create_directory(File("newer"));
  WriteFile("newer/actorkv.format", "actorkv store, format 99\n");
  ExpectBad({
      {"SELECT actorkv_store('$DIR/file')", SQLITE_ERROR,
       "a store is a directory, this is not: $DIR/file"},
      {"SELECT actorkv_store('$DIR/home')", SQLITE_ERROR,
       "not a store, and not empty (letter): $DIR/home"},
      {"SELECT actorkv_store('$DIR/newer')", SQLITE_ERROR,
       "store format 99 is not known"},
      {"SELECT actorkv_store('')", SQLITE_ERROR, "the path is empty"},
  });
  EXPECT_EQ(Ask("SELECT actorkv_store()"), File("store"));
}

TEST_F(FunctionTest, DefaultVfsReturnsThePreviousValue) {
  EXPECT_EQ(Ask("SELECT actorkv_default_vfs(1)"), "0");
  SqliteDb bare;
  EXPECT_EQ(bare.Open("carol"), SQLITE_OK);
  EXPECT_EQ(bare.Exec("CREATE TABLE t(x)"), SQLITE_OK) << bare.Error();
  bare.Close();
  EXPECT_EQ(Ask("SELECT actorkv_default_vfs(0)"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_default_vfs(0)"), "0");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "carol");
}

// The entry point runs at every open: it must not touch a store or a file.
TEST_F(FunctionTest, EveryNewConnectionHasTheSql) {
  for (int i = 0; i < 100; ++i) {
    SqliteDb other;
    ASSERT_EQ(other.Open(":memory:"), SQLITE_OK);
    EXPECT_EQ(other.QueryText("SELECT actorkv_version()"), ACTORKV_VERSION);
  }
}

void Replaced(sqlite3_context* context, int /*argc*/, sqlite3_value** /*v*/) {
  sqlite3_result_int(context, 7);
}

// A host may take our tables away, and put functions in the place of ours; what
// is left of ours must not use what went with them.
TEST_F(FunctionTest, HostsMayDropTheTablesAndReplaceFunctions) {
  ASSERT_EQ(sqlite3_drop_modules(db()->get(), nullptr), SQLITE_OK);
  EXPECT_EQ(db()->QueryText("SELECT count(*) FROM actorkv_info"),
            "error: no such table: actorkv_info");
  EXPECT_EQ(Ask("SELECT actorkv_store('" + File("store") + "')"),
            File("store"));
  for (const char* name : {"actorkv_version", "actorkv_last_error"}) {
    ASSERT_EQ(
        sqlite3_create_function_v2(db()->get(), name, -1, SQLITE_UTF8, nullptr,
                                   Replaced, nullptr, nullptr, nullptr),
        SQLITE_OK);
  }
  EXPECT_EQ(db()->QueryText("SELECT actorkv_version()"), "7");
  ExpectBad({{"SELECT actorkv_store()", SQLITE_ERROR,
              "actorkv_store: the tables of this module were dropped"}});
}

}  // namespace
}  // namespace actorkv
