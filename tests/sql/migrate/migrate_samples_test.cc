// Actors as Rivet stores and exports them, through the SQL: imported, looked
// at, migrated, exported in every form and imported again. tests/rivet/ has
// them and what must come out.

#include <map>

#include "kv/rivet/legacy_keys.h"
#include "tests/support/dump_loader.h"
#include "tests/support/rivet_index.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

using Pairs = std::map<std::string, std::string>;

class MigrateSamplesTest : public SqlTest {
 protected:
  static Pairs Dump(const std::string& path) {
    MemoryPairs pairs;
    LoadDump(path, &pairs);
    return *pairs.pairs();
  }

  Pairs Stored(const std::string& actor) {
    Pairs pairs;
    SqliteStatement statement(
        db()->get(),
        "SELECT key, value FROM actorkv_kv WHERE actor = '" + actor + "'");
    while (statement.Step() == SQLITE_ROW) {
      EXPECT_TRUE(pairs.emplace(statement.Blob(0), statement.Blob(1)).second);
    }
    EXPECT_EQ(statement.code(), SQLITE_DONE) << db()->Error();
    return pairs;
  }

  // The sum over an actor, live or not, by its export.
  std::string Sum(const std::string& actor) {
    const std::string name = "sum" + std::to_string(++sum_count_) + ".db";
    std::string answer =
        Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + name + "') >= 0");
    if (answer != "1") return answer;
    // What has the same bytes needs no second look.
    const std::string bytes = Contents(name);
    const auto known = known_.find(bytes);
    if (known != known_.end()) return known->second;
    return known_[bytes] = ContentSum(File(name));
  }

  // Reading the legacy form through the VFS.
  void ReadLegacy(const std::string& actor) {
    for (const char* more : {"", "&mode=ro"}) {
      SqliteDb db;
      ASSERT_EQ(db.Open(Uri(actor, more)), SQLITE_OK);
      EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
      db.Exec("CREATE TABLE mine(x)");
      EXPECT_EQ(db.ErrorCode() & 0xff, SQLITE_READONLY) << db.Error();
    }
  }

  // Exports it, imports that as another actor, and migrates it.
  void RoundTrip(const RivetSample& sample, const std::string& form) {
    SCOPED_TRACE(form);
    const std::string file = sample.id + "." + form;
    const std::string copy = "copy." + file;
    ASSERT_EQ(Ask("SELECT actorkv_export('" + sample.id + "', '$DIR/" + file +
                  "', '" + form + "') > 0"),
              "1");
    if (form == "archive") {
      // Actors of an archive come under their ids, so: another store.
      Ask("SELECT actorkv_store('$DIR/" + copy + "')");
      EXPECT_EQ(Ask("SELECT actor, state, error FROM "
                    "actorkv_import_all('$DIR/" +
                    file + "')"),
                sample.id + "|legacy|");
      EXPECT_EQ(Ask("SELECT actor, state, error FROM actorkv_migrate_all"),
                sample.id + "|live|");
      EXPECT_EQ(Sum(sample.id), sample.content_sha256);
      EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
      Ask("SELECT actorkv_store('$DIR/store')");
      return;
    }
    ASSERT_EQ(
        Ask("SELECT actorkv_import('" + copy + "', '$DIR/" + file + "') >= 0"),
        "1");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + copy + "')"), "live");
    EXPECT_EQ(Sum(copy), sample.content_sha256);
  }

  void TakeSound(const RivetSample& sample) {
    const std::string where = " WHERE actor = '" + sample.id + "'";
    const std::string plan =
        Ask("SELECT action, reason FROM actorkv_migrate_plan" + where);
    EXPECT_TRUE(plan.substr(0, 8) == "migrate|" ||
                plan.substr(0, 7) == "repair|")
        << plan;
    ReadLegacy(sample.id);
    EXPECT_EQ(Sum(sample.id), sample.content_sha256);
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + sample.id + "')"), "live")
        << Ask("SELECT error FROM actorkv_migrations" + where);
    EXPECT_EQ(Sum(sample.id), sample.content_sha256);
    // What was planned is what was done.
    EXPECT_EQ(Ask("SELECT state, phase, ifnull(repairs, ''), attempts FROM "
                  "actorkv_migrations" +
                  where),
              "live|commit|" + plan.substr(plan.find('|') + 1) + "|1");
    EXPECT_EQ(Ask("SELECT action, reason FROM actorkv_migrate_plan" + where),
              "none|live");
    EXPECT_EQ(Ask("SELECT layout, state FROM actorkv_actors" + where),
              "2|live");
    EXPECT_EQ(Ask("SELECT origin FROM actorkv_commits" + where), "migrate");
    for (const char* form : {"jsonl", "kv.bin", "archive"}) {
      RoundTrip(sample, form);
    }
  }

  void TakeDamaged(const RivetSample& sample) {
    const std::string where = " WHERE actor = '" + sample.id + "'";
    const std::string plan = Ask("SELECT reason FROM actorkv_migrate_plan" +
                                 where + " AND action = 'refuse'");
    ASSERT_NE(plan, "");
    const std::string answer =
        Ask("SELECT actorkv_migrate('" + sample.id + "')");
    const bool damaged =
        sample.id != "p-conflict" && sample.id != "m-schema-version2";
    EXPECT_EQ(db()->ErrorCode(), damaged ? SQLITE_CORRUPT : SQLITE_ERROR);
    const size_t at = plan.find(": ") + 2;  // past the code
    EXPECT_NE(answer.find(plan.substr(at)), std::string::npos) << answer;
    EXPECT_EQ(
        Ask("SELECT state, attempts, error FROM actorkv_migrations" + where),
        "failed|1|" + plan);
    EXPECT_EQ(Ask("SELECT state FROM actorkv_actors" + where), "failed");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_commits" + where), "");
  }

 private:
  int sum_count_ = 0;
  std::map<std::string, std::string> known_;  // sums by the bytes of files
};

// Pairs that are no part of a SQLite file.
Pairs Others(const Pairs& pairs) {
  Pairs others;
  for (const auto& [key, value] : pairs) {
    if (!IsSqliteKey(key)) others[key] = value;
  }
  return others;
}

TEST_F(MigrateSamplesTest, AllComeOutAsExpected) {
  for (const RivetSample& sample : RivetSamples()) {
    SCOPED_TRACE(sample.id);
    const std::string path = "tests/rivet/" + sample.file;
    const Pairs source = Dump(path);
    const std::string answer =
        Ask("SELECT actorkv_import('" + sample.id + "', '" + path + "') >= 0");
    ASSERT_EQ(answer, "1");
    EXPECT_EQ(Stored(sample.id), source);
    if (sample.outcome == "ok") TakeSound(sample);
    if (sample.outcome == "error") TakeDamaged(sample);
    if (sample.outcome == "ok_or_error") {
      EXPECT_EQ(Ask("SELECT actorkv_migrate('" + sample.id + "')"), "live");
      EXPECT_NE(Sum(sample.id), "");
    }
    EXPECT_EQ(Stored(sample.id), source);
  }
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

// Before the migration the pairs in layout 1 are exact, SQLite's as well;
// after it, SQLite's are made from the database.
TEST_F(MigrateSamplesTest, ExportOfLayoutZeroIsLayoutOne) {
  for (const RivetSample& sample : RivetSamples()) {
    if (sample.layout1_keyspace.empty()) continue;
    SCOPED_TRACE(sample.id);
    const Pairs expected = Dump("tests/rivet/" + sample.layout1_keyspace);
    ASSERT_EQ(Ask("SELECT actorkv_import('" + sample.id + "', 'tests/rivet/" +
                  sample.file + "') > 0"),
              "1");
    const std::string export_to =
        "SELECT actorkv_export('" + sample.id + "', '$DIR/" + sample.id;
    EXPECT_EQ(Ask(export_to + ".before', 'jsonl') > 0"), "1");
    EXPECT_EQ(Dump(File(sample.id + ".before")), expected);
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + sample.id + "')"), "live");
    EXPECT_EQ(Ask(export_to + ".after', 'jsonl') > 0"), "1");
    EXPECT_EQ(Others(Dump(File(sample.id + ".after"))), Others(expected));
  }
}

TEST_F(MigrateSamplesTest, AConflictNamesItsKeys) {
  ASSERT_EQ(Ask("SELECT actorkv_import('x', 'tests/rivet/p-conflict.jsonl.gz') "
                ">= 0"),
            "1");
  ExpectBad({
      {"SELECT actorkv_migrate('x')", SQLITE_ERROR, "090000"},
      {"SELECT actorkv_export('x', '$DIR/x.jsonl', 'jsonl')", SQLITE_ERROR,
       "actor=x"},
      {"SELECT actorkv_export('x', '$DIR/x.db')", SQLITE_ERROR, "actor=x"},
  });
  EXPECT_EQ(Listing(), "store");
}

TEST_F(MigrateSamplesTest, Archive) {
  EXPECT_EQ(Ask("SELECT actor, state, error FROM "
                "actorkv_import_all('tests/rivet/archive')"),
            "a1plain|legacy|\na2workflow|legacy|\na3crashed|legacy|\n"
            "a4v2|live|");
  // Again: each is there already, and is left alone.
  EXPECT_EQ(Ask("SELECT count(*), sum(state = 'failed'), "
                "sum(error LIKE '%the actor exists already%') FROM "
                "actorkv_import_all('tests/rivet/archive')"),
            "4|4|4");
  EXPECT_EQ(Ask("SELECT actor, state, error FROM actorkv_migrate_all"),
            "a1plain|live|\na2workflow|live|\na3crashed|live|");
  EXPECT_EQ(Ask("SELECT actor, state, attempts FROM actorkv_migrations"),
            "a1plain|live|1\na2workflow|live|1\na3crashed|live|1\n"
            "a4v2|live|0");
  const std::map<std::string, std::string> sums = {
      {"a1plain", Sum("a1plain")},
      {"a2workflow", Sum("a2workflow")},
      {"a3crashed", Sum("a3crashed")},
      {"a4v2", Sum("a4v2")}};
  for (const RivetSample& sample : RivetSamples()) {
    if (sample.id == "a-rk213-plain") {
      EXPECT_EQ(sums.at("a1plain"), sample.content_sha256);
    } else if (sample.id == "a-rk221-workflow-running") {
      EXPECT_EQ(sums.at("a2workflow"), sample.content_sha256);
    } else if (sample.id == "v213-crash-update-m50") {
      EXPECT_EQ(sums.at("a3crashed"), sample.content_sha256);
    }
  }
  EXPECT_EQ(sums.at("a4v2"), ContentSum("tests/rivet/archive.v2.db"));
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv WHERE actor = 'a4v2'"), "2");
  // It was never migrated, so there is nothing to go back to.
  ExpectBad({{"SELECT actorkv_unmigrate('a4v2')", SQLITE_ERROR,
              "the actor came with a database"}});

  // Out again, and in again elsewhere.
  EXPECT_EQ(Ask("SELECT actor, state, error FROM actorkv_export_all("
                "'$DIR/out', 'archive')"),
            "a1plain|exported|\na2workflow|exported|\na3crashed|exported|\n"
            "a4v2|exported|");
  Ask("SELECT actorkv_store('$DIR/other')");
  EXPECT_EQ(Ask("SELECT state, count(*) FROM actorkv_import_all('$DIR/out') "
                "GROUP BY state"),
            "legacy|4");
  EXPECT_EQ(Ask("SELECT state, count(*) FROM actorkv_migrate_all GROUP BY 1"),
            "live|4");
  for (const auto& [actor, sum] : sums) EXPECT_EQ(Sum(actor), sum) << actor;
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

}  // namespace
}  // namespace actorkv
