// Databases that Rivet wrote, sound, crashed and damaged, come out with the
// content that tests/rivet/index.json tells.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <vector>

#include "tests/support/dump_loader.h"
#include "tests/support/recovery_harness.h"

namespace actorkv {
namespace {

struct Sample {
  std::string id;
  std::string file;
  std::string outcome;
  std::string content_sha256;
  std::string layout1_keyspace;
};

// The text of a field in a line like  "name": "text",
bool Field(const std::string& line, const std::string& name,
           std::string* text) {
  const std::string start = "\"" + name + "\": \"";
  const size_t at = line.find(start);
  if (at == std::string::npos) return false;
  const size_t begin = at + start.size();
  *text = line.substr(begin, line.find('"', begin) - begin);
  return true;
}

// The samples that are dumps, by the index, which has one field a line.
std::vector<Sample> Samples() {
  std::ifstream index("tests/rivet/index.json");
  std::vector<Sample> samples;
  std::string id;
  for (std::string line; std::getline(index, line);) {
    if (Field(line, "id", &id)) samples.push_back({id, "", "", "", ""});
    if (samples.empty()) continue;
    Sample& sample = samples.back();
    Field(line, "file", &sample.file);
    Field(line, "outcome", &sample.outcome);
    Field(line, "content_sha256", &sample.content_sha256);
    Field(line, "layout1_keyspace", &sample.layout1_keyspace);
  }
  // The archive is not a dump.
  while (!samples.empty() && samples.back().file.back() == '/') {
    samples.pop_back();
  }
  return samples;
}

class RivetSamplesTest : public RecoveryTest {
 protected:
  std::string ContentOfImage() {
    const std::string path = File("sample.db");
    WriteFile(path, ImageBytes());
    std::FILE* pipe =
        popen(("python3 tests/rivet/dbsum.py '" + path + "'").c_str(), "r");
    std::string text;
    std::array<char, 4096> buffer;
    for (size_t n = 0;
         (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
      text.append(buffer.data(), n);
    }
    EXPECT_EQ(pclose(pipe), 0) << text;
    std::string hash = text;
    Field(text, "content_sha256", &hash);
    return hash;
  }
};

TEST_F(RivetSamplesTest, AllComeOutAsExpected) {
  const std::vector<Sample> samples = Samples();
  ASSERT_GE(samples.size(), 22u);
  for (const Sample& sample : samples) {
    SCOPED_TRACE(sample.id);
    Clear();
    const bool mapped = !sample.layout1_keyspace.empty();
    LoadDump("tests/rivet/" + (mapped ? sample.layout1_keyspace : sample.file),
             pairs());
    // Two layouts in one actor are refused when they are mapped to one.
    if (sample.id == "p-conflict") continue;
    const Status s = Run();
    if (sample.outcome == "error") {
      EXPECT_EQ(s.code(), Code::kCorruption) << s.ToString();
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
      {"v213-crash-first-m50.jsonl.gz", "rolled back a hot journal: 0 pages"},
      {"v221-crash-grow-m50.jsonl.gz", "rolled back a hot journal: 94 pages"},
      {"v213-dead40.jsonl.gz", ""},
      {"n-wal-commits.jsonl.gz", "applied 32 WAL frames (5 transactions)"},
      {"m-missing-free-leaf.jsonl.gz",
       "1 free pages that were never written read as zeros"},
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

TEST_F(RivetSamplesTest, EightTebibytesCostNothing) {
  LoadDump("tests/rivet/m-meta-8tib.jsonl.gz", pairs());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_OK(Run());
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 5.0);
  EXPECT_EQ(image()->page_count(), 89u);
}

}  // namespace
}  // namespace actorkv
