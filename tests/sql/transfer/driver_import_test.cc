// Actors of RivetKit's file-system driver: told from plain databases, brought
// in with name and key, and what is refused.

#include <filesystem>

#include "kv/rivet/container.h"
#include "tests/support/pair_files.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr char kNotes[] = "496029c6c674df20";
constexpr char kFlow[] = "9dc204d9ba2e7f0a";

class DriverImportTest : public SqlTest {
 protected:
  // A copy, as SQLite makes files beside a database in WAL mode.
  void CopySample(const std::string& name) {
    fs::copy(Sample(name), File(name), fs::copy_options::recursive);
  }

  std::vector<Pair> Dump(const std::string& path) {
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    EXPECT_OK(OpenDump(path, &source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return pairs;
  }

  // The pairs of a legacy actor are those of the sample that says so.
  void ExpectPairs(const std::string& actor, const std::string& expected) {
    const std::string out = actor + ".out.jsonl";
    EXPECT_EQ(Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + out +
                  "', 'jsonl', 'head', 1) > 0"),
              "1");
    EXPECT_EQ(Dump(File(out)), Dump(Sample(expected)));
  }

  void MakeKv(const std::string& name, const std::string& more) {
    SqliteDb db;
    ASSERT_EQ(db.Open(File(name)), SQLITE_OK);
    ASSERT_EQ(db.Exec("CREATE TABLE kv(key BLOB PRIMARY KEY NOT NULL, value "
                      "BLOB NOT NULL);" +
                      more),
              SQLITE_OK)
        << db.Error();
  }

  std::string Import(const std::string& actor, const std::string& file,
                     const std::string& more = "") {
    return Ask("SELECT actorkv_import('" + actor + "', '$DIR/" + file + "'" +
               more + ")");
  }

  std::string State(const std::string& actor) {
    return Ask("SELECT state FROM actorkv_actors WHERE actor = '" + actor +
               "'");
  }
};

TEST_F(DriverImportTest, AStoreComesWithNamesAndKeys) {
  for (const char* version : {"2.2.1", "2.1.3"}) {
    SCOPED_TRACE(version);
    const std::string sample = std::string("driver-") + version;
    CopySample(sample);
    EXPECT_EQ(
        Ask("SELECT actor, state, error, form FROM actorkv_import_all("
            "'$DIR/" +
            sample + "')"),
        std::string(kNotes) + "|legacy||driver\n" + kFlow + "|legacy||driver");
    EXPECT_EQ(
        Ask("SELECT actor, rivet_name, rivet_key FROM actorkv_actors"),
        std::string(kNotes) + "|notes|tenant/a\\/b\n" + kFlow + "|flow|f1");
    EXPECT_EQ(Ask("SELECT form FROM actorkv_migrations"), "driver\ndriver");
    for (const char* actor : {kNotes, kFlow}) {
      ExpectPairs(actor, sample + "-" + actor + ".expected.jsonl.gz");
      EXPECT_EQ(Ask("SELECT instr(error, 'says to wake it at_ms=') > 0 FROM "
                    "actorkv_migrations WHERE actor = '" +
                    std::string(actor) + "'"),
                "1");
      EXPECT_EQ(Ask("SELECT actorkv_migrate('" + std::string(actor) + "')"),
                "live");
      EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify('" +
                    std::string(actor) + "')"),
                "0");
      EXPECT_EQ(Ask("SELECT actorkv_purge('" + std::string(actor) + "') > 0"),
                "1");
    }
  }
}

TEST_F(DriverImportTest, ADatabasesDirectoryComesWithoutThem) {
  CopySample("driver-2.2.1");
  EXPECT_EQ(
      Ask("SELECT actor, state, form FROM actorkv_import_all("
          "'$DIR/driver-2.2.1/databases')"),
      std::string(kNotes) + "|legacy|driver\n" + kFlow + "|legacy|driver");
  EXPECT_EQ(Ask("SELECT count(rivet_name) FROM actorkv_actors"), "0");
  ExpectPairs(kNotes,
              std::string("driver-2.2.1-") + kNotes + ".expected.jsonl.gz");
}

TEST_F(DriverImportTest, PairsInTheStateFileOf20) {
  CopySample("driver-2.0.33");
  EXPECT_EQ(Ask("SELECT actor, state, form, error FROM actorkv_import_all("
                "'$DIR/driver-2.0.33')"),
            "7e7ebeb4fc423c1e|legacy|driver|");
  EXPECT_EQ(Ask("SELECT rivet_name, rivet_key FROM actorkv_actors"),
            "notes|tenant/a\\/b");
  ExpectPairs("7e7ebeb4fc423c1e",
              "driver-2.0.33-7e7ebeb4fc423c1e.expected.jsonl.gz");
}

// Rows of kv count before those of the state file, an empty kv does not, and
// tables of the user's are not thrown away.
TEST_F(DriverImportTest, AStateFileBesideADatabase) {
  CopySample("driver-2.0.33");
  fs::create_directories(File("driver-2.0.33/databases"));
  const std::string database = "driver-2.0.33/databases/7e7ebeb4fc423c1e.db";
  const std::string import =
      "SELECT state, error FROM actorkv_import_all('$DIR/driver-2.0.33')";
  MakeKv(database, "");
  EXPECT_EQ(Ask(import), "legacy|");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv"), "2");
  Ask("SELECT actorkv_purge('7e7ebeb4fc423c1e')");
  SqliteDb db;
  ASSERT_EQ(db.Open(File(database)), SQLITE_OK);
  ASSERT_EQ(db.Exec("INSERT INTO kv VALUES(x'01', x'00')"), SQLITE_OK);
  db.Close();
  EXPECT_EQ(Ask(import), "legacy|");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv"), "1");
  Ask("SELECT actorkv_purge('7e7ebeb4fc423c1e')");
  ASSERT_EQ(db.Open(File(database)), SQLITE_OK);
  ASSERT_EQ(db.Exec("DELETE FROM kv; CREATE TABLE mine(x)"), SQLITE_OK);
  db.Close();
  EXPECT_EQ(Ask("SELECT state, instr(error, 'tables of its own') > 0 FROM "
                "actorkv_import_all('$DIR/driver-2.0.33')"),
            "failed|1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors"), "0");
}

TEST_F(DriverImportTest, WhatIsMissingOrDamagedIsARow) {
  CopySample("driver-2.2.1");
  fs::remove(File("driver-2.2.1/databases/") + kNotes + ".db");
  WriteFile(std::string("driver-2.2.1/state/") + kFlow, "\3");
  EXPECT_EQ(Ask("SELECT actor, state, instr(error, 'is missing') > 0, "
                "instr(error, 'state/') > 0 FROM "
                "actorkv_import_all('$DIR/driver-2.2.1')"),
            std::string(kNotes) + "|failed|1|0\n" + kFlow + "|failed|0|1");
  // Without its state file an actor comes in, with a note.
  fs::remove(File("driver-2.2.1/state/") + kFlow);
  EXPECT_EQ(Ask("SELECT state FROM actorkv_import_all('$DIR/driver-2.2.1') "
                "WHERE actor = '" +
                std::string(kFlow) + "'"),
            "legacy");
  EXPECT_EQ(Ask("SELECT instr(error, 'which would have its name') > 0 FROM "
                "actorkv_migrations"),
            "1");
}

// A process that was killed leaves an empty page and all in its -wal.
TEST_F(DriverImportTest, TheWalIsAppliedOrMissed) {
  CopySample("driver-killed");
  const std::string file = "driver-killed/databases/917b6f569038ffa0.db";
  const std::string wal = Contents(file + "-wal");
  EXPECT_EQ(Ask("SELECT state, error FROM actorkv_import_all("
                "'$DIR/driver-killed')"),
            "legacy|");
  ExpectPairs("917b6f569038ffa0",
              "driver-killed-917b6f569038ffa0.expected.jsonl.gz");
  EXPECT_EQ(Contents(file + "-wal"), wal) << "the source is not changed";
  fs::remove(File(file) + "-wal");
  fs::remove(File(file) + "-shm");
  ExpectBad({{"SELECT actorkv_import('b', "
              "'$DIR/driver-killed/databases/917b6f569038ffa0.db')",
              SQLITE_ERROR, "its -wal is missing"},
             {"SELECT actorkv_import('b', "
              "'$DIR/driver-killed/databases/917b6f569038ffa0.db', 'pairs')",
              SQLITE_ERROR, "its -wal is missing"}});
  EXPECT_EQ(Import("b", file, ", 'db'"), "1");
  EXPECT_EQ(State("b"), "live");
}

// What is not surely the driver's is a database; an argument decides.
TEST_F(DriverImportTest, OnlyWhatIsSurelyItsIsTakenForPairs) {
  MakeKv("yes.db", "INSERT INTO kv VALUES(x'01', x'00'), (x'0461', x'62');");
  MakeKv("alarm.db",
         "INSERT INTO kv VALUES(x'01', x'00'), (x'06', x'010000');");
  MakeKv("no_state.db", "INSERT INTO kv VALUES(x'0461', x'62');");
  MakeKv("unknown.db", "INSERT INTO kv VALUES(x'01', x'00'), (x'ff', x'00');");
  MakeKv("bad_six.db", "INSERT INTO kv VALUES(x'01', x'00'), (x'06', x'00');");
  MakeKv("text.db", "INSERT INTO kv VALUES(x'01', x'00'), ('text', x'00');");
  MakeKv("view.db",
         "INSERT INTO kv VALUES(x'01', x'00'); CREATE VIEW v AS SELECT 1;");
  MakeKv("other.db",
         "INSERT INTO kv VALUES(x'01', x'00'); CREATE TABLE mine(x);");
  MakeKv("empty.db", "");
  MakeFile("plain.db", "");
  MakeFile("columns.db", "CREATE TABLE kv(key, value, more);");
  for (const char* name : {"yes", "alarm"}) {
    Import(name, std::string(name) + ".db");
    EXPECT_EQ(State(name), "legacy") << name;
  }
  for (const char* name : {"no_state", "unknown", "bad_six", "text", "view",
                           "other", "empty", "plain", "columns"}) {
    Import(name, std::string(name) + ".db");
    EXPECT_EQ(State(name), "live") << name;
  }
  EXPECT_EQ(Import("forced_db", "yes.db", ", 'db'"), "3");
  EXPECT_EQ(State("forced_db"), "live");
  for (const char* name : {"no_state", "unknown", "bad_six", "view", "other"}) {
    const std::string actor = std::string("forced_") + name;
    EXPECT_EQ(Import(actor, std::string(name) + ".db", ", 'pairs'"), "0");
    EXPECT_EQ(State(actor), "legacy") << name;
  }
  ExpectBad({
      {"SELECT actorkv_import('x', '$DIR/text.db', 'pairs')", SQLITE_ERROR,
       "table kv has a key that is no blob: key='text'"},
      {"SELECT actorkv_import('x', '$DIR/plain.db', 'pairs')", SQLITE_ERROR,
       "there is no table kv"},
      {"SELECT actorkv_import('x', '$DIR/columns.db', 'pairs')", SQLITE_ERROR,
       "there is no table kv with the columns key and value"},
      {"SELECT actorkv_import('x', '$DIR/empty.db', 'pairs')", SQLITE_ERROR,
       "there is no pair in its table kv"},
      {"SELECT actorkv_import('x', '$DIR/yes.db', 'rows')", SQLITE_ERROR,
       "no option 'rows': it is 'pairs', 'db', 'opaque' or left out"},
  });
  WriteFile("dump.jsonl", "{\"k\":\"01\",\"v\":\"00\"}\n");
  EXPECT_EQ(Import("dump", "dump.jsonl", ", 'pairs'"), "0");
  ExpectBad({{"SELECT actorkv_import('x', '$DIR/dump.jsonl', 'db')",
              SQLITE_ERROR, "it is JSON lines, and no database"}});
  EXPECT_EQ(State("x"), "");
}

// Tables kv whose rows SQLite did not have to check.
TEST_F(DriverImportTest, RowsThatAreNoPairsAreNamed) {
  const struct {
    const char* name;
    const char* rows;
    const char* text;
  } kCases[] = {
      {"null_key", "(NULL, x'00')", "table kv has a key that is no blob: key="},
      {"number_key", "(7, x'00')",
       "table kv has a key that is no blob: key='7'"},
      {"null_value", "(x'0461', NULL)",
       "table kv has a value that is no blob: key="},
      {"text_value", "(x'0461', 'text')",
       "table kv has a value that is no blob: key="},
      {"twice", "(x'01', x'01')", "the key comes twice: key=01"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string file = std::string(c.name) + ".db";
    SqliteDb db;
    ASSERT_EQ(db.Open(File(file)), SQLITE_OK);
    ASSERT_EQ(db.Exec(std::string("CREATE TABLE kv(key, value); INSERT INTO kv "
                                  "VALUES(x'01', x'00'), ") +
                      c.rows),
              SQLITE_OK);
    db.Close();
    const std::string answer = Import("forced", file, ", 'pairs'");
    EXPECT_NE(answer.find(c.text), std::string::npos) << answer;
    EXPECT_EQ(State("forced"), "");
    EXPECT_EQ(Import(c.name, file, ", 'db'"), "2");
    EXPECT_EQ(State(c.name), "live");
  }
}

TEST_F(DriverImportTest, LimitsAndInterruptsLeaveNothing) {
  MakeKv("large.db",
         "INSERT INTO kv VALUES(x'01', x'00'), (x'0461', "
         "zeroblob(131073));");
  MakeKv("good.db", "INSERT INTO kv VALUES(x'01', x'00');");
  const std::string before = Contents("large.db");
  ExpectBad({{"SELECT actorkv_import('x', '$DIR/large.db')", SQLITE_ERROR,
              "a value of 131073 bytes"}});
  ExpectInterrupted("actorkv_import('x', '$DIR/good.db')");
  EXPECT_EQ(State("x"), "");
  EXPECT_EQ(Contents("large.db"), before);
  EXPECT_EQ(Import("x", "good.db"), "0");
}

}  // namespace
}  // namespace actorkv
