// Archives: the sample, and copies of it that are broken in one way each.
#include "kv/rivet/archive_reader.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "kv/rivet/archive_layout.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

// A copy of the sample archive that a test may break.
class BrokenArchive {
 public:
  BrokenArchive() : path_(directory_.File("archive")) {
    fs::copy(Sample("archive"), path_, fs::copy_options::recursive);
  }
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

  // Replaces a part of a text file.
  void Edit(const std::string& name, const std::string& from,
            const std::string& to) const {
    std::string text = FileContents(File(name));
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    WriteContents(File(name), text.replace(at, from.size(), to));
  }

 private:
  TempDir directory_;
  std::string path_;
};

TEST(ArchiveReaderTest, ReadsTheSample) {
  std::unique_ptr<ArchiveReader> reader;
  ASSERT_OK(ArchiveReader::Open(Sample("archive"), &reader));
  EXPECT_EQ(reader->manifest().version, 2U);
  const std::vector<std::string> kIds = {"a1plain", "a2workflow", "a3crashed",
                                         "a4v2"};
  EXPECT_EQ(reader->actor_ids(), kIds);
  const size_t kPairs[] = {22, 33, 58, 2};
  for (size_t i = 0; i < kIds.size(); ++i) {
    ArchiveActor actor;
    ASSERT_OK(reader->ReadActor(kIds[i], &actor));
    EXPECT_EQ(actor.metadata.source_actor_id, kIds[i]);
    EXPECT_EQ(actor.metadata.create_ts, 1777000000000);
    EXPECT_EQ(actor.sqlite_bin_path.empty(), kIds[i] != "a4v2");
    std::unique_ptr<PairSource> source;
    ASSERT_OK(OpenKvBin(actor.kv_bin_path, &source));
    std::vector<Pair> pairs;
    ASSERT_OK(ReadAllPairs(source.get(), &pairs));
    EXPECT_EQ(pairs.size(), kPairs[i]) << kIds[i];
  }
}

TEST(ArchiveReaderTest, BrokenArchivesAreRefusedAsAWhole) {
  const struct {
    void (*damage)(const BrokenArchive& archive);
    Code code;
    const char* error;
  } kCases[] = {
      {[](const BrokenArchive& a) { fs::remove(a.File("manifest.json")); },
       Code::kInvalidArgument, "manifest.json is missing"},
      {[](const BrokenArchive& a) {
         a.Edit("manifest.json", R"("version": 2)", R"("version": 9)");
       },
       Code::kNotSupported, "an archive of version 9"},
      {[](const BrokenArchive& a) {
         a.Edit("manifest.json", R"("version")", R"("size": 1, "version")");
       },
       Code::kInvalidArgument, R"(the field "size" is not known)"},
      {[](const BrokenArchive& a) { fs::remove_all(a.File("actors/a4v2")); },
       Code::kInvalidArgument, "manifest.json says 4 actors, but there are 3"},
      {[](const BrokenArchive& a) { fs::remove_all(a.File("actors")); },
       Code::kInvalidArgument, "manifest.json says 4 actors, but there are 0"},
      {[](const BrokenArchive& a) { WriteContents(a.File("actors/x"), ""); },
       Code::kInvalidArgument, "not the directory of an actor"},
      {[](const BrokenArchive& a) {
         WriteContents(a.File("manifest.json"),
                       std::string(kMaxArchiveJsonBytes + 1, ' '));
       },
       Code::kInvalidArgument, "larger than the limit of 4194304 bytes"},
  };
  for (const auto& c : kCases) {
    const BrokenArchive archive;
    c.damage(archive);
    std::unique_ptr<ArchiveReader> reader;
    EXPECT_TRUE(
        IsError(ArchiveReader::Open(archive.path(), &reader), c.code, c.error));
  }
  std::unique_ptr<ArchiveReader> reader;
  EXPECT_TRUE(IsError(ArchiveReader::Open("/no/archive", &reader),
                      Code::kNotFound, "/no/archive"));
}

TEST(ArchiveReaderTest, BrokenActorsAreRefusedAlone) {
  const struct {
    void (*damage)(const BrokenArchive& archive);
    const char* error;
  } kCases[] = {
      {[](const BrokenArchive& a) {
         fs::remove(a.File("actors/a4v2/metadata.json"));
       },
       "metadata.json is missing"},
      {[](const BrokenArchive& a) { fs::remove(a.File("actors/a4v2/kv.bin")); },
       "kv.bin is missing"},
      {[](const BrokenArchive& a) {
         a.Edit("actors/a4v2/metadata.json", R"("v2")", "2");
       },
       R"(a4v2/metadata.json: "name" is not a string)"},
      {[](const BrokenArchive& a) {
         a.Edit("actors/a4v2/metadata.json", "a4v2", "a5");
       },
       R"("source_actor_id" is a5)"},
      {[](const BrokenArchive& a) {
         WriteContents(a.File("actors/a4v2/more.bin"), "");
       },
       "an archive of version 2 has no such file"},
      {[](const BrokenArchive& a) {
         fs::create_directory(a.File("actors/a4v2/more"));
       },
       "a4v2/more"},
      {[](const BrokenArchive& a) {
         a.Edit("manifest.json", R"("version": 2)", R"("version": 1)");
       },
       "an archive of version 1 has no such file"},
  };
  for (const auto& c : kCases) {
    const BrokenArchive archive;
    c.damage(archive);
    std::unique_ptr<ArchiveReader> reader;
    ASSERT_OK(ArchiveReader::Open(archive.path(), &reader));
    ArchiveActor actor;
    EXPECT_TRUE(IsError(reader->ReadActor("a4v2", &actor),
                        Code::kInvalidArgument, c.error));
    EXPECT_OK(reader->ReadActor("a1plain", &actor));
  }
}

TEST(ArchiveReaderTest, ErrorsOfPairsNameTheFile) {
  const BrokenArchive archive;
  const std::string path = archive.File("actors/a4v2/kv.bin");
  fs::resize_file(path, 14);
  std::unique_ptr<PairSource> source;
  ASSERT_OK(OpenKvBin(path, &source));
  std::vector<Pair> pairs;
  EXPECT_TRUE(IsError(ReadAllPairs(source.get(), &pairs), Code::kCorruption,
                      path + ": at byte 12: the length of an entry is cut"));
}

}  // namespace
}  // namespace actorkv
