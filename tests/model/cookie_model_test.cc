// Random DDL on one name by several connections, some of which keep their page
// cache: under exclusive locking, or with a statement under way over a COMMIT.
// Between it the actor is restored, taken over, deleted and made again, and its
// cookie is set.
//
// The oracle is a map from schema cookie to schema, for the whole life of the
// name. Each version is looked at through a connection of its own: its cookie
// is not below the one before, and above it where the schema is another; the
// change counter is above it. And every connection that is free to read the
// newest version sees its rows, by statements that it prepared long ago too.

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kv/format/database_header.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr int kConnections = 3;
constexpr int kTables = 3;

std::string Number(int64_t number) { return std::to_string(number); }

// One of the connections to the actor, and what it keeps.
class User {
 public:
  void Open(const std::string& uri) {
    Close();
    ASSERT_EQ(db_.Open(uri), SQLITE_OK) << LastError();
    for (int i = 0; i < kTables; ++i) {
      kept_[static_cast<size_t>(i)] = nullptr;
    }
  }

  void Close() {
    cursor_.reset();
    for (sqlite3_stmt*& statement : kept_) {
      sqlite3_finalize(statement);
      statement = nullptr;
    }
    db_.Close();
    exclusive_ = false;
  }

  ~User() { Close(); }

  SqliteDb* db() { return &db_; }

  // Commits `sql` with a statement under way over the COMMIT.
  void CommitUnderCursor(const std::string& sql) {
    if (cursor_ != nullptr) return;
    db_.Exec("BEGIN; " + sql);
    cursor_ = std::make_unique<SqliteStatement>(
        db_.get(), "SELECT * FROM sqlite_schema, (VALUES(1), (2))");
    if (cursor_->Step() != SQLITE_ROW) cursor_.reset();
    db_.Exec("COMMIT");
    db_.Exec("ROLLBACK");
  }
  void DropCursor() { cursor_.reset(); }

  void BeExclusive(bool exclusive) {
    db_.Exec(exclusive ? "PRAGMA locking_mode=EXCLUSIVE"
                       : "PRAGMA locking_mode=NORMAL");
    exclusive_ = exclusive;
    // This gives the lock back.
    if (!exclusive) db_.Exec("SELECT count(*) FROM sqlite_schema");
  }

  // True when its next statement reads the newest version.
  bool is_free() const { return cursor_ == nullptr && !exclusive_; }

  // The rows of a table, by a statement that is kept as long as it can be.
  std::string Rows(int table) {
    sqlite3_stmt*& statement = kept_[static_cast<size_t>(table)];
    const std::string sql = "SELECT * FROM t" + Number(table);
    if (statement == nullptr &&
        sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &statement, nullptr) !=
            SQLITE_OK) {
      return db_.Error();
    }
    std::string rows;
    int code = SQLITE_OK;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const auto* text = sqlite3_column_text(statement, i);
        rows += text == nullptr ? "-" : reinterpret_cast<const char*>(text);
        rows += ' ';
      }
    }
    if (code != SQLITE_DONE) rows = db_.Error();
    sqlite3_reset(statement);
    return rows;
  }

 private:
  SqliteDb db_;
  std::unique_ptr<SqliteStatement> cursor_;
  std::array<sqlite3_stmt*, kTables> kept_ = {};
  bool exclusive_ = false;
};

// Makes statements up.
class Script {
 public:
  explicit Script(uint64_t seed) : random_(seed) {}

  int Below(int limit) {
    return static_cast<int>(random_() % static_cast<uint64_t>(limit));
  }
  bool OneIn(int n) { return Below(n) == 0; }

  std::string Ddl() {
    const std::string table = "t" + Number(Below(kTables));
    const std::string column = "c" + Number(++columns_);
    switch (Below(8)) {
      case 0:
      case 1:
        return "DROP TABLE IF EXISTS " + table + ";";
      case 2:
        return "ALTER TABLE " + table + " ADD COLUMN " + column + ";";
      case 3:
        return "CREATE INDEX " + column + " ON " + table + "(a);";
      case 4:
        return "CREATE TABLE " + table + "(a PRIMARY KEY, " + column +
               ") WITHOUT ROWID;";
      default:
        return "CREATE TABLE " + table + "(a, " + column + ");";
    }
  }

  std::string Dml() {
    const std::string table = "t" + Number(Below(kTables));
    return OneIn(4) ? "DELETE FROM " + table + " WHERE rowid % 2 = 0;"
                    : "INSERT INTO " + table + "(a) VALUES (" +
                          Number(++columns_) + ");";
  }

  std::string Change() { return OneIn(2) ? Ddl() : Dml(); }

  // A cookie that somebody may ask for, whatever the present one is.
  std::string Cookie(int64_t present) {
    const int64_t cookies[] = {0,
                               1,
                               present - 1,
                               present,
                               present + 1,
                               present + 7,
                               int64_t{1} << 29,
                               int64_t{1} << 30,
                               (int64_t{1} << 31) - 1,
                               -1};
    return Number(cookies[Below(10)]);
  }

 private:
  std::mt19937_64 random_;
  int columns_ = 0;
};

class CookieModelTest : public ActorTest {
 protected:
  void TearDown() override {
    for (User& user : users_) user.Close();
    control_.Close();
    ActorTest::TearDown();
  }

  void Begin() {
    ASSERT_EQ(control_.Open(":memory:"), SQLITE_OK);
    control_.QueryText("SELECT actorkv_store('" + StorePath() + "')");
    for (User& user : users_) user.Open(Uri("a"));
  }

  // A function, which may be refused.
  std::string Ask(const std::string& sql) { return control_.QueryText(sql); }

  void CloseAll() {
    for (User& user : users_) user.Close();
  }
  void OpenAll() {
    for (User& user : users_) user.Open(Uri("a"));
  }

  // One step of the life of the name.
  void Step(Script* script) {
    User* user = &users_[static_cast<size_t>(script->Below(kConnections))];
    SqliteDb* db = user->db();
    switch (script->Below(24)) {
      case 0:
        return user->CommitUnderCursor(script->Ddl() + script->Dml());
      case 1:
        return user->DropCursor();
      case 2:
      case 3:
        return user->BeExclusive(script->OneIn(2));
      case 4:
        user->Open(Uri("a"));
        return;
      case 5:
        db->Exec("PRAGMA schema_version=" + script->Cookie(last_cookie_));
        return;
      case 6:
        db->Exec("PRAGMA schema_version");
        return;
      case 7:
        db->Exec("PRAGMA page_size=" + Number(512 << script->Below(4)) +
                 "; VACUUM;");
        return;
      case 8:
        db->Exec("BEGIN; " + script->Ddl() + script->Ddl());
        db->Exec("ROLLBACK");
        return;
      case 9:
        return Backup(script, db);
      case 10:
      case 11:
        return Manage(script);
      case 12:
        db->Exec("BEGIN; " + script->Change() + script->Change());
        db->Exec("COMMIT");
        db->Exec("ROLLBACK");
        return;
      case 13:
        if (script->OneIn(3)) Reset(db);
        return;
      default:
        db->Exec(script->Change());
        return;
    }
  }

  // Empties the database, and begins to count schemas again.
  static void Reset(SqliteDb* db) {
    sqlite3_db_config(db->get(), SQLITE_DBCONFIG_RESET_DATABASE, 1, nullptr);
    db->Exec("VACUUM");
    sqlite3_db_config(db->get(), SQLITE_DBCONFIG_RESET_DATABASE, 0, nullptr);
  }

  // What is done to an actor, not in it.
  void Manage(Script* script) {
    switch (script->Below(8)) {
      case 0:
      case 1: {
        CloseAll();
        Ask("SELECT actorkv_delete('a')");
        if (script->OneIn(3)) Ask("SELECT actorkv_undelete('a')");
        OpenAll();
        return;
      }
      case 2:
      case 3:
        Ask("SELECT actorkv_restore('a', '-" + Number(1 + script->Below(4)) +
            " commit')");
        return;
      case 4:
        Ask("SELECT actorkv_undo_restore('a')");
        return;
      case 5:
        Ask("SELECT actorkv_takeover('a')");
        return;
      case 6: {
        CloseAll();
        const std::string other = "f" + Number(++forks_);
        Ask("SELECT actorkv_fork('a', '" + other + "', '-1 commit')");
        Ask("SELECT actorkv_delete('a')");
        Ask("SELECT actorkv_fork('" + other + "', 'a')");
        OpenAll();
        return;
      }
      default: {
        CloseAll();
        Ask("SELECT actorkv_rename('a', 'elsewhere')");
        Ask("SELECT actorkv_rename('elsewhere', 'a')");
        OpenAll();
        return;
      }
    }
  }

  // Writes another database over the actor, through the backup API.
  static void Backup(Script* script, SqliteDb* target) {
    SqliteDb source;
    ASSERT_EQ(source.Open(":memory:"), SQLITE_OK);
    source.Exec("PRAGMA page_size=4096");
    const int count = script->Below(3);
    for (int i = 0; i < count; ++i) source.Exec(script->Change());
    sqlite3_backup* backup =
        sqlite3_backup_init(target->get(), "main", source.get(), "main");
    if (backup == nullptr) return;  // it is in a transaction
    sqlite3_backup_step(backup, script->OneIn(4) ? 1 : -1);
    sqlite3_backup_finish(backup);
  }

  // Looks at the newest version, as a connection that has seen nothing before.
  void Look() {
    SqliteDb db;
    if (db.Open(Uri("a", "&mode=ro")) != SQLITE_OK) return;  // there is none
    const std::string commit = db.QueryText(
        "SELECT commit_id FROM actorkv_commits WHERE actor = 'a' LIMIT 1");
    const DatabaseHeader header = Header(&db);
    if (commit != last_commit_) {
      ASSERT_GT(header.change_counter, last_change_);
    }
    last_commit_ = commit;
    last_change_ = header.change_counter;
    const int64_t cookie = header.cookie;
    const std::string schema = db.QueryText(
        "SELECT group_concat(type || name || rootpage || coalesce(sql, '-'),"
        " ';') FROM sqlite_schema");
    ASSERT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
    ASSERT_GE(cookie, last_cookie_);
    if (schema != last_schema_) {
      ASSERT_GT(cookie, last_cookie_) << last_schema_ << " became " << schema;
    }
    const auto [it, is_new] = schemas_.emplace(cookie, schema);
    ASSERT_EQ(it->second, schema) << "cookie " << cookie;
    last_cookie_ = cookie;
    last_schema_ = schema;
    for (User& user : users_) {
      if (!user.is_free()) continue;
      for (int table = 0; table < kTables; ++table) {
        User fresh;
        fresh.Open(Uri("a", "&mode=ro"));
        ASSERT_EQ(user.Rows(table), fresh.Rows(table)) << "table " << table;
      }
    }
  }

  static DatabaseHeader Header(SqliteDb* db) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    std::string bytes(kHeaderBytes, '\0');
    EXPECT_EQ(file->pMethods->xRead(file, bytes.data(), kHeaderBytes, 0),
              SQLITE_OK);
    return ParseHeader(bytes);
  }

  std::array<User, kConnections> users_;
  SqliteDb control_;
  std::map<int64_t, std::string> schemas_;
  int64_t last_cookie_ = 0;
  std::string last_schema_;
  std::string last_commit_;
  uint32_t last_change_ = 0;
  int forks_ = 0;
};

TEST_F(CookieModelTest, OneCookieNeverStandsForTwoSchemas) {
  const uint64_t seed = TestSeed();
  Begin();
  for (uint64_t round = 0; round < TestRounds(4); ++round) {
    Script script(seed + round);
    for (int step = 0; step < 250; ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " round " +
                   std::to_string(round) + " step " + std::to_string(step));
      Step(&script);
      Look();
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(schemas_.size(), 100u);
}

}  // namespace
}  // namespace actorkv
