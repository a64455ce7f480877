// Archives that we write: whole or visibly not.
#include "kv/rivet/archive_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "kv/rivet/archive_reader.h"
#include "tests/support/listing.h"
#include "tests/support/pair_files.h"
#include "tests/support/step_kill.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

ActorMetadata Named(const std::string& id) {
  ActorMetadata metadata;
  metadata.source_actor_id = id;
  metadata.name = "counter";
  metadata.create_ts = 7;
  return metadata;
}

Status AddActor(ArchiveWriter* writer, const std::string& id) {
  std::unique_ptr<PairSink> sink;
  if (Status s = writer->AddActor(Named(id), &sink); !s.ok()) return s;
  if (Status s = sink->Add("\x04k", id); !s.ok()) return s;
  return sink->Finish();
}

Status Export(const std::string& path, const std::string& id) {
  std::unique_ptr<ArchiveWriter> writer;
  if (Status s = ArchiveWriter::Open(path, &writer); !s.ok()) return s;
  if (Status s = AddActor(writer.get(), id); !s.ok()) return s;
  return writer->Finish(/*now_ms=*/5);
}

TEST(ArchiveWriterTest, WritesWhatTheReaderReads) {
  const TempDir directory;
  const std::string path = directory.File("out");
  ASSERT_OK(Export(path + "/", "b"));
  ASSERT_OK(Export(path, "a"));
  std::unique_ptr<ArchiveReader> reader;
  ASSERT_OK(ArchiveReader::Open(path, &reader));
  EXPECT_EQ(reader->manifest().version, 1U);
  EXPECT_EQ(reader->manifest().generated_at, 5);
  EXPECT_EQ(reader->actor_ids(), (std::vector<std::string>{"a", "b"}));
  ArchiveActor actor;
  ASSERT_OK(reader->ReadActor("b", &actor));
  EXPECT_EQ(ToJson(actor.metadata), ToJson(Named("b")));
  EXPECT_EQ(FileContents(actor.kv_bin_path),
            std::string("\0\0\0\5\2\4k\1b", 9));
  // Nothing else is left in it, temporary names included.
  EXPECT_EQ(std::distance(fs::directory_iterator(path), {}), 2);
}

// As a writer leaves it that dies between an actor and the manifest. Any reader
// sees that it is not whole, and the next writer goes on with it.
TEST(ArchiveWriterTest, HalfAnArchiveIsNotTakenForAWhole) {
  const TempDir directory;
  const std::string path = directory.File("out");
  std::unique_ptr<ArchiveWriter> writer;
  std::unique_ptr<ArchiveReader> reader;
  ASSERT_OK(ArchiveWriter::Open(path, &writer));
  ASSERT_OK(AddActor(writer.get(), "a"));
  EXPECT_TRUE(IsError(ArchiveReader::Open(path, &reader),
                      Code::kInvalidArgument, "says 0 actors"));
  EXPECT_TRUE(IsError(Export(path, "a"), Code::kAlreadyExists, "/actors/a"));
  ASSERT_OK(Export(path, "b"));
  ASSERT_OK(ArchiveReader::Open(path, &reader));
  EXPECT_EQ(reader->manifest().actor_count, 2U);
  ASSERT_OK(AddActor(writer.get(), "c"));
  EXPECT_TRUE(IsError(ArchiveReader::Open(path, &reader),
                      Code::kInvalidArgument, "says 2 actors"));
  ASSERT_OK(writer->Finish(5));
  ASSERT_OK(ArchiveReader::Open(path, &reader));
  EXPECT_EQ(reader->manifest().actor_count, 3U);
}

// Nobody's directory of actors becomes an archive.
TEST(ArchiveWriterTest, ActorsWithoutAManifestAreNotOurs) {
  const TempDir directory;
  const std::string path = directory.File("out");
  fs::create_directories(path + "/actors/a");
  EXPECT_TRUE(IsError(Export(path, "b"), Code::kInvalidArgument,
                      "actors but no manifest.json"));
  EXPECT_EQ(std::distance(fs::directory_iterator(path), {}), 1);
}

TEST(ArchiveWriterTest, DISABLED_Writer) {
  BeginSteps();
  EndSteps(Export(ChildArgument(), "killed").ok());
}

void KillWriters(bool is_new) {
  const TempDir directory;
  const std::string path = directory.File("out");
  const auto prepare = [&] {
    fs::remove_all(path);
    if (!is_new) {
      ASSERT_OK(Export(path, "first"));
    }
  };
  const auto check = [&](bool finished) {
    ASSERT_OK(Export(path, "next"));
    std::unique_ptr<ArchiveReader> reader;
    ASSERT_OK(ArchiveReader::Open(path, &reader));
    std::vector<std::string> ids = reader->actor_ids();
    const bool is_there =
        std::find(ids.begin(), ids.end(), "killed") != ids.end();
    EXPECT_TRUE(is_there || !finished);
    EXPECT_EQ(ids.size(), (is_new ? 1U : 2U) + (is_there ? 1U : 0U));
    for (const std::string& id : ids) {
      ArchiveActor actor;
      ASSERT_OK(reader->ReadActor(id, &actor));
      EXPECT_EQ(FileContents(actor.kv_bin_path).substr(8), id);
    }
    EXPECT_EQ(Listing(path), "actors manifest.json");
  };
  if (KillAtEachStep("ArchiveWriterTest.DISABLED_Writer", path, prepare,
                     check) == 0) {
    GTEST_SKIP() << "tracing is not allowed";
  }
}

TEST(ArchiveWriterTest, KilledInANewArchive) { KillWriters(true); }
TEST(ArchiveWriterTest, KilledInAnArchive) { KillWriters(false); }

TEST(ArchiveWriterTest, AnActorThatIsGivenUpLeavesNothing) {
  const TempDir directory;
  const std::string path = directory.File("out");
  ASSERT_OK(Export(path, "a"));
  std::unique_ptr<ArchiveWriter> writer;
  ASSERT_OK(ArchiveWriter::Open(path, &writer));
  std::unique_ptr<PairSink> sink;
  ASSERT_OK(writer->AddActor(Named("b"), &sink));
  ASSERT_OK(sink->Add("k", "v"));
  sink.reset();
  EXPECT_EQ(std::distance(fs::directory_iterator(path), {}), 2);
  EXPECT_EQ(std::distance(fs::directory_iterator(path + "/actors"), {}), 1);
}

TEST(ArchiveWriterTest, RefusesWhatWouldReplaceOrMix) {
  const TempDir directory;
  const std::string path = directory.File("out");
  ASSERT_OK(Export(path, "a"));
  EXPECT_TRUE(IsError(Export(path, "a"), Code::kAlreadyExists, "/actors/a"));
  for (const char* id : {"", ".", "..", "x/y", ".hidden"}) {
    EXPECT_TRUE(IsError(Export(path, id), Code::kInvalidArgument,
                        "an id that is a file name"));
  }
  EXPECT_TRUE(
      IsError(Export(path, "\xff"), Code::kInvalidArgument, "not UTF-8"));
  const std::string foreign = directory.File("foreign");
  fs::copy(Sample("archive"), foreign, fs::copy_options::recursive);
  EXPECT_TRUE(IsError(Export(foreign, "b"), Code::kInvalidArgument,
                      "an archive that actorkv made"));
  WriteContents(directory.File("file"), "");
  EXPECT_TRUE(IsError(Export(directory.path(), "b"), Code::kInvalidArgument,
                      "the directory holds other files"));
  EXPECT_FALSE(fs::exists(directory.File("actors")));
  EXPECT_TRUE(IsError(Export(directory.File("file"), "b"),
                      Code::kInvalidArgument, "this is a regular file"));
  EXPECT_TRUE(IsError(Export("/dev/null", "b"), Code::kInvalidArgument,
                      "this is a character device: /dev/null"));
}

// Two that took the same name at once: the later one must not replace it.
TEST(ArchiveWriterTest, TheFirstOfTwoWins) {
  const TempDir directory;
  std::unique_ptr<ArchiveWriter> writer;
  ASSERT_OK(ArchiveWriter::Open(directory.File("out"), &writer));
  std::unique_ptr<PairSink> first;
  std::unique_ptr<PairSink> second;
  ASSERT_OK(writer->AddActor(Named("a"), &first));
  ASSERT_OK(writer->AddActor(Named("a"), &second));
  ASSERT_OK(first->Finish());
  EXPECT_TRUE(IsError(second->Finish(), Code::kAlreadyExists, "/actors/a"));
}

}  // namespace
}  // namespace actorkv
