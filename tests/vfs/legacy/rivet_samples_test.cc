// Databases that Rivet wrote, sound, crashed and damaged, come out with the
// content that tests/rivet/index.json tells.

#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/dump_loader.h"
#include "tests/support/recovery_harness.h"
#include "tests/support/rivet_index.h"

namespace actorkv {
namespace {

class RivetSamplesTest : public RecoveryTest {
 protected:
  std::string ContentOfImage() {
    const std::string path = File("sample.db");
    WriteFile(path, ImageBytes());
    return ContentSum(path);
  }
};

TEST_F(RivetSamplesTest, AllComeOutAsExpected) {
  for (const RivetSample& sample : RivetSamples()) {
    SCOPED_TRACE(sample.id);
    Clear();
    const bool mapped = !sample.layout1_keyspace.empty();
    LoadDump("tests/rivet/" + (mapped ? sample.layout1_keyspace : sample.file),
             pairs());
    // Two layouts in one actor are refused when they are mapped to one.
    if (sample.id == "p-conflict") continue;
    const Status s = Run();
    if (sample.outcome == "error") {
      const bool version = sample.id == "m-schema-version2";
      EXPECT_EQ(s.code(), version ? Code::kNotSupported : Code::kCorruption)
          << s.ToString();
      continue;
    }
    ASSERT_OK(s);
    if (sample.outcome != "ok") continue;
    EXPECT_EQ(ContentOfImage(), sample.content_sha256);
  }
}

TEST_F(RivetSamplesTest, SaysWhatWasRepaired) {
  const struct {
    const char* file;
    const char* repairs;
  } cases[] = {
      {"v213-tiny.jsonl", ""},
      {"v213-holes.jsonl.gz",
       "29 free pages that were never written read as zeros"},
      {"v213-crash-update-m50.jsonl.gz", "rolled back a hot journal: 18 pages"},
      {"v213-crash-first-m50.jsonl.gz",
       "rolled back a hot journal: the first transaction of the database, "
       "which is empty again"},
      {"v221-crash-grow-m50.jsonl.gz", "rolled back a hot journal: 94 pages"},
      {"v221-crash-grow-jmid.jsonl.gz",
       "rolled back a hot journal: 46 pages (its other 48 records had not been "
       "written, nor had the database)"},
      {"v213-dead40.jsonl.gz", ""},
      {"n-wal-commits.jsonl.gz", "applied 32 WAL frames (5 transactions)"},
      {"m-missing-free-leaf.jsonl.gz",
       "1 free page that was never written reads as zeros"},
  };
  for (const auto& sample : cases) {
    SCOPED_TRACE(sample.file);
    Clear();
    LoadDump(std::string("tests/rivet/") + sample.file, pairs());
    ASSERT_OK(Run());
    EXPECT_EQ(Repairs(), sample.repairs);
    // Bytes 18 and 19.
    if (image()->page_count() > 0) {
      EXPECT_EQ(ImageBytes().substr(18, 2), "\x01\x01");
    }
  }
}

TEST_F(RivetSamplesTest, DamageIsNamed) {
  const struct {
    const char* file;
    const char* text;
  } cases[] = {
      {"m-bad-magic.jsonl.gz", "not a SQLite database"},
      {"m-missing-chunk-btree.jsonl.gz",
       "1 of 89 pages are not stored, and only 0 of them are free"},
  };
  for (const auto& sample : cases) {
    SCOPED_TRACE(sample.file);
    Clear();
    LoadDump(std::string("tests/rivet/") + sample.file, pairs());
    EXPECT_TRUE(IsError(Run(), Code::kCorruption, sample.text));
  }
}

// Nothing in the known version: that is no empty database.
TEST_F(RivetSamplesTest, AnUnknownVersionIsRefusedByName) {
  LoadDump("tests/rivet/m-schema-version2.jsonl.gz", pairs());
  EXPECT_TRUE(IsError(Run(), Code::kNotSupported,
                      "the database is kept in version 2 of its namespace, and "
                      "only version 1 is known: key=08020000"));
}

TEST_F(RivetSamplesTest, EightTebibytesCostNothing) {
  LoadDump("tests/rivet/m-meta-8tib.jsonl.gz", pairs());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_OK(Run());
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 60.0) << "all of it would take hours";
  EXPECT_EQ(image()->page_count(), 89u);
  EXPECT_EQ(Repairs(),
            "the metadata say a size of 8796093022208 bytes, the database has "
            "89 pages of 4096 bytes: that is its size");
}

}  // namespace
}  // namespace actorkv
