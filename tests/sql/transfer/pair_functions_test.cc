// actorkv_pair_set(), actorkv_import_pairs() and actorkv_pairs(): pairs of any
// query become an actor, whole or not at all.

#include <filesystem>
#include <string>

#include "kv/base/metrics.h"
#include "kv/rivet/kv_bin.h"
#include "tests/support/bytes.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

class PairFunctionsTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    ASSERT_EQ(db()->Exec("CREATE TABLE kv(key, value);"
                         "INSERT INTO kv VALUES(x'0402', x'00ff'),"
                         " ('text', 'value'), (x'', x''), (x'01', x'07');"),
              SQLITE_OK);
  }

  std::string Import(const std::string& rows,
                     const std::string& call = "key, value") {
    return Ask("SELECT actorkv_import_pairs('a', actorkv_pair_set(" + call +
               ")) FROM " + rows);
  }
  std::string PairsOf(const std::string& actor) {
    return Ask(
        "SELECT namespace, hex(key), hex(value) FROM actorkv_kv WHERE "
        "actor = '" +
        actor + "'");
  }
  // Neither an actor nor, once the background was here, what was stored of one.
  void ExpectNoActor() {
    // What is refused before its target is looked for makes no store.
    if (!std::filesystem::exists(File("store"))) return;
    const std::shared_ptr<Store> store = OpenStore();
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors"), "0");
    const std::string stages =
        "SELECT count(*) FROM actorkv_dump WHERE key LIKE 'import%'";
    for (int i = 0; i < 100 && Ask(stages) != "0"; ++i) sqlite3_sleep(50);
    EXPECT_EQ(Ask(stages), "0");
  }
};

TEST_F(PairFunctionsTest, RowsBecomeAnActor) {
  EXPECT_EQ(Import("kv"), "4");
  EXPECT_EQ(PairsOf("a"),
            "unknown||\nstate|01|07\nuser|0402|00FF\n"
            "unknown|74657874|76616C7565");
  EXPECT_EQ(Ask("SELECT actor, state, layout FROM actorkv_actors"),
            "a|legacy|1");
  EXPECT_EQ(Ask("SELECT json_extract(record, '$.form') FROM "
                "actorkv_dump('a', 'legacy')"),
            "rows");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(PairFunctionsTest, OpaqueRows) {
  EXPECT_EQ(Import("kv", "key, value, 'opaque'"), "4");
  EXPECT_EQ(PairsOf("a"),
            "opaque||\nopaque|01|07\nopaque|0402|00FF\n"
            "opaque|74657874|76616C7565");
  EXPECT_EQ(Ask("SELECT error FROM actorkv_migrations"), "");
}

TEST_F(PairFunctionsTest, AnActorForEachGroup) {
  ASSERT_EQ(db()->Exec("CREATE TABLE m(name, k, v);"
                       "INSERT INTO m VALUES('y', 'b', 1 || ''),"
                       " ('x', 'a', '2'), ('y', 'a', '3');"),
            SQLITE_OK);
  EXPECT_EQ(Ask("SELECT actorkv_import_pairs(name, actorkv_pair_set(k, v)) "
                "FROM m GROUP BY name"),
            "1\n2");
  EXPECT_EQ(PairsOf("x"), "unknown|61|32");
  EXPECT_EQ(PairsOf("y"), "unknown|61|33\nunknown|62|31");
  // By an index, and with the result in order.
  ASSERT_EQ(db()->Exec("CREATE INDEX i ON m(name)"), SQLITE_OK);
  EXPECT_EQ(Ask("SELECT name, actorkv_import_pairs(name || '2', "
                "actorkv_pair_set(k, v, 'opaque')) FROM m GROUP BY name "
                "ORDER BY name DESC"),
            "y|2\nx|1");
  EXPECT_EQ(PairsOf("y2"), "opaque|61|33\nopaque|62|31");
}

TEST_F(PairFunctionsTest, RowsThatAreNoPairs) {
  const struct {
    const char* rows;
    const char* error;
  } kCases[] = {
      {"(SELECT NULL AS key, x'00' AS value)", "row 1: the key is NULL"},
      {"(SELECT 1 AS key, x'00' AS value)", "row 1: the key is an integer"},
      {"(SELECT 1.5 AS key, x'00' AS value)",
       "row 1: the key is a real number"},
      {"(SELECT key, value FROM kv UNION ALL SELECT 'x', NULL)",
       "row 5: key='x': the value is NULL: it has to be a blob or text"},
      {"(SELECT key, value FROM kv UNION ALL SELECT 'text', 'other')",
       "row 5: the key comes twice: key='text'"},
      {"(SELECT 'k' AS key, zeroblob(131073) AS value)",
       "row 1: key='k': a value of 131073 bytes is larger than the limit of "
       "131072, the setting max_pair_value_bytes"},
      {"(SELECT zeroblob(2049) AS key, '' AS value)",
       "a key of 2049 bytes is larger than the limit of 2048, the setting "
       "max_pair_key_bytes; to keep such pairs set keep_oversized_pairs"},
      {"(SELECT zeroblob(4001) AS key, '' AS value)",
       "row 1: a key of 4001 bytes is larger than the limit of 4000"},
      {"kv WHERE 0", "there is no pair in the set: the query had no rows"},
  };
  const uint64_t refused = MetricsSnapshot::Take().value(Metric::kRefusedPairs);
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.rows);
    const std::string answer = Import(c.rows);
    EXPECT_NE(answer.find("actorkv_import_pairs: importing actor=a: "),
              std::string::npos)
        << answer;
    EXPECT_NE(answer.find(c.error), std::string::npos) << answer;
    EXPECT_EQ(db()->ErrorCode(), SQLITE_ERROR);
    ExpectNoActor();
  }
  EXPECT_EQ(MetricsSnapshot::Take().value(Metric::kRefusedPairs),
            refused + std::size(kCases));
  EXPECT_EQ(Import("kv"), "4");
}

// A value of 1 GB is refused before its zeros are written out.
TEST_F(PairFunctionsTest, AHugeValueTakesNoMemory) {
  sqlite3_int64 used = 0;
  sqlite3_int64 most = 0;
  ASSERT_EQ(sqlite3_status64(SQLITE_STATUS_MEMORY_USED, &used, &most, 1),
            SQLITE_OK);
  const std::string answer = Import("kv", "'k', zeroblob(1000000000 - rowid)");
  EXPECT_NE(answer.find("importing actor=a: row 1: key='k': a value of "
                        "999999999 bytes is larger than the limit of 8000000"),
            std::string::npos)
      << answer;
  const sqlite3_int64 before = used;
  ASSERT_EQ(sqlite3_status64(SQLITE_STATUS_MEMORY_USED, &used, &most, 0),
            SQLITE_OK);
  EXPECT_LT(most - before, 10'000'000);
}

TEST_F(PairFunctionsTest, WrongCalls) {
  ExpectBad({
      {"SELECT actorkv_import_pairs('a', 1)", SQLITE_ERROR,
       "the pairs are no set of a query: write SELECT actorkv_import_pairs("
       "actor, actorkv_pair_set(key, value)) FROM ...: actor=a"},
      {"SELECT actorkv_import_pairs('a', NULL)", SQLITE_ERROR, "no set"},
      {"SELECT actorkv_import_pairs('a')", SQLITE_ERROR,
       "wrong number of arguments"},
      {"SELECT actorkv_import_pairs(NULL, actorkv_pair_set(key, value)) FROM "
       "kv",
       SQLITE_ERROR, "actor is NULL"},
      {"SELECT actorkv_import_pairs('a', actorkv_pair_set(key)) FROM kv",
       SQLITE_ERROR,
       "actorkv_pair_set: wrong number of arguments, write actorkv_pair_set("
       "key, value [, 'opaque'])"},
      {"SELECT actorkv_import_pairs('a', actorkv_pair_set(key, value, 'x')) "
       "FROM kv",
       SQLITE_ERROR, "row 1: no option 'x': it is 'opaque' or left out"},
      {"SELECT actorkv_import_pairs('a', actorkv_pair_set(key, value, "
       "iif(key = x'01', 'opaque', NULL))) FROM kv",
       SQLITE_ERROR, "row 4: 'opaque' is said of some rows and not of others"},
      {"SELECT actorkv_import_pairs('a/b/c/', actorkv_pair_set(key, value)) "
       "FROM kv",
       SQLITE_ERROR, "actor"},
  });
  ExpectNoActor();
  // A set is no value that SQL can look into.
  EXPECT_EQ(Ask("SELECT actorkv_pair_set(key, value) IS NULL FROM kv"), "1");
}

TEST_F(PairFunctionsTest, AnActorThatIsThereStays) {
  MakeActor("a");
  const std::string answer = Import("kv");
  EXPECT_NE(answer.find("the actor exists already"), std::string::npos);
  EXPECT_EQ(Ask("SELECT state FROM actorkv_actors"), "live");
}

TEST_F(PairFunctionsTest, NotInATransaction) {
  ASSERT_EQ(db()->Exec("BEGIN"), SQLITE_OK);
  EXPECT_NE(Import("kv").find("cannot run inside a transaction"),
            std::string::npos);
  // SQLite ends the statement, not the transaction.
  ASSERT_EQ(db()->Exec("COMMIT"), SQLITE_OK);
  ASSERT_EQ(db()->Exec("CREATE TABLE o(x)"), SQLITE_OK);
  EXPECT_NE(Ask("INSERT INTO o SELECT actorkv_import_pairs('a', "
                "actorkv_pair_set(key, value)) FROM kv")
                .find("cannot run inside a transaction"),
            std::string::npos);
  ExpectNoActor();
}

// The query fails when rows are staged already: nothing is imported, and the
// stage goes (which a sanitizer would tell otherwise).
TEST_F(PairFunctionsTest, AQueryThatFailsLeavesNothing) {
  const std::string answer = Import(
      "(SELECT key, value FROM kv UNION ALL SELECT 'x', json('not json'))");
  EXPECT_NE(answer.find("malformed JSON"), std::string::npos) << answer;
  ExpectNoActor();
  ExpectInterrupted(
      "actorkv_import_pairs('a', actorkv_pair_set(key, value)) FROM kv");
  ExpectNoActor();
}

TEST_F(PairFunctionsTest, AMillionPairsOfAByte) {
  EXPECT_EQ(Ask("WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM "
                "c WHERE i < 999999) SELECT actorkv_import_pairs('a', "
                "actorkv_pair_set(CAST(i * 7919 % 1000003 AS TEXT), "
                "'x', 'opaque')) FROM c"),
            "1000000");
  EXPECT_EQ(Ask("SELECT json_extract(record, '$.pair_count') FROM "
                "actorkv_dump('a', 'legacy')"),
            "1000000");
}

TEST_F(PairFunctionsTest, ADumpAsRows) {
  WriteFile("a.kv.bin",
            EncodeKvBinEntry("b", "2") + EncodeKvBinEntry("", "\xff"));
  WriteFile("a.jsonl.gz",
            Gzip("{\"k\":\"62\",\"v\":\"32\"}\n{\"k\":\"\",\"v\":\"ff\"}\n"));
  for (const char* name : {"a.kv.bin", "a.jsonl.gz"}) {
    EXPECT_EQ(Ask("SELECT hex(key), hex(value), typeof(key), typeof(value) "
                  "FROM actorkv_pairs('$DIR/" +
                  std::string(name) + "')"),
              "62|32|blob|blob\n|FF|blob|blob");
  }
  EXPECT_EQ(Ask("SELECT actorkv_import_pairs('a', actorkv_pair_set(key, "
                "value)) FROM actorkv_pairs('$DIR/a.kv.bin')"),
            "2");
  EXPECT_EQ(PairsOf("a"), "unknown||FF\nunknown|62|32");
}

TEST_F(PairFunctionsTest, WhatIsNoDump) {
  MakeFile("plain.db", "");
  WriteFile("empty", "");
  WriteFile("cut.kv.bin", EncodeKvBinEntry("a", "1") + std::string(1, '\0'));
  ASSERT_EQ(Import("kv"), "4");
  ExpectBad({
      {"SELECT * FROM actorkv_pairs", SQLITE_ERROR, "of which dump?"},
      {"SELECT * FROM actorkv_pairs('$DIR/none')", SQLITE_ERROR,
       "no such file: $DIR/none"},
      {"SELECT * FROM actorkv_pairs('tests/rivet/archive')", SQLITE_ERROR,
       "it holds more than one actor: SELECT * FROM actorkv_import_all(path)"},
      {"SELECT * FROM actorkv_pairs('$DIR/store')", SQLITE_ERROR,
       "it is a store: "},
      {"SELECT * FROM actorkv_pairs('$DIR')", SQLITE_ERROR, "not a file"},
      {"SELECT * FROM actorkv_pairs('$DIR/plain.db')", SQLITE_ERROR,
       "it is a SQLite database, and no dump of pairs: ATTACH it, and read the "
       "pairs from its table: $DIR/plain.db"},
      {"SELECT * FROM actorkv_pairs('$DIR/empty')", SQLITE_ERROR,
       "it is an empty file, and no dump of pairs: $DIR/empty"},
      {"SELECT * FROM actorkv_pairs('$DIR/cut.kv.bin')", SQLITE_CORRUPT,
       "at byte 8: the length of an entry is cut short"},
      {"SELECT actorkv_import_pairs('b', actorkv_pair_set(key, value)) FROM "
       "actorkv_pairs('$DIR/cut.kv.bin')",
       SQLITE_CORRUPT, "at byte 8"},
      {"SELECT actorkv_import('b', '$DIR/plain.db', 'opaque')", SQLITE_ERROR,
       "it is a SQLite database, and no dump of pairs: ATTACH it"},
      {"SELECT actorkv_import('b', '$DIR/cut.kv.bin', 'other')", SQLITE_ERROR,
       "no option 'other': it is 'pairs', 'db', 'opaque' or left out"},
  });
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "a");
}

// A dump that grows while it is read shows what it had at some moment, and a
// half line is an error.
TEST_F(PairFunctionsTest, ADumpThatChangesWhileItIsRead) {
  std::string lines;
  for (int i = 0; i < 20000; ++i) {
    lines +=
        "{\"k\":\"" + Hex("key" + std::to_string(i)) + "\",\"v\":\"00\"}\n";
  }
  WriteFile("a.jsonl", lines);
  sqlite3_stmt* rows = nullptr;
  const std::string sql =
      "SELECT key FROM actorkv_pairs('" + File("a.jsonl") + "')";
  ASSERT_EQ(sqlite3_prepare_v2(db()->get(), sql.c_str(), -1, &rows, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(rows), SQLITE_ROW);
  std::filesystem::resize_file(File("a.jsonl"), lines.size() / 2 + 5);
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(rows);
  EXPECT_EQ(code, SQLITE_ERROR);
  EXPECT_NE(std::string(sqlite3_errmsg(db()->get())).find("a.jsonl: line "),
            std::string::npos);
  sqlite3_finalize(rows);
}

}  // namespace
}  // namespace actorkv
