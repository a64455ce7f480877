// actorkv_diff() against a comparison of all rows of two connections, and what
// else looks at two versions: actorkv_restore_plan(), actorkv_export(point).

#include <map>
#include <random>
#include <set>

#include "kv/history/point.h"
#include "kv/history/restore.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class DiffTest : public SqlTest {
 protected:
  void Run(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error() << " in " << sql;
  }

  std::string Head() {
    return Ask("SELECT head_txid FROM actorkv_actors WHERE actor = 'alice'");
  }

  std::string Diff(const std::string& from, const std::string& to) {
    return Ask("SELECT * FROM actorkv_diff('alice', '" + from + "', '" + to +
               "')");
  }
};

TEST_F(DiffTest, RowsOfEveryKind) {
  Run("CREATE TABLE note(id INTEGER PRIMARY KEY, a, b);"
      "CREATE TABLE \"odd \"\"name\"(\"my key\" TEXT, n INT, v,"
      " PRIMARY KEY(n DESC, \"my key\")) WITHOUT ROWID;"
      "INSERT INTO note VALUES(1, 'one', 1.5), (2, 'two', NULL), (3, 3, x'');"
      "INSERT INTO \"odd \"\"name\" VALUES('k', 1, 'v'), ('l', 2, 'w');");
  const std::string from = Head();
  Run("BEGIN;"
      "UPDATE note SET a = x'00ff' WHERE id = 1;"
      "UPDATE note SET b = 9e999 WHERE id = 2;"
      "DELETE FROM note WHERE id = 3;"
      "INSERT INTO note VALUES(-7, CAST(x'c3' AS TEXT), -9e999);"
      "UPDATE \"odd \"\"name\" SET v = 'V' WHERE n = 1;"
      "DELETE FROM \"odd \"\"name\" WHERE n = 2;"
      "INSERT INTO \"odd \"\"name\" VALUES('\"\u00e9', 3, 3);"
      "COMMIT");
  EXPECT_EQ(
      Diff(from, "head"),
      R"(note|insert|-7||{"id":-7,"a":{"text":"c3"},"b":{"real":"-Infinity"}})"
      "\n"
      R"(note|update|1|{"id":1,"a":"one","b":1.5}|)"
      R"({"id":1,"a":{"blob":"00ff"},"b":1.5})"
      "\n"
      R"(note|update|2|{"id":2,"a":"two","b":null}|)"
      R"({"id":2,"a":"two","b":{"real":"Infinity"}})"
      "\n"
      R"(note|delete|3|{"id":3,"a":3,"b":{"blob":""}}|)"
      "\n"
      "odd \"name|insert|[3,\"\\\"\u00e9\"]||"
      "{\"my key\":\"\\\"\u00e9\",\"n\":3,\"v\":3}\n"
      R"(odd "name|update|[1,"k"]|{"my key":"k","n":1,"v":"v"}|)"
      R"({"my key":"k","n":1,"v":"V"})"
      "\n"
      R"(odd "name|delete|[2,"l"]|{"my key":"l","n":2,"v":"w"}|)");
  EXPECT_EQ(Diff("head", "head"), "");
  EXPECT_EQ(Ask("SELECT group_concat(op, ' ') FROM actorkv_diff('alice', "
                "'head', '" +
                from + "') WHERE table_name = 'note'"),
            "delete update update insert");
  // The newer version is the head where none is named.
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_diff('alice', " + from + ")"),
            "7");
}

TEST_F(DiffTest, TheSchema) {
  Run("CREATE TABLE gone(x); INSERT INTO gone VALUES(1);"
      "CREATE TABLE kept(x); CREATE TABLE other(x PRIMARY KEY);"
      "INSERT INTO kept VALUES(5); INSERT INTO other VALUES('a');"
      "CREATE VIEW v AS SELECT 1;");
  const std::string from = Head();
  Run("BEGIN; DROP TABLE gone; ALTER TABLE kept ADD COLUMN y DEFAULT 7;"
      "DROP VIEW v; CREATE INDEX i ON kept(x); DROP TABLE other;"
      "CREATE TABLE other(x PRIMARY KEY) WITHOUT ROWID;"
      "INSERT INTO other VALUES('a'); COMMIT");
  EXPECT_EQ(Ask("SELECT table_name, key, old IS NULL, new IS NULL FROM "
                "actorkv_diff('alice', " +
                from +
                ") WHERE op = 'schema' ORDER "
                "BY 2"),
            "gone|\"gone\"|0|1\nkept|\"i\"|1|0\nkept|\"kept\"|0|0\n"
            "other|\"other\"|0|0\nother|\"sqlite_autoindex_other_1\"|0|1\n"
            "v|\"v\"|0|1");
  // A column that old rows got without being written is no difference; a table
  // of another kind is another table.
  EXPECT_EQ(Ask("SELECT table_name, op, key, old, new FROM "
                "actorkv_diff('alice', " +
                from +
                ") WHERE op <> 'schema' "
                "ORDER BY 1, 2"),
            "gone|delete|1|{\"x\":1}|\n"
            "other|delete|1|{\"x\":\"a\"}|\n"
            "other|insert|[\"a\"]||{\"x\":\"a\"}");
  EXPECT_EQ(
      Ask("SELECT json_extract(new, '$.sql') FROM actorkv_diff('alice', " +
          from + ") WHERE key = '\"kept\"'"),
      "CREATE TABLE kept(x, y DEFAULT 7)");
}

TEST_F(DiffTest, NamesThatHideTheRowid) {
  Run("CREATE TABLE some(oid, rowid); INSERT INTO some VALUES(8, 9);"
      "CREATE TABLE every(OID, rowid, _rowid_); INSERT INTO every "
      "VALUES(1,2,3);"
      "CREATE TABLE gen(a, v AS (a + 1) VIRTUAL, s AS (a + 2) STORED);"
      "INSERT INTO gen VALUES(1);");
  const std::string from = Head();
  Run("UPDATE some SET oid = 10; UPDATE every SET oid = 10;"
      "UPDATE gen SET a = 2;");
  EXPECT_EQ(Diff(from, "head"),
            "every|update|1||\n"
            "gen|update|1|{\"a\":1,\"s\":3}|{\"a\":2,\"s\":4}\n"
            "some|update|1|{\"oid\":8,\"rowid\":9}|{\"oid\":10,\"rowid\":9}");
}

// SQLite writes over the overflow pages of a row of the same size, and leaves
// the page that the row begins on as it is.
TEST_F(DiffTest, OverflowWrittenInPlace) {
  Run("CREATE TABLE t(id INTEGER PRIMARY KEY, b); CREATE TABLE "
      "w(k PRIMARY KEY, b) WITHOUT ROWID;"
      "INSERT INTO t VALUES(1, zeroblob(50000)), (2, zeroblob(50000));"
      "INSERT INTO w VALUES(1, zeroblob(50000)), (2, zeroblob(50000));");
  const std::string from = Head();
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    sqlite3_blob* blob = nullptr;
    ASSERT_EQ(sqlite3_blob_open(db.get(), "main", "t", "b", 2, 1, &blob),
              SQLITE_OK);
    ASSERT_EQ(sqlite3_blob_write(blob, "x", 1, 49000), SQLITE_OK);
    ASSERT_EQ(sqlite3_blob_close(blob), SQLITE_OK);
  }
  EXPECT_EQ(Ask("SELECT table_name, op, key FROM actorkv_diff('alice', " +
                from + ")"),
            "t|update|2");
  Run("UPDATE w SET b = zeroblob(49999) || x'01' WHERE k = 1");
  EXPECT_EQ(Ask("SELECT table_name, op, key FROM actorkv_diff('alice', " +
                from + ")"),
            "t|update|2\nw|update|[1]");
}

// Pages of two sizes have nothing in common, and a VACUUM moves roots: the rows
// are what they were.
TEST_F(DiffTest, AnotherPageSizeAndOtherRoots) {
  Run("PRAGMA page_size = 1024; CREATE TABLE first(x); CREATE TABLE t(id "
      "INTEGER"
      " PRIMARY KEY, b); CREATE INDEX i ON t(b);"
      "CREATE TABLE w(k TEXT, n INT, b, PRIMARY KEY(n DESC, k)) WITHOUT ROWID;"
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
      " WHERE i < 300) INSERT INTO t SELECT i, zeroblob(i * 10) FROM c;"
      "INSERT INTO w SELECT id, id % 7, b FROM t");
  const std::string from = Head();
  Run("DROP TABLE first; PRAGMA page_size = 8192; VACUUM");
  EXPECT_EQ(Ask("SELECT op, key FROM actorkv_diff('alice', " + from + ")"),
            "schema|\"first\"");
  Run("BEGIN; UPDATE t SET b = zeroblob(7) WHERE id = 300; DELETE FROM t WHERE"
      " id = 1; UPDATE w SET b = 0 WHERE k = '200'; COMMIT");
  EXPECT_EQ(Ask("SELECT table_name, op, key FROM actorkv_diff('alice', " +
                from + ") WHERE op <> 'schema'"),
            "t|delete|1\nt|update|300\nw|update|[4,\"200\"]");
  EXPECT_EQ(
      Ask("SELECT table_name, op, key FROM actorkv_diff('alice', 'head', " +
          from + ") WHERE op <> 'schema'"),
      "t|insert|1\nt|update|300\nw|update|[4,\"200\"]");
}

TEST_F(DiffTest, BadArguments) {
  Run("CREATE TABLE t(x)");
  ExpectBad({
      {"SELECT * FROM actorkv_diff('alice')", SQLITE_ERROR,
       "actorkv_diff: it takes an actor and two points"},
      {"SELECT * FROM actorkv_diff('nobody', 1, 2)", SQLITE_ERROR,
       "actorkv_diff: no such actor: actor=nobody"},
      {"SELECT * FROM actorkv_diff('alice', 77, 'head')", SQLITE_ERROR,
       "actorkv_diff: there is no commit 77; the oldest that is available is "
       "1 of "},
      {"SELECT * FROM actorkv_diff('alice', 1, 'nothing')", SQLITE_ERROR,
       "no restore point 'nothing': actor=alice"},
      {"SELECT * FROM actorkv_restore_plan('alice')", SQLITE_ERROR,
       "actorkv_restore_plan: it takes an actor and a point"},
      {"SELECT * FROM actorkv_restore_plan('alice', '')", SQLITE_ERROR,
       "actorkv_restore_plan: not a point"},
      {"SELECT actorkv_export('alice', '$DIR/x.db', 'db', 77)", SQLITE_ERROR,
       "actorkv_export: there is no commit 77"},
      {"SELECT * FROM actorkv_verify('alice', 77)", SQLITE_ERROR,
       "actorkv_verify: there is no commit 77"},
      {"SELECT * FROM actorkv_verify(NULL, 1)", SQLITE_ERROR,
       "actorkv_verify: a point is of one actor"},
  });
  ExpectInterrupted("(SELECT count(*) FROM actorkv_diff('alice', 1, 'head'))");
}

TEST_F(DiffTest, ARestorePlanSaysWhatARestoreDoes) {
  Run("CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(40000))");
  const std::string point = Head();
  Run("INSERT INTO t VALUES(zeroblob(40000))");
  Run("DELETE FROM t WHERE rowid = 2");
  const std::string plan =
      "SELECT page_count, changed_page_count > 0, bytes = changed_page_count * "
      "4096, commit_count FROM actorkv_restore_plan('alice', ";
  const std::string pages =
      Ask("SELECT page_count FROM actorkv_commits WHERE actor = 'alice' AND "
          "txid = " +
          point);
  EXPECT_EQ(Ask(plan + point + ")"), pages + "|1|1|2");
  EXPECT_EQ(Ask("SELECT changed_page_count, bytes, commit_count FROM "
                "actorkv_restore_plan('alice', 'head')"),
            "0|0|0");
  std::vector<TxId> txids;
  Point parsed;
  ASSERT_OK(ParsePoint(point, &parsed));
  ASSERT_OK(RestoreActors(OpenStore(), {"alice"}, parsed, &txids));
  // Back to before the restore: its own commit alone leaves the line.
  const std::string before = std::to_string(txids[0].value - 1);
  EXPECT_EQ(
      Ask(plan + before + ")").substr(0, 6),
      Ask("SELECT page_count || '|1|1|1' FROM actorkv_commits WHERE actor "
          "= 'alice' AND txid = " +
          before)
          .substr(0, 6));
  EXPECT_EQ(Ask("SELECT commit_count FROM actorkv_restore_plan('alice', " +
                before + ")"),
            "1");
}

TEST_F(DiffTest, ExportOfAPoint) {
  Run("CREATE TABLE t(x); INSERT INTO t VALUES('old')");
  const std::string point = Head();
  Run("UPDATE t SET x = 'new'");
  for (const auto& [at, value] : std::map<std::string, std::string>{
           {point, "old"}, {"head", "new"}, {"-1 commit", "old"}}) {
    SCOPED_TRACE(at);
    ASSERT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/x.db', 'db', '" + at +
                  "', 1) > 0"),
              "1");
    SqliteDb file;
    ASSERT_EQ(file.Open(File("x.db")), SQLITE_OK);
    EXPECT_EQ(file.QueryText("SELECT x FROM t; PRAGMA integrity_check"), value);
  }
  ASSERT_EQ(Ask("SELECT actorkv_export('alice', '$DIR/x.jsonl', 'jsonl', " +
                point + ") > 0"),
            "1");
  ASSERT_EQ(Ask("SELECT actorkv_import('bob', '$DIR/x.jsonl') > 0"), "1");
  SqliteDb bob;
  ASSERT_EQ(bob.Open(Uri("bob")), SQLITE_OK);
  EXPECT_EQ(bob.QueryText("SELECT x FROM t"), "old");
}

// --- At random ---------------------------------------------------------------

struct TableShape {
  const char* name;
  const char* rows;  // key and row, as JSON
};

constexpr TableShape kShapes[] = {
    {"r",
     "SELECT CAST(id AS TEXT), json_object('id', id, 'a', a, 'b', "
     "json_object('blob', lower(hex(b)))) FROM r"},
    {"n",
     "SELECT CAST(rowid AS TEXT), json_object('a', a, 'b', "
     "json_object('blob', lower(hex(b)))) FROM n"},
    {"w",
     "SELECT json_array(n, k), json_object('k', k, 'n', n, 'b', "
     "json_object('blob', lower(hex(b)))) FROM w"},
};

class RandomDiff : public DiffTest {
 protected:
  using Rows = std::map<std::string, std::string>;

  Rows RowsAt(const std::string& txid, const char* sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("alice", "&asof=" + txid),
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI),
              SQLITE_OK)
        << db.Error();
    Rows rows;
    SqliteStatement statement(db.get(), sql);
    while (statement.Step() == SQLITE_ROW) {
      const std::string row = statement.Row();
      const size_t bar = row.find('|');
      rows[row.substr(0, bar)] = row.substr(bar + 1);
    }
    EXPECT_EQ(statement.code(), SQLITE_DONE) << db.Error();
    return rows;
  }

  // All differences, by comparing all rows.
  std::set<std::string> Expected(const std::string& from,
                                 const std::string& to) {
    std::set<std::string> lines;
    for (const TableShape& shape : kShapes) {
      Rows old_rows = RowsAt(from, shape.rows);
      const std::string table = shape.name;
      for (const auto& [key, row] : RowsAt(to, shape.rows)) {
        const auto found = old_rows.find(key);
        if (found == old_rows.end()) {
          lines.insert(table + "|insert|" + key + "||" + row);
          continue;
        }
        if (found->second != row) {
          lines.insert(table + "|update|" + key + "|" + found->second + "|" +
                       row);
        }
        old_rows.erase(found);
      }
      for (const auto& [key, row] : old_rows) {
        lines.insert(table + "|delete|" + key + "|" + row + "|");
      }
    }
    return lines;
  }

  std::set<std::string> Actual(const std::string& from, const std::string& to) {
    std::set<std::string> lines;
    SqliteStatement statement(
        db()->get(), "SELECT * FROM actorkv_diff('alice', " + from + ", " + to +
                         ") WHERE op <> 'schema'");
    while (statement.Step() == SQLITE_ROW) {
      EXPECT_TRUE(lines.insert(statement.Row()).second) << statement.Row();
    }
    EXPECT_EQ(statement.code(), SQLITE_DONE) << db()->Error();
    return lines;
  }

  std::string RandomChange(std::mt19937_64* dice) {
    const auto pick = [&](uint64_t below) { return (*dice)() % below; };
    const auto number = [&](uint64_t below) {
      return std::to_string(pick(below));
    };
    const std::string table = kShapes[pick(3)].name;
    const std::string low = number(400);
    const std::string range = " BETWEEN " + low + " AND " + low + " + " +
                              number(pick(4) == 0 ? 200 : 3);
    const std::string key = table == "r" ? "id" : table == "n" ? "rowid" : "n";
    const std::string size = pick(5) == 0 ? number(9000) : number(60);
    switch (pick(9)) {
      case 0:
      case 1:
        return "DELETE FROM " + table + " WHERE " + key + range;
      case 2:
        return "UPDATE " + table + " SET b = randomblob(length(b)) WHERE " +
               key + range;
      case 3:
        return "UPDATE " + table + " SET b = randomblob(" + size + ") WHERE " +
               key + range;
      case 4:
        return pick(6) == 0 ? "VACUUM" : "SELECT 1";
      case 5:
        return pick(3) == 0 ? "DELETE FROM " + table
                            : "CREATE TABLE IF NOT "
                              "EXISTS x(y); DROP TABLE x";
      default:
        break;
    }
    const std::string columns = table == "r"   ? "r(id, a, b)"
                                : table == "n" ? "n(rowid, a, b)"
                                               : "w(n, k, b)";
    return "INSERT OR REPLACE INTO " + columns +
           " WITH RECURSIVE c(i) AS (SELECT " + low +
           " UNION ALL SELECT i + 1 FROM c WHERE i < " + low + " + " +
           number(60) + ") SELECT i, 'text \u00e9' || i, randomblob(" + size +
           ") FROM c";
  }
};

TEST_F(RandomDiff, EqualsAComparisonOfAllRows) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE("ACTORKV_SEED=" + std::to_string(seed));
  std::mt19937_64 dice(seed);
  const std::string encoding[] = {"UTF-8", "UTF-16le", "UTF-16be"};
  Run("PRAGMA page_size = " + std::to_string(512 << dice() % 4) +
      "; PRAGMA auto_vacuum = " + std::to_string(dice() % 3) +
      "; PRAGMA encoding = '" + encoding[dice() % 3] +
      "'; CREATE TABLE r(id INTEGER PRIMARY KEY, a, b);"
      "CREATE TABLE n(a, b); CREATE INDEX i ON n(b);"
      "CREATE TABLE w(k TEXT, n INT, b, PRIMARY KEY(n DESC, k)) WITHOUT ROWID");
  std::vector<std::string> txids = {Head()};
  for (int step = 0; step < 60; ++step) {
    if (dice() % 12 == 0) {
      std::vector<TxId> made;
      Point point;
      ASSERT_OK(ParsePoint(txids[dice() % txids.size()], &point));
      ASSERT_OK(RestoreActors(OpenStore(), {"alice"}, point, &made));
    } else {
      Run(RandomChange(&dice));
    }
    txids.push_back(Head());
    const std::string other = txids[dice() % txids.size()];
    for (const auto& [from, to] :
         {std::pair(txids[txids.size() - 2], txids.back()),
          std::pair(txids.back(), other), std::pair(other, txids.back())}) {
      ASSERT_EQ(Actual(from, to), Expected(from, to))
          << "step " << step << " from " << from << " to " << to;
    }
  }
}

}  // namespace
}  // namespace actorkv
