// What changes a store is refused on every connection that was opened to read,
// whoever else in the process writes. What each function and table does is said
// here a second time, so that a new one cannot be forgotten.

#include <map>
#include <string>
#include <vector>

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

enum class Does { kLooks, kSetsProcess, kChangesStore, kWritesFile };

struct Known {
  Does does;
  const char* call;  // $DIR is filled in
};

// Every function. A call of what changes a store works on this fixture.
const std::map<std::string, Known>& Functions() {
  static const auto* const known = new std::map<std::string, Known>{
      {"actorkv_version", {Does::kLooks, "actorkv_version()"}},
      {"actorkv_last_error", {Does::kLooks, "actorkv_last_error()"}},
      {"actorkv_metrics_text", {Does::kLooks, "actorkv_metrics_text()"}},
      {"actorkv_store", {Does::kSetsProcess, "actorkv_store('$DIR/store')"}},
      {"actorkv_default_vfs", {Does::kSetsProcess, "actorkv_default_vfs(0)"}},
      {"actorkv_close_idle", {Does::kSetsProcess, "actorkv_close_idle()"}},
      {"actorkv_serve", {Does::kChangesStore, "actorkv_serve('$DIR/store')"}},
      {"actorkv_import",
       {Does::kChangesStore, "actorkv_import('new', '$DIR/plain.db')"}},
      {"actorkv_pair_set", {Does::kLooks, "actorkv_pair_set('k', 'v')"}},
      {"actorkv_import_pairs",
       {Does::kChangesStore,
        "actorkv_import_pairs('new', actorkv_pair_set('k', 'v'))"}},
      {"actorkv_export",
       {Does::kWritesFile, "actorkv_export('alice', '$DIR/out.db')"}},
      {"actorkv_backup", {Does::kWritesFile, "actorkv_backup('$DIR/backup')"}},
      {"actorkv_delete", {Does::kChangesStore, "actorkv_delete('alice')"}},
      {"actorkv_rename",
       {Does::kChangesStore, "actorkv_rename('alice', 'other')"}},
      {"actorkv_takeover", {Does::kChangesStore, "actorkv_takeover('alice')"}},
      {"actorkv_retention",
       {Does::kChangesStore, "actorkv_retention('alice', '1 hour')"}},
      {"actorkv_quota",
       {Does::kChangesStore, "actorkv_quota('alice', 1, 1000000)"}},
      {"actorkv_set", {Does::kChangesStore, "actorkv_set('cache_bytes', 0)"}},
      {"actorkv_reclaim", {Does::kChangesStore, "actorkv_reclaim()"}},
      {"actorkv_undelete", {Does::kChangesStore, "actorkv_undelete('gone')"}},
      {"actorkv_purge", {Does::kChangesStore, "actorkv_purge('alice')"}},
      {"actorkv_restore_point",
       {Does::kChangesStore, "actorkv_restore_point('alice', 'p')"}},
      {"actorkv_drop_restore_point",
       {Does::kChangesStore, "actorkv_drop_restore_point('alice', 'old')"}},
      {"actorkv_restore",
       {Does::kChangesStore, "actorkv_restore('alice', '-1 commit')"}},
      {"actorkv_undo_restore",
       {Does::kChangesStore, "actorkv_undo_restore('alice')"}},
      {"actorkv_restore_set",
       {Does::kChangesStore, "actorkv_restore_set('head', 'alice')"}},
      {"actorkv_restore_like",
       {Does::kChangesStore, "actorkv_restore_like('head', 'al%')"}},
      {"actorkv_fork", {Does::kChangesStore, "actorkv_fork('alice', 'f')"}},
      {"actorkv_migrate", {Does::kChangesStore, "actorkv_migrate('legacy')"}},
      {"actorkv_unmigrate",
       {Does::kChangesStore, "actorkv_unmigrate('legacy')"}},
      {"actorkv_drop_legacy",
       {Does::kChangesStore, "actorkv_drop_legacy('legacy')"}},
  };
  return *known;
}

// Every table that does something.
const std::map<std::string, Known>& Tables() {
  static const auto* const known = new std::map<std::string, Known>{
      {"actorkv_import_all",
       {Does::kChangesStore, "actorkv_import_all('$DIR/archive')"}},
      {"actorkv_migrate_all", {Does::kChangesStore, "actorkv_migrate_all()"}},
      {"actorkv_export_all",
       {Does::kWritesFile, "actorkv_export_all('$DIR/all')"}},
  };
  return *known;
}

class ReadOnlyTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeFile("plain.db", "");
    MakeActor("alice");
    MakeActor("bob");
    MakeActor("gone");
    Ask("SELECT actorkv_restore_point('alice', 'old')");
    Ask("SELECT actorkv_delete('gone')");
    WriteFile("pairs.jsonl", "{\"k\":\"0203\",\"v\":\"00\"}\n");
    ASSERT_EQ(Ask("SELECT actorkv_import('legacy', '$DIR/pairs.jsonl')"), "0");
    // Somebody in the process writes to the store.
    ASSERT_EQ(writer_.Open(Uri("bob")), SQLITE_OK);
  }

  static std::vector<std::string> ReadOnlyStatements() {
    std::vector<std::string> statements;
    for (const auto& [name, known] : Functions()) {
      if (known.does == Does::kChangesStore) {
        statements.push_back(std::string("SELECT ") + known.call);
      }
    }
    for (const auto& [name, known] : Tables()) {
      if (known.does == Does::kChangesStore) {
        statements.push_back(std::string("SELECT * FROM ") + known.call);
      }
    }
    return statements;
  }

  std::string Run(SqliteDb* db, const std::string& sql) {
    std::string filled = sql;
    const std::string mark = "$DIR";
    for (size_t at = 0; (at = filled.find(mark)) != std::string::npos;) {
      filled.replace(at, mark.size(), File("").substr(0, File("").size() - 1));
    }
    return db->QueryText(filled);
  }

  // All that a list of actors shows, and what they hold.
  std::string State() {
    return Ask("SELECT actor, state, head_txid, generation FROM "
               "actorkv_actors") +
           "\n" + Ask("SELECT actor, name FROM actorkv_restore_points") + "\n" +
           Ask("SELECT name, value FROM actorkv_settings");
  }

  void ExpectChangesNothing(SqliteDb* db, const std::string& part) {
    const std::string before = State();
    for (const std::string& statement : ReadOnlyStatements()) {
      SCOPED_TRACE(statement);
      const std::string answer = Run(db, statement);
      EXPECT_NE(answer.find(part), std::string::npos) << answer;
      EXPECT_EQ(db->ErrorCode(), SQLITE_READONLY);
    }
    EXPECT_EQ(State(), before);
  }

  SqliteDb writer_;
};

TEST_F(ReadOnlyTest, EveryFunctionIsKnown) {
  std::string names;
  for (const auto& [name, known] : Functions()) {
    names += (names.empty() ? "" : "\n") + name;
  }
  EXPECT_EQ(Ask("SELECT DISTINCT name FROM pragma_function_list WHERE name "
                "LIKE 'actorkv%' ORDER BY name"),
            names)
      << "a new function: say above what it does";
  // No view, trigger or CHECK calls one: SQLITE_DIRECTONLY,
  // SQLITE_DETERMINISTIC and never SQLITE_INNOCUOUS.
  EXPECT_EQ(Ask("SELECT DISTINCT flags & " +
                std::to_string(SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC |
                               SQLITE_INNOCUOUS) +
                " FROM pragma_function_list WHERE name LIKE 'actorkv%'"),
            std::to_string(SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC));
}

TEST_F(ReadOnlyTest, EveryTableIsKnown) {
  // What a table does shows inside a transaction.
  const std::string names = Ask(
      "SELECT name FROM pragma_module_list WHERE name LIKE 'actorkv%' ORDER BY "
      "name");
  ASSERT_NE(names.find("actorkv_actors"), std::string::npos);
  ASSERT_EQ(db()->Exec("BEGIN"), SQLITE_OK);
  for (size_t begin = 0; begin < names.size();) {
    const size_t end = std::min(names.find('\n', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    const std::string answer = Ask("SELECT count(*) FROM " + name + "");
    const bool does = answer.find("inside a transaction") != std::string::npos;
    EXPECT_EQ(does, Tables().count(name) == 1) << name << ": " << answer;
  }
  ASSERT_EQ(db()->Exec("COMMIT"), SQLITE_OK);
}

TEST_F(ReadOnlyTest, MainWasOpenedToRead) {
  const std::string uris[] = {
      Uri("alice", "&mode=ro"), Uri("alice", "&asof=head"),
      Uri("alice", "&immutable=1"), Uri("legacy", "&mode=ro"),
      "file:" + File("plain.db") + "?mode=ro"};
  for (const std::string& uri : uris) {
    SCOPED_TRACE(uri);
    SqliteDb db;
    ASSERT_EQ(db.Open(uri), SQLITE_OK);
    ASSERT_EQ(db.QueryText("SELECT actorkv_store('" + File("store") + "')"),
              File("store"));
    ExpectChangesNothing(&db, "this connection changes no store");
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI),
            SQLITE_OK);
  ExpectChangesNothing(&db, "main was opened with mode=ro");
}

TEST_F(ReadOnlyTest, QueryOnly) {
  for (const std::string& name :
       {std::string(":memory:"), Uri("alice"), File("plain.db")}) {
    SCOPED_TRACE(name);
    SqliteDb db;
    ASSERT_EQ(db.Open(name), SQLITE_OK);
    ASSERT_EQ(db.QueryText("SELECT actorkv_store('" + File("store") + "')"),
              File("store"));
    ASSERT_EQ(db.Exec("PRAGMA query_only = 1"), SQLITE_OK);
    ExpectChangesNothing(&db, "PRAGMA query_only is on");
    for (const auto& [file, known] : Functions()) {
      if (known.does != Does::kWritesFile) continue;
      EXPECT_NE(
          Run(&db, std::string("SELECT ") + known.call).find("writes no file"),
          std::string::npos);
    }
    EXPECT_NE(Run(&db, "SELECT * FROM actorkv_export_all('$DIR/all')")
                  .find("writes no file"),
              std::string::npos);
    ASSERT_EQ(db.Exec("PRAGMA query_only = 0"), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT actorkv_retention('alice', '24 hours')"),
              "24 hours");
  }
  EXPECT_EQ(Listing(), "pairs.jsonl plain.db store");
}

TEST_F(ReadOnlyTest, AnExportIsPossibleFromWhatWasOpenedToRead) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice", "&mode=ro")), SQLITE_OK);
  EXPECT_GT(
      db.QueryInt("SELECT actorkv_export('alice', '" + File("out.db") + "')"),
      0);
  EXPECT_GT(db.QueryInt("SELECT actorkv_backup('" + File("backup") + "')"), 0);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_export_all('" +
                         File("all") + "')"),
            "3");
}

TEST_F(ReadOnlyTest, ALegacyActorAsMainMayBeMigrated) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("legacy")), SQLITE_OK);
  EXPECT_EQ(sqlite3_db_readonly(db.get(), "main"), 1);
  EXPECT_EQ(db.QueryText("SELECT actorkv_migrate('legacy')"), "live");
}

TEST_F(ReadOnlyTest, WhatIsAttachedDoesNotCount) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("bob")), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH '" + Uri("alice", "&mode=ro") + "' AS past"),
            SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT actorkv_restore_point('alice', 'p')"), "2");
}

// A host that shuts out pragmas shuts out what they would have told.
TEST_F(ReadOnlyTest, AnAuthorizerThatHidesQueryOnly) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  sqlite3_set_authorizer(
      db.get(),
      [](void*, int action, const char*, const char*, const char*,
         const char*) {
        return action == SQLITE_PRAGMA ? SQLITE_DENY : SQLITE_OK;
      },
      nullptr);
  EXPECT_NE(db.QueryText("SELECT actorkv_reclaim()")
                .find("let the authorizer of the connection allow"),
            std::string::npos);
  EXPECT_EQ(db.QueryText("SELECT actor FROM actorkv_actors LIMIT 1"), "alice");
}

}  // namespace
}  // namespace actorkv
