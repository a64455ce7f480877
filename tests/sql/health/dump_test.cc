// actorkv_dump: arguments, columns, whom it reads and whom it does not hinder.

#include <set>
#include <string>

#include "kv/format/keys.h"
#include "tests/support/sql_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

class DumpTableTest : public SqlTest {
 protected:
  // An actor with history of every sort, a fork of it, and a legacy actor.
  void MakeAll() {
    MakeActor("alice", 40);
    Ask("SELECT actorkv_restore_point('alice', 'Jos\xc3\xa9 \"x\"')");
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    ASSERT_EQ(db.Exec("UPDATE t SET x = 'y' WHERE rowid < 3"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_restore('alice', '-1 commit') > 0"), "1");
    ASSERT_EQ(Ask("SELECT actorkv_fork('alice', 'bob') > 0"), "1");
    Ask("SELECT actorkv_retention('alice', '1 hour')");
    Ask("SELECT actorkv_set('cache_bytes', 0)");
    WriteFile("pairs.jsonl", "{\"k\":\"0203\",\"v\":\"00\"}\n");
    ASSERT_EQ(Ask("SELECT actorkv_import('legacy', '$DIR/pairs.jsonl')"), "0");
  }

  void Put(Partition partition, const std::string& key,
           const std::string& value) {
    Batch batch;
    batch.Put(partition, key, value);
    ASSERT_TRUE(
        OpenStore()->engine()->Commit(batch, Durability::kSynced).done());
  }
};

TEST_F(DumpTableTest, EveryRowIsWholeAndSound) {
  ASSERT_NO_FATAL_FAILURE(MakeAll());
  EXPECT_EQ(Ask("SELECT group_concat(name) FROM "
                "pragma_table_info('actorkv_dump')"),
            "partition,key,record,bytes,sound,problem,key_hex");
  for (const char* call :
       {"actorkv_dump", "actorkv_dump(NULL)", "actorkv_dump('alice')",
        "actorkv_dump('bob')", "actorkv_dump('legacy')",
        "actorkv_dump('$DIR/store/alice')"}) {
    SCOPED_TRACE(call);
    EXPECT_EQ(Ask(std::string("SELECT count(*) > 2, min(sound), max(problem),"
                              " min(json_valid(record)), min(bytes) >= 0,"
                              " min(length(key_hex)) > 1,"
                              " count(*) - count(DISTINCT partition || key)"
                              " FROM ") +
                  call),
              "1|1||1|1|1|0");
  }
  EXPECT_EQ(
      Ask("SELECT group_concat(DISTINCT substr(key, 1, instr(key || ' ', ' ')"
          " - 1)) FROM (SELECT key FROM actorkv_dump('alice') ORDER BY key)"),
      "actor,branch,commit,fork,head,page,restore,setting");
  EXPECT_EQ(Ask("SELECT key, json_extract(record, '$.txid') FROM"
                " actorkv_dump('alice', 'restore point J')"),
            "restore point Jos\xc3\xa9 \"x\"|2");
  EXPECT_EQ(Ask("SELECT partition LIKE 'legacy %', key, bytes FROM"
                " actorkv_dump('legacy', 'pair')"),
            "1|pair 0203|10");
}

TEST_F(DumpTableTest, WhatItTellsIsWhatOtherTablesTell) {
  ASSERT_NO_FATAL_FAILURE(MakeAll());
  EXPECT_EQ(Ask("SELECT group_concat(json_extract(record, '$.txid') || ' ' ||"
                " json_extract(record, '$.origin')) FROM (SELECT record FROM"
                " actorkv_dump('alice', 'commit') ORDER BY"
                " json_extract(record, '$.txid') DESC)"),
            Ask("SELECT group_concat(txid || ' ' || origin) FROM"
                " actorkv_commits WHERE actor = 'alice'"));
}

TEST_F(DumpTableTest, Errors) {
  MakeActor("alice");
  ExpectBad({
      {"SELECT * FROM actorkv_dump('nobody')", SQLITE_ERROR,
       "actorkv_dump: no such actor: actor=nobody store=$DIR/store"},
      {"SELECT * FROM actorkv_dump('')", SQLITE_ERROR, "actor name"},
      {"SELECT * FROM actorkv_dump('alice', 'head', 1)", SQLITE_ERROR,
       "too many arguments"},
  });
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_dump('alice', 'nothing')"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_dump(NULL, 'actor alice')"), "1");
}

TEST_F(DumpTableTest, DamageIsARowWithItsProblem) {
  MakeActor("alice");
  const std::string head_hex =
      Ask("SELECT key_hex FROM actorkv_dump('alice', 'head')");
  EXPECT_EQ(head_hex, "48");
  const std::string partition =
      Ask("SELECT partition FROM actorkv_dump('alice', 'head')");
  const ActorId id{std::stoull(partition.substr(6))};
  Put(ActorPartition(id), HeadKey(), "\x01\xff");
  Put(ActorPartition(id), "Z\xff", "");
  EXPECT_EQ(Ask("SELECT key, record, bytes, sound, problem FROM"
                " actorkv_dump('alice') WHERE NOT sound"),
            "head|{\"version\":1,\"raw\":\"01ff\"}|2|0|"
            "corruption: head record damaged: too short\n"
            "unknown 5aff|{\"raw\":\"\"}|0|0|"
            "corruption: a key of no known kind: bytes=5aff");
}

TEST_F(DumpTableTest, NamesOfEveryScript) {
  const char* const names[] = {"\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0",
                               "\xe5\xb1\xb1",
                               "\xf0\x9f\x90\x8c",
                               "a'b\"c\\d",
                               "a\tb\nc",
                               "100%_",
                               "actor 1"};
  for (const std::string name : names) {
    SCOPED_TRACE(name);
    SqliteDb db;
    const std::string encoded = name == "100%_" ? "100%25_" : name;
    ASSERT_EQ(db.Open(Uri(encoded)), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK) << db.Error();
    std::string quoted = name;
    if (const size_t at = name.find('\''); at != std::string::npos) {
      quoted.insert(at, "'");
    }
    EXPECT_EQ(Ask("SELECT key FROM actorkv_dump(NULL, 'actor " + quoted + "')"),
              "actor " + name);
    EXPECT_EQ(
        Ask("SELECT count(*) FROM actorkv_dump('" + quoted + "', 'head')"),
        "1");
  }
}

TEST_F(DumpTableTest, ReadsWhereNothingMayBeWritten) {
  MakeActor("alice");
  const std::string count = Ask("SELECT count(*) FROM actorkv_dump('alice')");
  for (const std::string& uri :
       {Uri("alice", "&mode=ro"), Uri("alice", "&asof=head"), Uri("alice")}) {
    SqliteDb db;
    ASSERT_EQ(db.Open(uri), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_dump('alice')"),
              count);
    ASSERT_EQ(db.Exec("PRAGMA query_only = 1"), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_dump"),
              Ask("SELECT count(*) FROM actorkv_dump"));
  }
  // A follower: nobody in this process writes.
  CloseStore(File("store"));
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice", "&mode=ro")), SQLITE_OK);
  ASSERT_EQ(db.QueryText("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_dump('alice')"), count);
}

// A cursor that somebody leaves open keeps nothing from being removed.
TEST_F(DumpTableTest, AnOpenCursorHindersNobody) {
  MakeActor("alice", 2000);
  ASSERT_EQ(Ask("SELECT actorkv_retention('alice', '0')"), "24 hours");
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(
      sqlite3_prepare_v2(db()->get(), "SELECT key FROM actorkv_dump('alice')",
                         -1, &statement, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(other.Exec("DELETE FROM t; VACUUM"), SQLITE_OK) << other.Error();
  EXPECT_GT(other.QueryInt("SELECT actorkv_reclaim('alice')"), 100'000);
  ASSERT_EQ(other.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK);
  int rows = 1;
  int code = SQLITE_ROW;
  for (; code == SQLITE_ROW; ++rows) code = sqlite3_step(statement);
  EXPECT_EQ(code, SQLITE_DONE) << db()->Error();
  EXPECT_LT(rows, 200) << "what was removed was not told";
  sqlite3_finalize(statement);
}

TEST_F(DumpTableTest, StopsWhenItIsInterrupted) {
  MakeActor("alice", 2000);
  ExpectInterrupted("(SELECT count(*) FROM actorkv_dump('alice'))");
}

}  // namespace
}  // namespace actorkv
