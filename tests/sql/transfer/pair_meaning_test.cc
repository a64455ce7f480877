// What pairs mean where a key alone does not tell, and what becomes of them:
// alarms, versions that are not known, conflicts, databases that are not there,
// tables that a migration made.

#include <map>

#include "kv/rivet/container.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/legacy_keys.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

class PairMeaningTest : public MigrateTest {
 protected:
  static std::string KvBin(const Pairs& pairs) {
    std::string bytes;
    for (const auto& [key, value] : pairs) {
      bytes += EncodeKvBinEntry(key, value);
    }
    return bytes;
  }

  void Import(const std::string& name, const Pairs& pairs) {
    WriteFile(name + ".kv.bin", KvBin(pairs));
    ASSERT_EQ(Ask("SELECT actorkv_import('" + name + "', '$DIR/" + name +
                  ".kv.bin') >= 0"),
              "1");
  }

  Pairs Exported(const std::string& actor, const std::string& form) {
    const std::string name =
        actor + std::to_string(++export_count_) + "." + form;
    EXPECT_EQ(Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + name +
                  "', '" + form + "') >= 0"),
              "1");
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    const std::string more =
        form == "archive" ? "/actors/" + actor + "/kv.bin" : "";
    EXPECT_OK(OpenDump(File(name) + more, &source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return {pairs.begin(), pairs.end()};
  }

  const std::string alarm_ = Unhex("0100017f96980000000000");
  const std::string meta_ = Unhex("0400020000000000000001000000");

 private:
  int export_count_ = 0;
};

// Rivet 2.3.0 to 2.3.4.
TEST_F(PairMeaningTest, AnAlarmIsNoQueueMetadata) {
  const Pairs pairs = {{"\1", "state"},
                       {"\6", alarm_},
                       {Unhex("050101"), meta_},
                       {Unhex("0601150114"), "workflow"}};
  Import("a", pairs);
  EXPECT_EQ(Ask("SELECT namespace, hex(key), layout, conflict FROM actorkv_kv"),
            "state|01||0\nqueue_meta|050101|1|0\nalarm|06||0\n"
            "workflow|0601150114|1|0");
  EXPECT_EQ(Ask("SELECT layout FROM actorkv_actors"), "1");
  EXPECT_EQ(Exported("a", "jsonl"), pairs);
  EXPECT_EQ(Ask("SELECT action FROM actorkv_migrate_plan"), "migrate");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  for (const char* form : {"jsonl", "kv.bin", "archive"}) {
    EXPECT_EQ(Exported("a", form), pairs) << form;
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT hex(key) FROM _actorkv_meta ORDER BY 1"),
            "01\n050101\n06");
  db.Close();
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a')"), "legacy");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('a')"), "0");
  EXPECT_EQ(Exported("a", "jsonl"), pairs);
  EXPECT_EQ(Ask("SELECT error FROM actorkv_migrations"), "");
}

TEST_F(PairMeaningTest, OtherValuesOfSixAreKept) {
  int count = 0;
  for (const size_t bytes : {0U, 1U, 2U, 4U, 10U, 12U, 13U, 15U}) {
    const std::string name = "a" + std::to_string(++count);
    const Pairs pairs = {{"\1", "state"},
                         {"\6", std::string(bytes, '\1')},
                         {Unhex("050101"), meta_}};
    Import(name, pairs);
    EXPECT_EQ(Ask("SELECT namespace FROM actorkv_kv WHERE actor = '" + name +
                  "' AND key = x'06'"),
              "unknown");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + name + "')"), "live");
    EXPECT_EQ(Exported(name, "kv.bin"), pairs);
  }
}

TEST_F(PairMeaningTest, AnUnknownVersionOfTheDatabaseIsRefused) {
  const std::string refusal =
      "the database is kept in version 2 of its namespace, and only version 1 "
      "is known: key=0802";
  const Pairs versions = {{Unhex("08020000"), LegacyMetadata(4096)},
                          {Unhex("0802010000000000"), std::string(4096, 'x')}};
  Import("alone", versions);
  MakeLegacy("beside", versions);
  for (const char* actor : {"alone", "beside"}) {
    SCOPED_TRACE(actor);
    const std::string name = actor;
    ExpectBad({{("SELECT actorkv_migrate('" + name + "')").c_str(),
                SQLITE_ERROR, refusal.c_str()},
               {("SELECT actorkv_export('" + name + "', '$DIR/x.db')").c_str(),
                SQLITE_ERROR, refusal.c_str()}});
    EXPECT_EQ(StateOf(name), "failed");
    EXPECT_NE(Ask("SELECT reason FROM actorkv_migrate_plan WHERE action = "
                  "'refuse' AND actor = '" +
                  name + "'")
                  .find(refusal),
              std::string::npos);
    // Nor is an empty database shown.
    SqliteDb db;
    EXPECT_NE(db.Open(Uri(name)), SQLITE_OK);
    // The pairs are there as they came.
    const Pairs out = Exported(name, "jsonl");
    for (const auto& [key, value] : versions) EXPECT_EQ(out.at(key), value);
  }
}

TEST_F(PairMeaningTest, OtherUnknownVersionsAreKeptAndTold) {
  const Pairs odd = {{Unhex("050201"), "queue"},
                     {Unhex("050200000000000001"), "nine bytes"},
                     {Unhex("06020115"), "workflow"},
                     {Unhex("070215"), "traces"},
                     {"document:1", "text"}};
  MakeLegacy("a", odd);
  EXPECT_EQ(
      Ask("SELECT DISTINCT namespace FROM actorkv_kv WHERE layout IS NULL"),
      "unknown");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  const Pairs out = Exported("a", "kv.bin");
  for (const auto& [key, value] : odd) EXPECT_EQ(out.at(key), value);
  // Once each.
  EXPECT_EQ(Ask("SELECT error FROM actorkv_migrations"),
            "keys of an unknown version of the queue's namespace, kept as they "
            "are: 2 keys: 050200000000000001, 050201; "
            "keys of an unknown version of the workflow's namespace, kept as "
            "they are: 1 key: 06020115; "
            "keys of an unknown version of the traces' namespace, kept as they "
            "are: 1 key: 070215; "
            "keys of no known form, kept as they are: 1 key: 'document:1'");
}

// Pieces of a database that are not understood are no empty database.
TEST_F(PairMeaningTest, WhatLooksLikeADatabaseIsNotNone) {
  int count = 0;
  for (const char* key :
       {"08010004", "08010100000000", "090004", "09010000000000ff"}) {
    const std::string name = "a" + std::to_string(++count);
    Import(name, {{"\1", "state"}, {Unhex(key), "piece"}});
    ExpectBad(
        {{("SELECT actorkv_migrate('" + name + "')").c_str(), SQLITE_CORRUPT,
          "there is no database, but a key that looks like a piece of "
          "one: key="}});
  }
}

TEST_F(PairMeaningTest, AConflictCanBeDecidedWithoutLosingMore) {
  // What an actor of layout 0 looks like when a newer Rivet has begun it anew,
  // and one of layout 1 of which only a pair is left in layout 0.
  const std::string decide =
      "SELECT group_concat(json_object('k', hex(key), 'v', hex(value)), "
      "char(10)) FROM actorkv_kv WHERE actor = 'a' AND NOT (conflict AND "
      "layout = ";
  MakeFile("one.db", "");
  MemoryPairs one;
  one.AddDatabase(File("one.db"));
  Pairs pairs = *one.pairs();
  pairs[Unhex("050000000000000001")] = "m of 0";
  pairs[Unhex("0501020000000000000001")] = "m of 1";
  pairs[Unhex("0501020000000000000002")] = "only in 1";
  pairs[Unhex("050000000000000003")] = "only in 0";
  pairs[Unhex("0601150114")] = "workflow";
  pairs[Unhex("04aa")] = "user";
  Import("a", pairs);
  EXPECT_EQ(Ask("SELECT hex(key) FROM actorkv_kv WHERE conflict"),
            "050000000000000001\n0501020000000000000001");
  ExpectBad({{"SELECT actorkv_migrate('a')", SQLITE_ERROR, "1 key: "}});
  for (const std::string loser : {"0", "1"}) {
    SCOPED_TRACE(loser);
    WriteFile("decided.jsonl", Ask(decide + loser + ")") + "\n");
    const std::string name = "b" + loser;
    Ask("SELECT actorkv_import('" + name + "', '$DIR/decided.jsonl')");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + name + "')"), "live");
    const Pairs out = Exported(name, "kv.bin");
    EXPECT_EQ(out.at(Unhex("0501020000000000000001")),
              loser == "1" ? "m of 0" : "m of 1");
    EXPECT_EQ(out.at(Unhex("0501020000000000000002")), "only in 1");
    EXPECT_EQ(out.at(Unhex("0501020000000000000003")), "only in 0");
    EXPECT_EQ(out.at(Unhex("0601150114")), "workflow");
    EXPECT_EQ(out.at(Unhex("04aa")), "user");
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(name)), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "1");
  }
}

// A database is taken from one layout as a whole, its journal with it.
TEST_F(PairMeaningTest, ADatabaseInConflictIsOneThing) {
  std::unique_ptr<PairSource> source;
  std::vector<Pair> dump;
  ASSERT_OK(OpenDump("tests/rivet/v213-crash-update-m50.jsonl.gz", &source));
  ASSERT_OK(ReadAllPairs(source.get(), &dump));
  Pairs pairs;
  for (const auto& [key, value] : dump) {
    std::string zero;
    pairs[LayoutZeroKey(key, &zero) ? zero : key] = value;
  }
  MakeFile("fresh.db", "PRAGMA user_version = 7");
  MemoryPairs fresh;
  fresh.AddDatabase(File("fresh.db"));
  for (const auto& [key, value] : *fresh.pairs()) pairs[key] = value;
  Import("a", pairs);
  EXPECT_EQ(Ask("SELECT count(*) = sum(conflict), count(*) > 50 FROM "
                "actorkv_kv WHERE namespace LIKE 'sqlite%'"),
            "1|1");
  const struct {
    const char* loser;
    const char* sql;
    const char* rows;
  } cases[] = {{"0", "SELECT count(*) FROM t", "1"},
               {"1", "SELECT count(*) FROM acct", "1200"}};
  for (const auto& one : cases) {
    WriteFile("decided.jsonl",
              Ask(std::string("SELECT group_concat(json_object('k', hex(key), "
                              "'v', hex(value)), char(10)) FROM actorkv_kv "
                              "WHERE actor = 'a' AND NOT (conflict AND layout "
                              "= ") +
                  one.loser + ")") +
                  "\n");
    const std::string name = std::string("b") + one.loser;
    Ask("SELECT actorkv_import('" + name + "', '$DIR/decided.jsonl')");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + name + "')"), "live");
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(name)), SQLITE_OK);
    EXPECT_EQ(db.QueryText(one.sql), one.rows);
  }
}

TEST_F(PairMeaningTest, NoDatabaseStaysNone) {
  const Pairs pairs = {{"\1", "state"}, {"\4k", "v"}};
  Import("a", pairs);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  for (const char* form : {"jsonl", "kv.bin", "archive"}) {
    EXPECT_EQ(Exported("a", form), pairs) << form;
  }
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('a')"), "0");
  EXPECT_EQ(Exported("a", "jsonl"), pairs);
  // One that came with a database of no bytes has that.
  const Pairs empty = {
      {"\1", "state"},
      {LegacyMetadataKey(LegacyTag::kMain), LegacyMetadata(0)}};
  Import("c", empty);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('c')"), "live");
  EXPECT_EQ(Exported("c", "jsonl"), empty);
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('c')"), "14");
  EXPECT_EQ(Exported("c", "jsonl"), empty);
  // What was written is there.
  Write("a", "CREATE TABLE t(x)");
  EXPECT_EQ(Exported("a", "jsonl").size(), 5u);
}

// As a file it is a database in which nothing is, and that comes in again.
TEST_F(PairMeaningTest, ADatabaseOfNoPagesGoesRound) {
  Import("legacy", {{"\1", "state"}});
  Import("live", {{"\1", "state"}});
  EXPECT_EQ(Ask("SELECT actorkv_migrate('live')"), "live");
  for (const std::string actor : {"legacy", "live"}) {
    SCOPED_TRACE(actor);
    EXPECT_EQ(
        Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + actor + ".db')"),
        "4096");
    EXPECT_EQ(
        Ask("SELECT actorkv_import('" + actor + "2', '$DIR/" + actor + ".db')"),
        "1");
    Write(actor + "2", "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    EXPECT_EQ(Rows(actor + "2"), "1");
    SqliteDb plain;
    ASSERT_EQ(plain.Open(File(actor + ".db")), SQLITE_OK);
    EXPECT_EQ(plain.QueryText("PRAGMA integrity_check"), "ok");
  }
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(PairMeaningTest, TablesOfAMigrationStayHere) {
  const Pairs pairs = {{"\1", "state"}, {"\4k", std::string(20000, 'v')}};
  Import("none", pairs);
  MakeLegacy("some", pairs);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('none', 'tables')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('some')"), "live");
  const Pairs before = Exported("some", "jsonl");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('some', 'tables')"), "live");
  EXPECT_EQ(Ask("SELECT page_count > 10 FROM actorkv_actors"), "1\n1");
  for (const char* form : {"jsonl", "kv.bin", "archive"}) {
    SCOPED_TRACE(form);
    EXPECT_EQ(Exported("none", form), pairs);
    const Pairs after = Exported("some", form);
    ASSERT_EQ(after.size(), before.size());
    for (const auto& [key, value] : before) {
      // Page 1 has counters.
      if (key == LegacyChunkKey(LegacyTag::kMain, 0)) continue;
      EXPECT_EQ(after.at(key) == value, true) << Hex(key);
    }
    WriteFile("again.kv.bin", KvBin(after));
    const std::string name = std::string("again.") + form;
    Ask("SELECT actorkv_import('" + name + "', '$DIR/again.kv.bin')");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + name + "')"), "live");
    EXPECT_EQ(Rows(name), "1,2,3");
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(name)), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT group_concat(name) FROM sqlite_master"),
              "t");
  }
  // A plain file has them, and so has the past.
  EXPECT_EQ(Ask("SELECT actorkv_export('some', '$DIR/some.db') > 30000"), "1");
  SqliteDb plain;
  ASSERT_EQ(plain.Open(File("some.db")), SQLITE_OK);
  EXPECT_EQ(plain.QueryText("SELECT count(*) FROM sqlite_master WHERE name "
                            "LIKE '\\_actorkv\\_%' ESCAPE '\\' AND type = "
                            "'table'"),
            "6");
  // What was changed of a table's shape is the user's.
  Write("none", "ALTER TABLE _actorkv_kv ADD COLUMN mine");
  EXPECT_GT(Exported("none", "jsonl").size(), 8u);
}

}  // namespace
}  // namespace actorkv
