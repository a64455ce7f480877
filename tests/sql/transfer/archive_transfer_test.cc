// Containers by SQL: what import recognises and refuses, a whole store out,
// archives.

#include <filesystem>

#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

class ArchiveTransferTest : public MigrateTest {};

TEST_F(ArchiveTransferTest, ImportTellsWhatItGot) {
  MakeFile("plain.db", "");
  WriteFile("plain.db.gz", Gzip(Contents("plain.db")));
  std::filesystem::create_directory(File("empty"));
  MakeActor("alice");
  ExpectBad({
      {"SELECT actorkv_import('x', '$DIR/plain.db.gz')", SQLITE_ERROR,
       "it is packed, unpack it with gunzip: $DIR/plain.db.gz"},
      {"SELECT actorkv_import('x', 'tests/rivet/archive')", SQLITE_ERROR,
       "it holds more than one actor: SELECT * FROM actorkv_import_all(path)"},
      {"SELECT actorkv_import('x', '$DIR/store')", SQLITE_ERROR,
       "it is a store: open its actors as file:$DIR/store/ACTOR"},
      {"SELECT actorkv_import('x', '$DIR/empty')", SQLITE_ERROR,
       "not a file: $DIR/empty"},
      {"SELECT actorkv_import('x', '$DIR/none')", SQLITE_ERROR, "$DIR/none"},
      {"SELECT * FROM actorkv_import_all('$DIR/store')", SQLITE_ERROR,
       "not a directory of actors but a store of actorkv: open its actors as "
       "file:$DIR/store/ACTOR"},
      {"SELECT * FROM actorkv_import_all('$DIR/plain.db')", SQLITE_ERROR,
       "one actor is imported by actorkv_import(actor, path): $DIR/plain.db"},
      {"SELECT * FROM actorkv_import_all('$DIR/empty')", SQLITE_ERROR,
       "not a directory of actors but an empty directory: that is"},
      {"SELECT * FROM actorkv_import_all('$DIR/none')", SQLITE_ERROR,
       "$DIR/none"},
      {"SELECT * FROM actorkv_import_all(NULL)", SQLITE_ERROR,
       "which directory?"},
      {"SELECT * FROM actorkv_import_all('')", SQLITE_ERROR,
       "the path is empty"},
  });
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "alice");
}

TEST_F(ArchiveTransferTest, ABrokenDumpLeavesNothing) {
  const std::string line = "{\"k\":\"04\",\"v\":\"00\"}\n";
  const struct {
    std::string bytes;
    const char* text;
  } cases[] = {
      {line + line, "the key comes twice: key=04"},
      {line + R"({"k":"0)", "line 2"},
      {line + "{\"k\":\"040\",\"v\":\"\"}\n", "line 2"},
      {Gzip(line + line).substr(0, 20), "$DIR/dump"},
      {EncodeKvBinEntry("\x04", "v") + std::string("\0\0", 2), "at byte 8"},
      {EncodeKvBinEntry("\x04", "v") + "\xff\xff\xff\xff", "4294967295"},
  };
  for (const auto& bad : cases) {
    WriteFile("dump", bad.bytes);
    const std::string answer = Ask("SELECT actorkv_import('x', '$DIR/dump')");
    std::string text = bad.text;
    if (text.substr(0, 4) == "$DIR") text = File("dump");
    EXPECT_NE(answer.find(text), std::string::npos) << answer;
    EXPECT_EQ(answer.substr(0, 7), "error: ");
    EXPECT_EQ(Contents("dump"), bad.bytes);
    EXPECT_EQ(Ask("SELECT * FROM actorkv_actors"), "");
  }
  // The name is free.
  WriteFile("dump", Gzip(line));
  EXPECT_EQ(Ask("SELECT actorkv_import('x', '$DIR/dump')"), "0");
  EXPECT_EQ(StateOf("x"), "legacy");
}

TEST_F(ArchiveTransferTest, ANameThatIsTaken) {
  MakeActor("live");
  MakeLegacy("legacy");
  for (const char* name : {"live", "legacy"}) {
    for (const char* file : {"$DIR/legacy.kv.bin", "$DIR/legacy.src",
                             "tests/rivet/v213-tiny.jsonl"}) {
      const std::string sql =
          std::string("SELECT actorkv_import('") + name + "', '" + file + "')";
      ExpectBad({{sql.c_str(), SQLITE_ERROR, "the actor exists already"}});
    }
  }
  EXPECT_EQ(Rows("legacy"), "1,2,3");
  ExpectBad(
      {{"SELECT actorkv_rename('live', 'legacy')", SQLITE_ERROR, "legacy"},
       {"SELECT actorkv_rename('legacy', 'live')", SQLITE_ERROR, "live"}});
  EXPECT_EQ(Ask("SELECT actorkv_rename('legacy', 'other')"), "1");
  EXPECT_EQ(Rows("other"), "1,2,3");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('other')"), "live");
}

TEST_F(ArchiveTransferTest, ExportAllInEachForm) {
  MakeActor("live");
  MakeLegacy("legacy");
  MakeDamaged("damaged");
  ExpectBad({{"SELECT actorkv_migrate('damaged')", SQLITE_CORRUPT, "NULL"}});
  const struct {
    const char* form;
    const char* listing;
  } cases[] = {
      {"'db'", "legacy.db live.db"},
      {"'jsonl'", "damaged.jsonl legacy.jsonl live.jsonl"},
      {"'kv.bin'", "damaged.kv.bin legacy.kv.bin live.kv.bin"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.form);
    std::string listing = each.listing;
    const std::string out = std::string("out.") + (each.form + 1);
    const std::string sql =
        "SELECT actor, state, bytes > 0, error IS NULL FROM "
        "actorkv_export_all('$DIR/" +
        out.substr(0, out.size() - 1) + "', " + each.form + ")";
    const bool pairs = listing.substr(0, 7) == "damaged";
    const std::string damaged =
        pairs ? "damaged|exported|1|1" : "damaged|failed||0";
    EXPECT_EQ(Ask(sql), damaged + "\nlegacy|exported|1|1\nlive|exported|1|1");
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(
             File(out.substr(0, out.size() - 1)))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    std::string found;
    for (const std::string& name : names) {
      found += (found.empty() ? "" : " ") + name;
    }
    EXPECT_EQ(found, listing);
    // Nothing is replaced.
    EXPECT_EQ(Ask("SELECT count(*) FROM (" + sql + ") WHERE state = 'failed'"),
              "3");
  }
  EXPECT_EQ(Ask("SELECT count(*), sum(state = 'exported') FROM "
                "actorkv_export_all('$DIR/archive', 'archive')"),
            "3|3");
  ExpectBad({
      {"SELECT * FROM actorkv_export_all", SQLITE_ERROR,
       "into which directory?"},
      {"SELECT * FROM actorkv_export_all('$DIR/x', 'tar')", SQLITE_ERROR,
       "no form 'tar': it is 'db', 'jsonl', 'kv.bin', 'archive' or "
       "'salvage'"},
      {"SELECT * FROM actorkv_export_all('$DIR/legacy.src')", SQLITE_ERROR,
       "not a directory: $DIR/legacy.src"},
  });
}

// A file of an older export could have left one.
TEST_F(ArchiveTransferTest, ExportAllLooksForSidecars) {
  MakeActor("a");
  std::filesystem::create_directory(File("out"));
  WriteFile("out/a.db-wal", "x");
  EXPECT_EQ(Ask("SELECT state, error LIKE '%there is %a.db-wal, which SQLite "
                "would apply%' FROM actorkv_export_all('$DIR/out')"),
            "failed|1");
}

TEST_F(ArchiveTransferTest, AnArchiveKeepsItsMetadata) {
  ASSERT_EQ(Ask("SELECT count(*) FROM actorkv_import_all("
                "'tests/rivet/archive')"),
            "4");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('a1plain')"), "live");
  for (const char* actor : {"a1plain", "a3crashed", "a4v2"}) {
    SCOPED_TRACE(actor);
    ASSERT_EQ(Ask(std::string("SELECT actorkv_export('") + actor +
                  "', '$DIR/out', 'archive') > 0"),
              "1");
    const std::string name = std::string("actors/") + actor + "/metadata.json";
    // Equal but for spaces: json() takes them out.
    const auto metadata = [&](const std::string& path) {
      return Ask(
          "SELECT group_concat(key || '=' || ifnull(value, 'null')) "
          "FROM (SELECT * FROM json_each('" +
          FileContents(path) + "') ORDER BY key)");
    };
    const std::string before = metadata("tests/rivet/archive/" + name);
    EXPECT_NE(before.find("source_actor_id"), std::string::npos) << before;
    EXPECT_EQ(metadata(File("out/" + name)), before);
  }
  EXPECT_EQ(Ask("SELECT json_extract('" + Contents("out/manifest.json") +
                "', '$.version', '$.actor_count')"),
            "[1,3]");
  // Once more is too much.
  ExpectBad({{"SELECT actorkv_export('a1plain', '$DIR/out', 'archive')",
              SQLITE_ERROR, "a1plain"}});
}

TEST_F(ArchiveTransferTest, AnActorOfNoArchiveGetsMetadata) {
  MakeActor("mine");
  ASSERT_EQ(Ask("SELECT actorkv_export('mine', '$DIR/out', 'archive') > 4096"),
            "1");
  EXPECT_EQ(
      Ask("SELECT json_extract('" + Contents("out/actors/mine/metadata.json") +
          "', '$.name', '$.source_actor_id')"),
      "[\"mine\",\"mine\"]");
  Ask("SELECT actorkv_store('$DIR/other')");
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_import_all('$DIR/out')"),
            "mine|legacy");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('mine')"), "live");
}

}  // namespace
}  // namespace actorkv
