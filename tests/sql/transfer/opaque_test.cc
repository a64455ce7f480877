// Opaque actors: keys that mean nothing, whatever they look like; and pairs
// above the limits of an import.

#include <map>
#include <string>
#include <vector>

#include "kv/base/metrics.h"
#include "kv/rivet/container.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

class OpaqueTest : public MigrateTest {
 protected:
  // Keys that Rivet's layouts have a meaning for, and one layout a conflict.
  static Pairs LikeRivets() {
    return {{"", "empty key"},
            {Unhex("01"), "state"},
            {Unhex("06"), Unhex("0400020000000000000001000000")},
            {Unhex("050101"), "other metadata"},
            {Unhex("0715010115"), "workflow of layout 0"},
            {Unhex("0601150101"), "workflow of layout 1"},
            {Unhex("08010000"), "no metadata"},
            {Unhex("080200"), "a version that is not known"},
            {Unhex("0801010000000000"), "no chunk"},
            {Unhex("09010000000000"), "chunk of layout 0"},
            {"document:checkpoint:current", ""},
            {Unhex("ff00ff"), std::string(1, '\0')}};
  }

  void WriteDump(const std::string& name, const Pairs& pairs) {
    std::string bytes;
    for (const auto& [key, value] : pairs) {
      bytes += EncodeKvBinEntry(key, value);
    }
    WriteFile(name, bytes);
  }

  void ImportOpaque(const std::string& actor, const Pairs& pairs) {
    WriteDump(actor + ".kv.bin", pairs);
    ASSERT_EQ(Ask("SELECT actorkv_import('" + actor + "', '$DIR/" + actor +
                  ".kv.bin', 'opaque')"),
              "0");
  }

  std::string Export(const std::string& actor, const std::string& form) {
    return Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + actor +
               ".out." + form + "', '" + form + "', 'head', 1)");
  }

  Pairs Exported(const std::string& actor, const std::string& form) {
    const std::string answer = Export(actor, form);
    EXPECT_NE(answer.substr(0, 6), "error:") << answer;
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    EXPECT_OK(OpenDump(File(actor + ".out." + form), &source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return {pairs.begin(), pairs.end()};
  }

  void ExpectExact(const std::string& actor, const Pairs& pairs) {
    for (const char* form : {"jsonl", "kv.bin"}) {
      EXPECT_TRUE(Exported(actor, form) == pairs) << form;
    }
  }
};

TEST_F(OpaqueTest, NoKeyMeansAnything) {
  ImportOpaque("a", LikeRivets());
  EXPECT_EQ(Ask("SELECT state, layout, legacy_bytes > 0 FROM actorkv_actors"),
            "legacy||1");
  EXPECT_EQ(Ask("SELECT DISTINCT namespace, layout, conflict FROM actorkv_kv"),
            "opaque||0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv"), "12");
  EXPECT_EQ(Ask("SELECT error, oversized_pairs FROM actorkv_migrations"), "|0");
  EXPECT_EQ(Ask("SELECT json_extract(record, '$.opaque', '$.layouts', "
                "'$.sqlite_bytes') FROM actorkv_dump('a', 'legacy')"),
            "[true,4,0]");
  ExpectExact("a", LikeRivets());
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  // It can be opened, and has no database.
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a", "&mode=ro")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(OpaqueTest, WhatItCannotBeIsSaid) {
  ImportOpaque("a", LikeRivets());
  ExpectBad({
      {"SELECT actorkv_migrate('a')", SQLITE_ERROR,
       "its pairs are opaque, so there is no database: SELECT "
       "actorkv_migrate(actor, 'tables') puts them into a table: actor=a"},
      {"SELECT actorkv_export('a', '$DIR/x', 'archive')", SQLITE_ERROR,
       "actor=a: its pairs are opaque, and an archive is of Rivet's pairs: "
       "export it as 'jsonl' or 'kv.bin'"},
      {"SELECT actorkv_export('a', '$DIR/x.db')", SQLITE_ERROR,
       "actor=a: its pairs are opaque, so it has no database"},
      {"SELECT actorkv_drop_legacy('a')", SQLITE_ERROR,
       "its pairs are opaque, so none of them is of a database: actor=a"},
  });
  EXPECT_EQ(Ask("SELECT actor, state, error FROM actorkv_migrate_all()"),
            "a|skipped|its pairs are opaque, so there is no database: SELECT "
            "actorkv_migrate(actor, 'tables') puts them into a table: actor=a");
  EXPECT_EQ(Ask("SELECT action FROM actorkv_migrate_plan"), "none");
  EXPECT_EQ(StateOf("a"), "legacy");
  EXPECT_EQ(Ask("SELECT attempts FROM actorkv_migrations"), "0");
  EXPECT_EQ(Listing().find("x"), std::string::npos) << Listing();
}

TEST_F(OpaqueTest, PairsBecomeRowsAndStayAsTheyCame) {
  ImportOpaque("a", LikeRivets());
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT group_concat(name) FROM sqlite_schema WHERE "
                         "type = 'table'"),
            "_actorkv_kv");
  std::string expected;
  for (const auto& [key, value] : LikeRivets()) {
    expected += (expected.empty() ? "" : "\n") + Hex(key) + "|" + Hex(value);
  }
  EXPECT_EQ(db.QueryText("SELECT lower(hex(key)), lower(hex(value)) FROM "
                         "_actorkv_kv ORDER BY key"),
            expected);
  ASSERT_EQ(db.Exec("DELETE FROM _actorkv_kv; CREATE TABLE t(x)"), SQLITE_OK);
  db.Close();
  // Whatever became of the database.
  ExpectExact("a", LikeRivets());
  EXPECT_EQ(Export("a", "db").substr(0, 6) == "error:", false);
  ExpectBad({{"SELECT actorkv_drop_legacy('a')", SQLITE_ERROR,
              "its pairs are opaque, so none of them is of a database: "
              "actor=a"}});
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'discard')"), "legacy");
  ExpectExact("a", LikeRivets());
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(OpaqueTest, ACopyIsOpaqueAsWell) {
  ImportOpaque("a", LikeRivets());
  EXPECT_EQ(Ask("SELECT actorkv_rename('a', 'b')"), "1");
  ExpectExact("b", LikeRivets());
  EXPECT_EQ(Ask("SELECT actorkv_backup('$DIR/backup') > 0"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_store('$DIR/backup')"), File("backup"));
  EXPECT_EQ(Ask("SELECT DISTINCT namespace FROM actorkv_kv"), "opaque");
}

class OversizedTest : public OpaqueTest {
 protected:
  // Two are above Rivet's limits, one of them by its key.
  static Pairs Large() {
    return {{Unhex("0401"), "small"},
            {Unhex("0402"), std::string(131073, 'v')},
            {"\4" + std::string(3000, 'k'), "long key"}};
  }
  void Keep() {
    ASSERT_EQ(Ask("SELECT actorkv_set('keep_oversized_pairs', 1)"), "0");
  }
};

TEST_F(OversizedTest, AreRefusedWithTheImport) {
  WriteDump("a.kv.bin", Large());
  ExpectBad({{"SELECT actorkv_import('a', '$DIR/a.kv.bin')", SQLITE_ERROR,
              "importing actor=a: $DIR/a.kv.bin: at byte 13: key=0402: a value "
              "of 131073 bytes is larger than the limit of 131072, the setting "
              "max_pair_value_bytes; to keep such pairs set "
              "keep_oversized_pairs"}});
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors"), "0");
}

TEST_F(OversizedTest, AreKeptAndCounted) {
  ASSERT_EQ(Ask("SELECT actorkv_store('$DIR/store')"), File("store"));
  MakeActor("other");
  Keep();
  const auto before = MetricsSnapshot::Take().value(Metric::kOversizedPairs);
  WriteDump("a.kv.bin", Large());
  EXPECT_EQ(Ask("SELECT actorkv_import('a', '$DIR/a.kv.bin')"), "0");
  EXPECT_EQ(MetricsSnapshot::Take().value(Metric::kOversizedPairs), before + 2);
  EXPECT_EQ(Ask("SELECT oversized_pairs, error FROM actorkv_migrations"),
            "2|2 pairs above the limits of 2048 bytes for a key and 131072 for "
            "a value");
  ExpectBad(
      {{"SELECT actorkv_export('a', '$DIR/x.jsonl', 'jsonl')", SQLITE_ERROR,
        "actor=a: Rivet takes no such pair: key=0402: a value of 131073 "
        "bytes is larger than the limit of 131072"},
       {"SELECT actorkv_export('a', '$DIR/x.kv.bin', 'kv.bin')", SQLITE_ERROR,
        "Rivet takes no such pair: key=0402"},
       {"SELECT actorkv_export('a', '$DIR/x', 'archive')", SQLITE_ERROR,
        "Rivet takes no such pair: key=0402"}});
  // What counts later are the limits of the import.
  EXPECT_EQ(Ask("SELECT actorkv_set('max_pair_value_bytes', 1000000)"),
            "131072");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT hex(key), value FROM _actorkv_kv"),
            "01|small");
  EXPECT_EQ(db.QueryText("SELECT length(key), length(value) FROM "
                         "_actorkv_oversized ORDER BY key"),
            "2|131073\n3001|8");
}

TEST_F(OversizedTest, OpaqueOnesGoOutAgain) {
  MakeActor("other");
  Keep();
  Pairs pairs = Large();
  pairs["largest"] = std::string(8'000'000, 'x');
  pairs[std::string(4000, 'k')] = "longest key";
  ImportOpaque("a", pairs);
  EXPECT_EQ(Ask("SELECT oversized_pairs FROM actorkv_migrations"), "4");
  ExpectExact("a", pairs);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT (SELECT count(*) FROM _actorkv_kv), (SELECT "
                         "count(*) FROM _actorkv_oversized)"),
            "1|4");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

// Where the limit is higher they are pairs like others.
TEST_F(OversizedTest, LimitsAreSettings) {
  MakeActor("other");
  EXPECT_EQ(Ask("SELECT actorkv_set('max_pair_value_bytes', 2000000)"),
            "131072");
  EXPECT_EQ(Ask("SELECT actorkv_set('max_pair_key_bytes', 4000)"), "2048");
  ImportOpaque("a", Large());
  EXPECT_EQ(Ask("SELECT oversized_pairs, error FROM actorkv_migrations"), "0|");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM _actorkv_kv"), "3");
  db.Close();
  EXPECT_EQ(Ask("SELECT actorkv_set('max_pair_value_bytes', 4)"), "2000000");
  WriteDump("b.kv.bin", Large());
  ExpectBad({{"SELECT actorkv_import('b', '$DIR/b.kv.bin', 'opaque')",
              SQLITE_ERROR, "a value of 5 bytes is larger than the limit of 4"},
             {"SELECT actorkv_set('max_pair_key_bytes', 4001)", SQLITE_ERROR,
              "max_pair_key_bytes is 4001, the limit is 4000"},
             {"SELECT actorkv_set('max_pair_value_bytes', 8000001)",
              SQLITE_ERROR, "the limit is 8000000"},
             {"SELECT actorkv_set('keep_oversized_pairs', 2)", SQLITE_ERROR,
              "keep_oversized_pairs is 2, the limit is 1"}});
}

}  // namespace
}  // namespace actorkv
