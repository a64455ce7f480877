// NewFile: whole or not there, and in place of a regular file alone.
#include "kv/files/new_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "kv/files/directory.h"
#include "kv/files/store_marker.h"
#include "tests/support/listing.h"
#include "tests/support/pair_files.h"
#include "tests/support/step_kill.h"
#include "tests/support/testing.h"
#include "tests/support/tiny_disk.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

Status Write(const std::string& path, bool overwrite, std::string_view bytes) {
  std::unique_ptr<NewFile> file;
  if (Status s = NewFile::Create(path, overwrite, &file); !s.ok()) return s;
  if (Status s = file->Append(bytes); !s.ok()) return s;
  return file->Finish();
}

struct stat Look(const std::string& path) {
  struct stat file = {};
  EXPECT_EQ(stat(path.c_str(), &file), 0) << path;
  return file;
}

// Files without a name while they are written, and files with one.
class NewFileTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { NewFile::NameAllForTesting(GetParam()); }
  void TearDown() override { NewFile::NameAllForTesting(false); }

  std::string File(const std::string& name) const {
    return directory_.File(name);
  }
  std::string Names() const { return Listing(directory_.path()); }

 private:
  const TempDir directory_;
};

INSTANTIATE_TEST_SUITE_P(NoNameAndName, NewFileTest, testing::Bool(),
                         [](const auto& each) {
                           return each.param ? "Named" : "Unnamed";
                         });

TEST_P(NewFileTest, AppearsWhenItIsWhole) {
  const std::string path = File("f");
  std::string bytes(3'000'001, 'a');
  for (size_t i = 0; i < bytes.size(); i += 7) bytes[i] = static_cast<char>(i);
  std::unique_ptr<NewFile> file;
  ASSERT_OK(NewFile::Create(path, /*overwrite=*/false, &file));
  ASSERT_OK(file->Append(std::string_view(bytes).substr(0, 10)));
  ASSERT_OK(file->Append(std::string_view(bytes).substr(10)));
  EXPECT_FALSE(fs::exists(path));
  ASSERT_OK(file->Finish());
  EXPECT_EQ(file->size_bytes(), bytes.size());
  file.reset();
  EXPECT_TRUE(FileContents(path) == bytes);
  EXPECT_EQ(Names(), "f");
}

// Not even with leave to overwrite, nor through a link.
TEST_P(NewFileTest, IsNotMadeInAStore) {
  ASSERT_TRUE(fs::create_directory(File("store")));
  ASSERT_OK(WriteMarker(File("store")));
  fs::create_symlink("store/CURRENT", File("link"));
  fs::create_symlink("store/actorkv.format", File("other"));
  for (const char* name :
       {"store/f", "store/CURRENT", "store/actorkv.format", "link", "other"}) {
    for (const bool overwrite : {false, true}) {
      EXPECT_TRUE(IsError(Write(File(name), overwrite, "x"),
                          Code::kInvalidArgument, "is a store"));
    }
  }
  EXPECT_TRUE(IsError(MakeDirectory(File("store/d")), Code::kInvalidArgument,
                      "is a store"));
  EXPECT_OK(MakeDirectory(File("store"))) << "it is there";
  EXPECT_EQ(Names(), "link other store");
  EXPECT_EQ(Listing(File("store")), "actorkv.format");
}

TEST_P(NewFileTest, LeavesNothingBehindWhenItIsGivenUp) {
  std::unique_ptr<NewFile> file;
  ASSERT_OK(NewFile::Create(File("f"), /*overwrite=*/false, &file));
  ASSERT_OK(file->Append("x"));
  file.reset();
  EXPECT_EQ(Names(), "");
}

TEST_P(NewFileTest, ReplacesOnlyWhenTold) {
  WriteContents(File("f"), "old");
  EXPECT_TRUE(IsError(Write(File("f"), false, "new"), Code::kAlreadyExists,
                      "it exists already: " + File("f")));
  EXPECT_EQ(FileContents(File("f")), "old");
  EXPECT_OK(Write(File("f"), true, "new"));
  EXPECT_EQ(FileContents(File("f")), "new");
  EXPECT_OK(Write(File("g"), true, "new"));
  EXPECT_EQ(Names(), "f g");
}

// What comes while it is written is seen at the end.
TEST_P(NewFileTest, LooksAgainAtTheEnd) {
  std::unique_ptr<NewFile> file;
  ASSERT_OK(NewFile::Create(File("f"), /*overwrite=*/false, &file));
  WriteContents(File("f"), "theirs");
  EXPECT_EQ(file->Finish().code(), Code::kAlreadyExists);
  ASSERT_OK(NewFile::Create(File("g"), /*overwrite=*/true, &file));
  ASSERT_EQ(mkfifo(File("g").c_str(), 0600), 0);
  EXPECT_TRUE(IsError(file->Finish(), Code::kInvalidArgument, "it is a FIFO"));
  WriteContents(File("h"), "theirs");
  ASSERT_OK(NewFile::Create(File("h"), /*overwrite=*/true, &file));
  fs::remove(File("h"));
  fs::create_symlink("f", File("h"));
  EXPECT_TRUE(
      IsError(file->Finish(), Code::kInvalidArgument, "it is a symbolic link"));
  // The mode of what was there counts, though it went.
  WriteContents(File("i"), "theirs");
  ASSERT_EQ(chmod(File("i").c_str(), 0640), 0);
  ASSERT_OK(NewFile::Create(File("i"), /*overwrite=*/true, &file));
  ASSERT_OK(file->Append("ours"));
  fs::remove(File("i"));
  EXPECT_OK(file->Finish());
  EXPECT_EQ(Look(File("i")).st_mode & 07777, 0640U);
  file.reset();
  EXPECT_EQ(FileContents(File("f")), "theirs");
  EXPECT_EQ(FileContents(File("i")), "ours");
  EXPECT_EQ(Names(), "f g h i");
}

TEST_P(NewFileTest, FollowsLinks) {
  ASSERT_TRUE(fs::create_directory(File("d")));
  WriteContents(File("d/end"), "old");
  fs::create_symlink("d/middle", File("f"));
  fs::create_symlink(File("d/end"), File("d/middle"));
  EXPECT_TRUE(IsError(Write(File("f"), false, "new"), Code::kAlreadyExists,
                      File("d/end")));
  EXPECT_OK(Write(File("f"), true, "new"));
  EXPECT_TRUE(fs::is_symlink(File("f")));
  EXPECT_TRUE(fs::is_symlink(File("d/middle")));
  EXPECT_FALSE(fs::is_symlink(File("d/end")));
  EXPECT_EQ(FileContents(File("d/end")), "new");
  EXPECT_EQ(Names(), "d f");
  EXPECT_EQ(Listing(File("d")), "end middle");
}

TEST_P(NewFileTest, KeepsModeOwnerAndAttributes) {
  const mode_t before = umask(022);
  WriteContents(File("f"), "old");
  ASSERT_EQ(chmod(File("f").c_str(), 0660), 0);
  const bool is_root = geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(chown(File("f").c_str(), 12345, 54321), 0);
  }
  const bool has_attributes =
      setxattr(File("f").c_str(), "user.note", "mine", 4, 0) == 0;
  EXPECT_OK(Write(File("f"), true, "new"));
  EXPECT_OK(Write(File("g"), true, "new"));
  umask(before);
  const struct stat file = Look(File("f"));
  EXPECT_EQ(file.st_mode & 07777, 0660U);
  EXPECT_EQ(file.st_uid, is_root ? 12345 : geteuid());
  if (is_root) {
    EXPECT_EQ(file.st_gid, 54321U);
  }
  if (has_attributes) {
    char value[10] = {};
    EXPECT_EQ(getxattr(File("f").c_str(), "user.note", value, 10), 4);
    EXPECT_STREQ(value, "mine");
  }
  EXPECT_EQ(FileContents(File("f")), "new");
  EXPECT_EQ(Look(File("g")).st_mode & 07777, 0644U);
}

// As the file is that it will replace.
TEST_P(NewFileTest, IsPrivateWhileItIsWritten) {
  WriteContents(File("f"), "old");
  ASSERT_EQ(chmod(File("f").c_str(), 0600), 0);
  std::unique_ptr<NewFile> file;
  ASSERT_OK(NewFile::Create(File("f"), /*overwrite=*/true, &file));
  for (const auto& entry : fs::directory_iterator(File(""))) {
    EXPECT_EQ(Look(entry.path().string()).st_mode & 07777, 0600U);
  }
}

// The other names of the file keep what it held.
TEST_P(NewFileTest, LeavesOtherHardLinks) {
  WriteContents(File("f"), "old");
  fs::create_hard_link(File("f"), File("g"));
  EXPECT_OK(Write(File("f"), true, "new"));
  EXPECT_EQ(FileContents(File("f")), "new");
  EXPECT_EQ(FileContents(File("g")), "old");
}

TEST_P(NewFileTest, ErrorsNameTheFile) {
  EXPECT_TRUE(
      IsError(Write(File("no/f"), false, ""), Code::kNotFound, File("no/f")));
  const std::string most(255, 'x');
  EXPECT_OK(Write(File(most), false, "new"));
  EXPECT_OK(Write(File(most), true, "new"));
  EXPECT_TRUE(IsError(Write(File(most + "x"), false, ""),
                      Code::kInvalidArgument, most + "x: the file system"));
  EXPECT_EQ(Names(), most);
}

// A disk that is full: the old file stays, and nothing beside it.
TEST_P(NewFileTest, AFullDiskLeavesTheOldFile) {
  TinyDisk disk("size=4m");
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount";
  WriteContents(disk.File("f"), "old");
  EXPECT_TRUE(IsError(Write(disk.File("f"), true, std::string(8 << 20, 'x')),
                      Code::kNoSpace, disk.File("f")));
  EXPECT_EQ(FileContents(disk.File("f")), "old");
  EXPECT_EQ(Listing(disk.File("")), "f");
}

// Two at once: the name means one or the other, whole, and then nothing is
// left.
TEST_P(NewFileTest, ManyWritersOfOneName) {
  constexpr int kFiles = 30;
  WriteContents(File("f"), std::string(1000, 'a'));
  std::vector<std::thread> threads;
  for (const char letter : {'a', 'b', 'c'}) {
    threads.emplace_back([&, letter] {
      for (int i = 0; i < kFiles; ++i) {
        EXPECT_OK(Write(File("f"), true, std::string(1000, letter)));
        const std::string read = FileContents(File("f"));
        EXPECT_EQ(read, std::string(1000, read.empty() ? 'x' : read[0]));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Names(), "f");
}

// ---- Writers that are killed ----------------------------------------------

constexpr size_t kNewBytes = 100'000;

// The argument: 'n' or 'u' (named or not), then the path.
TEST(NewFileKillTest, DISABLED_Writer) {
  const std::string argument = ChildArgument();
  NewFile::NameAllForTesting(argument[0] == 'n');
  BeginSteps();
  EndSteps(Write(argument.substr(1), true, std::string(kNewBytes, 'n')).ok());
}

void KillWriters(const std::string& kind, bool exists) {
  const TempDir directory;
  const std::string path = directory.File("f");
  const std::string old = exists ? std::string(1000, 'o') : "";
  const auto prepare = [&] {
    fs::remove(path);
    if (exists) WriteContents(path, old);
  };
  const auto check = [&](bool finished) {
    const bool is_new = FileContents(path) == std::string(kNewBytes, 'n');
    const bool is_old = FileContents(path) == old && fs::exists(path) == exists;
    EXPECT_TRUE(is_new || (is_old && !finished));
    EXPECT_OK(Write(directory.File("next"), true, "x"));
    EXPECT_EQ(Listing(directory.path()), fs::exists(path) ? "f next" : "next");
  };
  const int steps = KillAtEachStep("NewFileKillTest.DISABLED_Writer",
                                   kind + path, prepare, check);
  if (steps == 0) GTEST_SKIP() << "tracing is not allowed";
  // Open, write, sync, name, sync of the directory.
  EXPECT_GE(steps, 5);
}

TEST(NewFileKillTest, ANewFile) { KillWriters("u", false); }
TEST(NewFileKillTest, ANewFileWithAName) { KillWriters("n", false); }
TEST(NewFileKillTest, AReplacedFile) { KillWriters("u", true); }
TEST(NewFileKillTest, AReplacedFileWithAName) { KillWriters("n", true); }

}  // namespace
}  // namespace actorkv
