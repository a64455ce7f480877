// What Rivet's formats ask of every state of an actor, through the SQL, where
// no dump of Rivet's has it.

#include <filesystem>
#include <map>

#include "kv/rivet/container.h"
#include "kv/rivet/kv_bin.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/legacy_keys.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"
#include "tests/support/rivet_index.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class RivetFormatsTest : public MigrateTest {
 protected:
  static std::string KvBin(const Pairs& pairs) {
    std::string bytes;
    for (const auto& [key, value] : pairs) {
      bytes += EncodeKvBinEntry(key, value);
    }
    return bytes;
  }

  static Pairs PairsOf(const std::string& path) {
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    EXPECT_OK(OpenDump(path, &source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return {pairs.begin(), pairs.end()};
  }

  // The sum over the actor's database.
  std::string Sum(const std::string& actor) {
    const std::string name = "sum" + std::to_string(++sum_count_) + ".db";
    Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + name + "')");
    return ContentSum(File(name));
  }

  std::string Export(const std::string& actor, const std::string& form) {
    const std::string name = actor + ".out." + form;
    EXPECT_EQ(Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + name +
                  "', '" + form + "') > 0"),
              "1");
    return File(name);
  }

 private:
  int sum_count_ = 0;
};

// Keys of unknown namespaces, layouts, files and lengths are carried through
// import, migration and every export, byte for byte.
TEST_F(RivetFormatsTest, UnknownKeysAreCarriedThrough) {
  Pairs odd;
  for (const char* hex : {"",           "00",
                          "0100",       "05",
                          "050103",     "0601",
                          "0715",       "0815",
                          "0502",       "050200000000000001",
                          "06",         "0602",
                          "0702",       "08010004",
                          "0801000000", "0801010400000000",
                          "08010100",   "09",
                          "090004",     "09010400000000",
                          "0902",       "0a",
                          "ff",         "ff00ff"}) {
    odd[Unhex(hex)] = std::string("value of ") + hex;
  }
  MakeLegacy("a", odd);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv WHERE actor = 'a' AND "
                "namespace = 'unknown'"),
            std::to_string(odd.size()));
  const auto expect_all = [&](const std::string& path) {
    SCOPED_TRACE(path);
    const Pairs found = PairsOf(path);
    for (const auto& [key, value] : odd) {
      const auto at = found.find(key);
      ASSERT_TRUE(at != found.end()) << Hex(key);
      EXPECT_EQ(at->second, value) << Hex(key);
    }
  };
  expect_all(Export("a", "jsonl"));
  ASSERT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  expect_all(Export("a", "kv.bin"));
  ASSERT_EQ(Ask("SELECT actorkv_import('b', '$DIR/a.out.kv.bin') > 0"), "1");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('b')"), "live");
  expect_all(Export("b", "jsonl"));
  expect_all(Export("b", "archive") + "/actors/b/kv.bin");
  ASSERT_EQ(Ask("SELECT actorkv_drop_legacy('b') > 0"), "1");
  expect_all(Export("b", "kv.bin"));
  EXPECT_EQ(Rows("b"), "1,2,3");
}

// A journal and a WAL count in layout 0 as well, and so do holes and pages of
// other sizes.
TEST_F(RivetFormatsTest, FilesOfLayoutZeroAreRecovered) {
  int count = 0;
  for (const RivetSample& sample : RivetSamples()) {
    if (sample.outcome != "ok" || !sample.layout1_keyspace.empty()) continue;
    SCOPED_TRACE(sample.id);
    MemoryPairs stored;
    LoadDump(Sample(sample.file), &stored);
    Pairs moved;
    for (const auto& [key, value] : *stored.pairs()) {
      std::string zero;
      const bool is_file = IsSqliteKey(key);
      moved[is_file && LayoutZeroKey(key, &zero) ? zero : key] = value;
    }
    if (moved == *stored.pairs()) continue;
    ++count;
    WriteFile("zero.kv.bin", KvBin(moved));
    ASSERT_EQ(Ask("SELECT actorkv_import('" + sample.id +
                  "', '$DIR/zero.kv.bin') >= 0"),
              "1");
    EXPECT_EQ(Ask("SELECT layout FROM actorkv_actors WHERE actor = '" +
                  sample.id + "'"),
              "0");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + sample.id + "')"), "live");
    EXPECT_EQ(Sum(sample.id), sample.content_sha256);
  }
  EXPECT_GT(count, 8);
}

// An actor that Rivet moved from layout 1 may have its old pairs still: its
// database is that of the next layout.
TEST_F(RivetFormatsTest, SqliteBinCountsBeforePairsOfAnOldDatabase) {
  fs::copy(Sample("archive"), File("archive"), fs::copy_options::recursive);
  const std::string kv_bin = "archive/actors/a4v2/kv.bin";
  const std::string old = LegacyDump(
      File("old.db"), "CREATE TABLE old(x); INSERT INTO old VALUES(1);", {});
  WriteFile(kv_bin, Contents(kv_bin) + old);
  EXPECT_EQ(Ask("SELECT state, error FROM actorkv_import_all('$DIR/archive') "
                "WHERE actor = 'a4v2'"),
            "live|");
  const std::string expected = ContentSum(Sample("archive.v2.db"));
  EXPECT_EQ(Sum("a4v2"), expected);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv WHERE actor = 'a4v2' AND "
                "namespace = 'sqlite_meta'"),
            "1");
  Export("a4v2", "kv.bin");
  ASSERT_EQ(Ask("SELECT actorkv_import('b', '$DIR/a4v2.out.kv.bin') > 0"), "1");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('b')"), "live");
  EXPECT_EQ(Sum("b"), expected);
}

// Whatever is read, and whether or not it is any good.
TEST_F(RivetFormatsTest, SourcesAreNeverChanged) {
  fs::create_directory(File("in"));
  fs::copy(Sample("archive"), File("in/archive"), fs::copy_options::recursive);
  MakeFile("in/plain.db", "PRAGMA user_version = 3", 40);
  MakeFile("in/large.db", "", 12000);
  WriteFile("in/broken.db", Contents("in/plain.db").substr(0, 5000));
  fs::copy(Sample("v213-crash-update-m50.jsonl.gz"), File("in/dump.jsonl.gz"));
  WriteFile("in/broken.jsonl.gz", Contents("in/dump.jsonl.gz").substr(0, 3000));
  fs::copy(Sample("archive/actors/a3crashed/kv.bin"), File("in/actor.kv.bin"));
  using Files =
      std::map<std::string, std::pair<std::string, fs::file_time_type>>;
  const auto look = [&] {
    Files files;
    for (const auto& entry : fs::recursive_directory_iterator(File("in"))) {
      const std::string path = entry.path().string();
      files[path] = {entry.is_directory() ? "" : FileContents(path),
                     entry.last_write_time()};
    }
    return files;
  };
  const Files before = look();
  for (const char* name : {"plain.db", "large.db", "broken.db", "dump.jsonl.gz",
                           "broken.jsonl.gz", "actor.kv.bin"}) {
    Ask(std::string("SELECT actorkv_import('") + name + "', '$DIR/in/" + name +
        "')");
  }
  Ask("SELECT count(*) FROM actorkv_import_all('$DIR/in/archive')");
  Ask("SELECT count(*) FROM actorkv_migrate_all");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors WHERE state = 'live'"),
            "8");
  EXPECT_TRUE(look() == before);
}

}  // namespace
}  // namespace actorkv
