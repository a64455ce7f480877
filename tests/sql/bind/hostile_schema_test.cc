// A database that somebody else made reaches nothing of the module by its
// schema, with SQLite's defaults (trusted_schema is on): what SQLite refuses of
// what is SQLITE_DIRECTONLY, and where its promise ends.

#include <string>
#include <vector>

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class HostileSchemaTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeActor("secret");
    ASSERT_EQ(db()->Open(Uri("evil")), SQLITE_OK);
  }

  // Makes the schema on a connection that has none of our SQL, as somebody
  // elsewhere would, and opens the actor as its reader does.
  void Make(const std::string& sql) {
    SqliteDb maker;
    ASSERT_EQ(maker.Open(Uri("evil", "&actorkv_sql=0")), SQLITE_OK);
    ASSERT_EQ(maker.Exec(sql), SQLITE_OK) << sql << ": " << maker.Error();
    maker.Close();
    ASSERT_EQ(db()->Open(Uri("evil")), SQLITE_OK);
  }

  // As above, of a schema that SQLite would not make: the text of one object.
  void Forge(const std::string& name, const std::string& sql) {
    Make(
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES("
        "'table', '" +
        name + "', '" + name + "', 0, '" + sql + "')");
  }

  std::vector<std::string> Names(const char* sql) {
    std::vector<std::string> names;
    const std::string rows = Ask(sql);
    for (size_t begin = 0; begin < rows.size();) {
      const size_t end = std::min(rows.find('\n', begin), rows.size());
      names.push_back(rows.substr(begin, end - begin));
      begin = end + 1;
    }
    return names;
  }
  std::vector<std::string> Functions() {
    return Names(
        "SELECT DISTINCT name FROM pragma_function_list WHERE name "
        "LIKE 'actorkv%'");
  }
  std::vector<std::string> Tables() {
    return Names(
        "SELECT name FROM pragma_module_list WHERE name LIKE "
        "'actorkv%'");
  }

  // An aggregate is no function to SQLite where no aggregate may be.
  void ExpectUnsafe(const std::string& sql, const std::string& name) {
    const std::string answer = Ask(sql);
    const bool is_aggregate = name == "actorkv_pair_set";
    const bool is_none =
        is_aggregate &&
        (answer.find("misuse of aggregate function ") != std::string::npos ||
         answer.find("unknown function: ") != std::string::npos);
    EXPECT_TRUE(is_none || answer.find("unsafe use of ") != std::string::npos)
        << answer;
    EXPECT_NE(answer.find(name), std::string::npos) << answer;
  }
};

TEST_F(HostileSchemaTest, ViewsAndTriggersReachNoTable) {
  const std::vector<std::string> tables = Tables();
  ASSERT_GT(tables.size(), 15U);
  for (const std::string& table : tables) {
    SCOPED_TRACE(table);
    Make(
        "DROP VIEW IF EXISTS v; DROP TABLE IF EXISTS t; CREATE TABLE t(x);"
        "CREATE VIEW v AS SELECT * FROM " +
        table +
        ";"
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t SELECT 1 "
        "FROM " +
        table + "; END");
    ExpectUnsafe("SELECT * FROM v", table);
    ExpectUnsafe("INSERT INTO t VALUES(1)", table);
    // Through what the connection itself made.
    ExpectUnsafe("WITH w AS (SELECT * FROM v) SELECT * FROM w", table);
    ASSERT_EQ(db()->Exec("CREATE TEMP VIEW w AS SELECT * FROM main.v"),
              SQLITE_OK);
    ExpectUnsafe("SELECT * FROM w", table);
  }
}

TEST_F(HostileSchemaTest, NoPartOfASchemaCallsAFunction) {
  const std::vector<std::string> functions = Functions();
  ASSERT_GT(functions.size(), 20U);
  for (const std::string& function : functions) {
    SCOPED_TRACE(function);
    const std::string call = function + "()";
    Make(
        "DROP VIEW IF EXISTS v; DROP TABLE IF EXISTS t; CREATE TABLE t(x);"
        "CREATE VIEW v AS SELECT " +
        call +
        ";"
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT " +
        call + "; END");
    ExpectUnsafe("SELECT * FROM v", function);
    ExpectUnsafe("INSERT INTO t VALUES(1)", function);
    Make("DROP TABLE t; CREATE TABLE t(x, y DEFAULT (" + call + "))");
    ExpectUnsafe("INSERT INTO t(x) VALUES(1)", function);
  }
}

// These need a schema that was forged, as SQLite makes it only where the
// function is known, and refuses it there.
TEST_F(HostileSchemaTest, NoCheckCallsAFunction) {
  for (const std::string& function : Functions()) {
    SCOPED_TRACE(function);
    const std::string sql =
        "CREATE TABLE t(x CHECK (" + function + "(''secret'') IS NULL))";
    Make(
        "DROP TABLE IF EXISTS t; CREATE TABLE t(x); INSERT INTO t VALUES(1);"
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = '" +
        sql + "' WHERE name = 't'");
    for (const char* touch : {"INSERT INTO t VALUES(2)", "UPDATE t SET x = 3",
                              "PRAGMA quick_check", "PRAGMA integrity_check"}) {
      ExpectUnsafe(touch, function);
    }
    Make("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema");
  }
  EXPECT_EQ(Ask("SELECT state FROM actorkv_actors WHERE actor = 'secret'"),
            "live");
}

TEST_F(HostileSchemaTest, NoIndexOrGeneratedColumnCallsAFunction) {
  for (const char* sql :
       {"CREATE TABLE t(x, y AS (actorkv_version()))",
        "CREATE TABLE t(x, y AS (actorkv_delete(x)) STORED)"}) {
    Make(
        "DROP TABLE IF EXISTS t; CREATE TABLE t(x, y);"
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = '" +
        std::string(sql) + "' WHERE name = 't'");
    EXPECT_NE(Ask("SELECT * FROM t").find("unsafe use of actorkv_"),
              std::string::npos)
        << Ask("SELECT * FROM t");
    Make("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema");
  }
  ASSERT_EQ(db()->Exec("CREATE TABLE t(x)"), SQLITE_OK);
  ExpectUnsafe("CREATE INDEX i ON t(actorkv_version())", "actorkv_version");
  ExpectUnsafe("CREATE INDEX i ON t(x) WHERE actorkv_version() = x",
               "actorkv_version");
}

// SQLite connects what a file says is a virtual table, also where nobody could
// have made it.
TEST_F(HostileSchemaTest, NoTableIsThereUnderAnotherName) {
  for (const std::string& table : Tables()) {
    SCOPED_TRACE(table);
    Forge("news", "CREATE VIRTUAL TABLE news USING " + table);
    const std::string answer = Ask("SELECT * FROM news");
    EXPECT_NE(answer.find("is there by its own name only"), std::string::npos)
        << answer;
    Make("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema");
    // Attached, under its own name.
    Forge(table, "CREATE VIRTUAL TABLE " + table + " USING " + table);
    SqliteDb reader;
    ASSERT_EQ(reader.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(reader.Exec("ATTACH '" + Uri("evil") + "' AS evil"), SQLITE_OK);
    EXPECT_NE(reader.QueryText("SELECT * FROM evil." + table)
                  .find("is there by its own name only"),
              std::string::npos);
    Make("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema");
  }
}

// The module's own connections look into databases that somebody else made.
TEST_F(HostileSchemaTest, OurOwnConnectionsHaveNoneOfIt) {
  Make(
      "CREATE TABLE t(x); INSERT INTO t VALUES(1);"
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
      "'CREATE TABLE t(x CHECK (actorkv_delete(''" +
      File("store") + "/secret'') > 0))' WHERE name = 't'");
  // A connection with the SQL does not even read such a schema.
  ExpectUnsafe("SELECT * FROM t", "actorkv_delete");
  ASSERT_EQ(db()->Open(":memory:"), SQLITE_OK);
  Ask("SELECT actorkv_store('$DIR/store')");
  EXPECT_EQ(Ask("SELECT severity FROM actorkv_doctor('evil')"), "info");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_diff('evil', 2)"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  EXPECT_EQ(Ask("SELECT state FROM actorkv_actors WHERE actor = 'secret'"),
            "live");
}

// What the connection itself made is its own.
TEST_F(HostileSchemaTest, TemporaryViewsAndTriggersMay) {
  ASSERT_EQ(db()->Exec("CREATE TEMP VIEW v AS SELECT actorkv_version();"
                       "CREATE TEMP VIEW w AS SELECT actor FROM actorkv_actors;"
                       "CREATE TABLE t(x); CREATE TEMP TABLE seen(x);"
                       "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN "
                       "INSERT INTO seen SELECT actorkv_version(); END;"
                       "INSERT INTO t VALUES(1)"),
            SQLITE_OK)
      << db()->Error();
  EXPECT_EQ(Ask("SELECT * FROM v"), ACTORKV_VERSION);
  EXPECT_EQ(Ask("SELECT * FROM w"), "evil\nsecret");
  EXPECT_EQ(Ask("SELECT * FROM seen"), ACTORKV_VERSION);
}

// The end of the promise: a virtual table whose module runs SQL of its own,
// with names from the schema, and a table or view that has one of our names.
// Without our SQL nothing is there to reach.
TEST_F(HostileSchemaTest, WithoutTheSqlNothingIsThere) {
  Make(
      "CREATE VIEW actorkv_version AS SELECT 'theirs' AS x;"
      "CREATE TABLE actorkv_actors(actor);"
      "INSERT INTO actorkv_actors VALUES('theirs')");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "theirs");
  EXPECT_EQ(Ask("SELECT actorkv_version()"), ACTORKV_VERSION);
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("evil", "&actorkv_sql=0")), SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM pragma_function_list WHERE "
                             "name LIKE 'actorkv%'"),
            "0");
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM pragma_module_list WHERE "
                             "name LIKE 'actorkv%'"),
            "0");
}

}  // namespace
}  // namespace actorkv
