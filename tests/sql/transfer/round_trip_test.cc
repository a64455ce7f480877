// Round trips: import of an export is what was there. For each actor, legacy
// and live: out as pairs, in again, out again, the same bytes; and by SQL, pair
// by pair, in whatever layout it is. What cannot go out says so.

#include <filesystem>
#include <map>
#include <string>

#include "tests/support/dump_loader.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"
#include "tests/support/rivet_index.h"

namespace actorkv {
namespace {

class RoundTripTest : public MigrateTest {
 protected:
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

  std::string Export(const std::string& actor, const std::string& name,
                     const std::string& form) {
    return Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + name + "', '" +
               form + "') >= 0");
  }

  std::string Import(const std::string& actor, const std::string& name,
                     bool opaque) {
    return Ask("SELECT actorkv_import('" + actor + "', '$DIR/" + name + "'" +
               (opaque ? ", 'opaque'" : "") + ") >= 0");
  }

  // Exports `actor`, imports that as `copy`, and exports the copy. False where
  // the actor cannot go out.
  bool GoRound(const std::string& actor, const std::string& copy,
               const std::string& form, bool opaque) {
    const std::string first = actor + "." + copy + "." + form;
    const std::string second = copy + "." + form;
    const std::string answer = Export(actor, first, form);
    if (answer != "1") {
      EXPECT_NE(answer.find("one value in layout 0 and another in layout 1"),
                std::string::npos)
          << answer;
      return false;
    }
    EXPECT_EQ(Import(copy, first, opaque), "1");
    EXPECT_EQ(Export(copy, second, form), "1");
    EXPECT_TRUE(Contents(first) == Contents(second)) << form;
    return true;
  }

  // Copies the pairs by SQL, which is exact in every layout.
  void CopyRows(const std::string& actor, bool opaque) {
    const std::string copy = actor + "-rows";
    const std::string answer =
        Ask("SELECT actorkv_import_pairs('" + copy +
            "', actorkv_pair_set(key, value" + (opaque ? ", 'opaque'" : "") +
            ")) = count(*) FROM actorkv_kv WHERE actor = '" + actor + "'");
    EXPECT_EQ(answer, "1");
    EXPECT_TRUE(Stored(copy) == Stored(actor));
    const std::string columns =
        "SELECT namespace, hex(key), layout, conflict FROM actorkv_kv WHERE "
        "actor = '";
    EXPECT_EQ(Ask(columns + copy + "'"), Ask(columns + actor + "'"));
  }

  // A legacy actor that was imported as `name`.
  void ExpectRoundTrips(const std::string& name, bool opaque) {
    SCOPED_TRACE(name);
    const Pairs stored = Stored(name);
    CopyRows(name, opaque);
    const bool layout_0 =
        Ask("SELECT layout FROM actorkv_actors WHERE actor = '" + name + "'") ==
        "0";
    for (const std::string form : {"jsonl", "kv.bin"}) {
      const std::string copy = name + "-copy-" + form;
      if (!GoRound(name, copy, form, opaque)) continue;
      // Layout 0 goes out as layout 1; all else is what it was.
      if (!layout_0) {
        EXPECT_TRUE(Stored(copy) == stored);
      }
      EXPECT_NE(
          Ask("SELECT layout FROM actorkv_actors WHERE actor = '" + copy + "'"),
          "0");
    }
    EXPECT_TRUE(Stored(name) == stored);
    const std::string migrated = Ask("SELECT actorkv_migrate('" + name + "'" +
                                     (opaque ? ", 'tables')" : ")"));
    if (migrated == "live") ExpectLiveRoundTrips(name, opaque);
  }

  void ExpectLiveRoundTrips(const std::string& name, bool opaque) {
    SCOPED_TRACE("live");
    for (const std::string form : {"jsonl", "kv.bin"}) {
      const std::string copy = name + "-live-" + form;
      ASSERT_TRUE(GoRound(name, copy, form, opaque));
      EXPECT_EQ(Ask("SELECT actorkv_migrate('" + copy + "'" +
                    (opaque ? ", 'tables')" : ")")),
                "live");
      // The copy is live in the same way: pairs and database.
      EXPECT_EQ(Export(copy, copy + ".again", form), "1");
      EXPECT_TRUE(Contents(copy + ".again") == Contents(copy + "." + form));
      EXPECT_EQ(Export(name, copy + ".was.db", "db"), "1");
      EXPECT_EQ(Export(copy, copy + ".is.db", "db"), "1");
      if (!opaque) {
        EXPECT_EQ(ContentSum(File(copy + ".was.db")),
                  ContentSum(File(copy + ".is.db")));
      }
    }
  }

  void ImportPairs(const std::string& name, const Pairs& pairs, bool opaque) {
    std::string bytes;
    for (const auto& [key, value] : pairs) {
      bytes += EncodeKvBinEntry(key, value);
    }
    WriteFile(name + ".kv.bin", bytes);
    ASSERT_EQ(Import(name, name + ".kv.bin", opaque), "1");
  }
};

TEST_F(RoundTripTest, Samples) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/rivet")) {
    const std::string file = entry.path().filename();
    const size_t end = file.find(".jsonl");
    if (end == std::string::npos ||
        file.find("expected") != std::string::npos) {
      continue;
    }
    const std::string name = file.substr(0, end);
    ++count;
    ASSERT_EQ(Ask("SELECT actorkv_import('" + name + "', 'tests/rivet/" + file +
                  "') >= 0"),
              "1");
    ExpectRoundTrips(name, /*opaque=*/false);
    // The same file with keys that mean nothing.
    ASSERT_EQ(Ask("SELECT actorkv_import('" + name + "-opaque', 'tests/rivet/" +
                  file + "', 'opaque') >= 0"),
              "1");
    EXPECT_TRUE(Stored(name + "-opaque") == Stored(name + "-rows"));
    ExpectRoundTrips(name + "-opaque", /*opaque=*/true);
  }
  EXPECT_GT(count, 20);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(RoundTripTest, ActorsWithoutADatabaseAndWithAnEmptyOne) {
  const Pairs plain = {{Unhex("01"), "state"},
                       {Unhex("0203"), "connection"},
                       {Unhex("04"), ""},
                       {Unhex("0401"), "user"}};
  const std::map<std::string, Pairs> cases = {
      {"none", plain},
      {"unknown",
       {{"", "empty key"}, {Unhex("0a"), "unknown"}, {Unhex("0506"), "x"}}},
      {"layout0", {{Unhex("0715010115"), "w"}, {Unhex("01"), "state"}}},
      {"empty", {{Unhex("01"), "s"}, {Unhex("08010000"), LegacyMetadata(0)}}},
      {"alarm", {{Unhex("01"), "s"}, {Unhex("06"), Unhex("010000")}}},
  };
  for (const auto& [name, pairs] : cases) {
    ImportPairs(name, pairs, false);
    ExpectRoundTrips(name, false);
    ImportPairs(name + "-opaque", pairs, true);
    ExpectRoundTrips(name + "-opaque", true);
  }
  // Nothing of SQLite came with it, and nothing goes out.
  EXPECT_EQ(Export("none", "none.jsonl", "jsonl"), "1");
  EXPECT_EQ(Import("none-2", "none.jsonl", false), "1");
  EXPECT_TRUE(Stored("none-2") == plain);
  // As a plain file such an actor is a database of one page, and stays one.
  EXPECT_EQ(Export("none", "none.db", "db"), "1");
  EXPECT_EQ(Import("none-3", "none.db", false), "1");
  EXPECT_EQ(Ask("SELECT page_count FROM actorkv_actors WHERE actor = "
                "'none-3'"),
            "1");
  EXPECT_EQ(Export("none-3", "none-3.db", "db"), "1");
  EXPECT_TRUE(Contents("none-3.db").substr(28, 40) ==
              Contents("none.db").substr(28, 40));
}

TEST_F(RoundTripTest, ADatabaseOfPairsAndOneOfSql) {
  MakeLegacy("pairs", {{Unhex("01"), "state"}, {Unhex("0402"), "user"}});
  ExpectRoundTrips("pairs", false);
  MakeActor("sql", 100);
  ExpectLiveRoundTrips("sql", false);
}

}  // namespace
}  // namespace actorkv
