// Forms are told by content; every sample opens as what it is.
#include "kv/rivet/container.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "kv/rivet/kv_bin.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;
using std::string_literals::operator""s;

TEST(ContainerTest, FilesAreToldByContent) {
  const TempDir directory;
  const std::string path = directory.File("x.db");
  const struct {
    std::string bytes;
    ContainerForm form;
  } kCases[] = {
      {"", ContainerForm::kEmpty},
      {"SQLite format 3\0 and more"s, ContainerForm::kSqlite},
      {"SQLite format 3"s, ContainerForm::kUnknown},
      {"{\"k\":\"00\",\"v\":\"\"}\n", ContainerForm::kJsonLines},
      {" \n{", ContainerForm::kJsonLines},
      {"\n", ContainerForm::kJsonLines},
      {"\xef\xbb\xbf{\"k\":\"00\",\"v\":\"\"}", ContainerForm::kJsonLines},
      {"\xef\xbb\xbf", ContainerForm::kJsonLines},
      {"\xef\xbb{", ContainerForm::kUnknown},
      {EncodeKvBinEntry("k", "v"), ContainerForm::kKvBin},
      {EncodeKvBinEntry("/META", "v"), ContainerForm::kSqliteBin},
      {EncodeKvBinEntry("/DELTA/\0\0\0\0\0\0\0\2/\0\0\0\0"s,
                        std::string(200000, 'x')),
       ContainerForm::kSqliteBin},
      {EncodeKvBinEntry("/META2", "v"), ContainerForm::kKvBin},
      {EncodeKvBinEntry("/SHARD/", "v"), ContainerForm::kKvBin},
      {"\0\0"s, ContainerForm::kKvBin},
      {"\0\xff\xff\xff"s, ContainerForm::kUnknown},
      {"\xff\xff\xff\xff"s, ContainerForm::kUnknown},
      {"PK\3\4", ContainerForm::kUnknown},
  };
  for (const auto& c : kCases) {
    for (const bool gzip : {false, true}) {
      WriteContents(path, gzip ? Gzip(c.bytes) : c.bytes);
      Container container;
      ASSERT_OK(RecogniseContainer(path, &container));
      EXPECT_EQ(FormName(container.form), FormName(c.form)) << c.bytes;
      EXPECT_EQ(container.gzip, gzip);
    }
  }
}

TEST(ContainerTest, DirectoriesAreToldByContent) {
  const TempDir directory;
  Container container;
  const auto form = [&](const std::string& path) {
    EXPECT_OK(RecogniseContainer(path, &container));
    return container.form;
  };
  EXPECT_EQ(form(directory.path()), ContainerForm::kEmptyDirectory);
  for (const char* none :
       {"notes.txt", ".db", "db", "alice.DB", "x.jsonl.gz", "alice.db-wal"}) {
    WriteContents(directory.File(none), "");
  }
  EXPECT_EQ(form(directory.path()), ContainerForm::kOtherDirectory);
  for (const char* one : {"alice.db", "a.jsonl", "a.kv.bin", ".hidden.db"}) {
    const TempDir other;
    WriteContents(other.File(one), "");
    EXPECT_EQ(form(other.path()), ContainerForm::kActorFiles) << one;
  }
  WriteContents(directory.File("CURRENT"), "");
  EXPECT_EQ(form(directory.path()), ContainerForm::kRivetEngine);
  // A backup of a store has its marker and nobody's process.
  for (const char* ours : {"actorkv.format", "actorkv.pid"}) {
    WriteContents(directory.File(ours), "");
    EXPECT_EQ(form(directory.path()), ContainerForm::kActorkvStore) << ours;
    fs::remove(directory.File(ours));
  }
  EXPECT_EQ(form(Sample("archive")), ContainerForm::kArchive);
  const std::string half = directory.File("half");
  fs::create_directories(half + "/actors");
  EXPECT_EQ(form(half), ContainerForm::kArchive);
  EXPECT_TRUE(IsError(RecogniseContainer(directory.File("no"), &container),
                      Code::kNotFound, "/no"));
  EXPECT_TRUE(IsError(RecogniseContainer("/dev/null", &container),
                      Code::kInvalidArgument, "not a regular file"));
}

TEST(ContainerTest, DumpsOpen) {
  const TempDir directory;
  const std::string path = directory.File("x");
  std::unique_ptr<PairSource> source;
  std::vector<Pair> pairs;
  const std::vector<Pair> kOne = {{"k", "v"}};
  for (const std::string& bytes :
       {EncodeKvBinEntry("k", "v"), Gzip(EncodeKvBinEntry("k", "v")),
        std::string(R"({"k":"6b","v":"76"})")}) {
    WriteContents(path, bytes);
    ASSERT_OK(OpenDump(path, &source));
    ASSERT_OK(ReadAllPairs(source.get(), &pairs));
    EXPECT_EQ(pairs, kOne);
  }
  WriteContents(path, "PK\3\4");
  EXPECT_TRUE(IsError(OpenDump(path, &source), Code::kInvalidArgument,
                      "not a dump of an actor but nothing that is known here "
                      "(first bytes 504b0304): "));
  EXPECT_TRUE(IsError(OpenDump(Sample("archive.v2.db"), &source),
                      Code::kInvalidArgument, "but a SQLite database"));
  const std::string packed = Gzip(std::string(100, '{'));
  WriteContents(path, packed.substr(0, packed.size() - 9));
  const Status opened = OpenDump(path, &source);
  const Status s = opened.ok() ? ReadAllPairs(source.get(), &pairs) : opened;
  EXPECT_TRUE(IsError(s, Code::kCorruption, path + ": "));
  EXPECT_TRUE(IsError(s, Code::kCorruption, "it is cut short"));
}

TEST(ContainerTest, EverySampleOpens) {
  size_t dumps = 0;
  for (const auto& entry : fs::directory_iterator(Sample(""))) {
    const std::string path = entry.path().string();
    if (path.find(".jsonl") == std::string::npos) continue;
    std::unique_ptr<PairSource> source;
    ASSERT_OK(OpenDump(path, &source));
    std::vector<Pair> pairs;
    ASSERT_OK(ReadAllPairs(source.get(), &pairs));
    EXPECT_FALSE(pairs.empty()) << path;
    ++dumps;
  }
  EXPECT_EQ(dumps, 35U);
}

}  // namespace
}  // namespace actorkv
