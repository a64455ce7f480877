// A directory that is held: what becomes of its path, and of the files in it.

#include "kv/files/opened_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class OpenedDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    MakeStore("store");
    ASSERT_OK(OpenedDirectory::Open(path_, &opened_));
    ASSERT_OK(opened_->CheckNotMoved());
  }

  void MakeStore(const std::string& name) {
    fs::create_directory(dir_.File(name));
    ASSERT_OK(WriteMarker(dir_.File(name)));
  }

  // A look that nothing remembered makes unnecessary.
  Status Look() { return opened_->CheckNotMoved(); }

  bool IsHolding() {
    FileAccess access;
    return opened_->IsHolding(&access);
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("store");
  const std::string aside_ = dir_.File("aside");
  std::shared_ptr<OpenedDirectory> opened_;
};

TEST_F(OpenedDirectoryTest, FilesAreMadeWhereverTheDirectoryIs) {
  fs::rename(path_, aside_);
  MakeStore("store");
  std::ofstream(opened_->work_path() + "/file") << "x";
  EXPECT_TRUE(fs::exists(aside_ + "/file"));
  EXPECT_FALSE(fs::exists(path_ + "/file"));
}

TEST_F(OpenedDirectoryTest, MovedAndPutBack) {
  fs::rename(path_, aside_);
  const Status moved = Look();
  EXPECT_TRUE(IsError(moved, Code::kFenced,
                      path_ +
                          " was moved, removed or replaced (there is "
                          "nothing of that name now; the one that was "
                          "opened is " +
                          aside_ + " now)"));
  EXPECT_TRUE(IsHolding()) << "its files are its own";
  fs::rename(aside_, path_);
  EXPECT_OK(Look());
}

TEST_F(OpenedDirectoryTest, AParentThatIsMoved) {
  const std::string parent = dir_.File("parent");
  fs::create_directory(parent);
  MakeStore("parent/store");
  ASSERT_OK(OpenedDirectory::Open(parent + "/store", &opened_));
  fs::rename(parent, aside_);
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "nothing of that name"));
}

TEST_F(OpenedDirectoryTest, SwappedForAnother) {
  fs::rename(path_, aside_);
  MakeStore("store");
  EXPECT_TRUE(
      IsError(Look(), Code::kFenced, "another directory has that name now"));
}

// A copy carries the id along.
TEST_F(OpenedDirectoryTest, SwappedForACopyOfItself) {
  fs::copy(path_, dir_.File("copy"));
  fs::rename(path_, aside_);
  fs::rename(dir_.File("copy"), path_);
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "another directory"));
}

// As backup programs make them: the marker is the same file in both.
TEST_F(OpenedDirectoryTest, SwappedForACopyOfLinks) {
  fs::create_directory(dir_.File("copy"));
  fs::create_hard_link(path_ + "/actorkv.format",
                       dir_.File("copy") + "/actorkv.format");
  EXPECT_OK(Look());
  fs::rename(path_, aside_);
  fs::rename(dir_.File("copy"), path_);
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "another directory"));
}

TEST_F(OpenedDirectoryTest, RemovedAndMadeAgain) {
  for (int i = 0; i < 20; ++i) {
    fs::remove_all(path_);
    EXPECT_TRUE(IsError(Look(), Code::kFenced, "nothing of that name"));
    EXPECT_FALSE(IsHolding());
    MakeStore("store");
    EXPECT_TRUE(IsError(Look(), Code::kFenced, "another directory"));
    ASSERT_OK(OpenedDirectory::Open(path_, &opened_));
  }
}

TEST_F(OpenedDirectoryTest, OtherFilesInTheSameDirectory) {
  MakeStore("other");
  const std::string marker = path_ + "/actorkv.format";
  const std::string others = dir_.File("other") + "/actorkv.format";
  // As rsync does it.
  fs::rename(others, marker);
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "files of another store"));
  EXPECT_FALSE(IsHolding());
}

// As cp does it: the inode stays.
TEST_F(OpenedDirectoryTest, AnotherMarkerWrittenOverIt) {
  MakeStore("other");
  fs::copy(dir_.File("other") + "/actorkv.format", path_ + "/actorkv.format",
           fs::copy_options::overwrite_existing);
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "files of another store"));
}

TEST_F(OpenedDirectoryTest, AMarkerThatIsGoneOrDamaged) {
  fs::rename(path_ + "/actorkv.format", aside_);
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "its marker is gone"));
  fs::rename(aside_, path_ + "/actorkv.format");
  EXPECT_OK(Look());
  std::ofstream(path_ + "/actorkv.format") << "something else\n";
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "not a store marker: " + path_));
}

TEST_F(OpenedDirectoryTest, WhatOnlyLooksLikeAChange) {
  const std::string marker = path_ + "/actorkv.format";
  ASSERT_EQ(chmod(marker.c_str(), 0600), 0);
  EXPECT_OK(Look());
  fs::create_hard_link(marker, aside_);
  EXPECT_OK(Look());
  fs::remove(aside_);
  EXPECT_OK(Look());
  std::ofstream(path_ + "/file") << "x";
  EXPECT_OK(Look());
  // The directory at another place, with a link where it was.
  fs::rename(path_, aside_);
  fs::create_directory_symlink(aside_, path_);
  EXPECT_OK(Look());
}

TEST_F(OpenedDirectoryTest, AMarkerThatGetsItsId) {
  std::ofstream(path_ + "/actorkv.format") << "actorkv store, format 1\n";
  ASSERT_OK(OpenedDirectory::Open(path_, &opened_));
  ASSERT_OK(Look());
  bool raised = false;
  ASSERT_OK(RaiseMarker(path_, &raised));
  EXPECT_TRUE(raised);
  EXPECT_OK(Look()) << "the same store";
  EXPECT_TRUE(IsHolding());
  ASSERT_OK(RaiseMarker(path_, &raised));
  EXPECT_FALSE(raised);
  fs::remove(path_ + "/actorkv.format");
  ASSERT_OK(WriteMarker(path_));
  EXPECT_TRUE(IsError(Look(), Code::kFenced, "files of another store"));
}

TEST_F(OpenedDirectoryTest, ADirectoryWithoutAMarker) {
  const std::string bare = dir_.File("bare");
  fs::create_directory(bare);
  ASSERT_OK(OpenedDirectory::Open(bare, &opened_));
  EXPECT_OK(Look());
  EXPECT_TRUE(IsHolding());
  fs::rename(bare, aside_);
  EXPECT_EQ(Look().code(), Code::kFenced);
}

TEST_F(OpenedDirectoryTest, ErrorsNameItAsItWasOpened) {
  ASSERT_NE(opened_->work_path(), path_) << "/proc is needed here";
  const Status named = opened_->Named(
      Status::NoSpace("write " + opened_->work_path() + "/LOG: full"));
  EXPECT_EQ(named.ToString(), "no space: write " + path_ + "/LOG: full");
  EXPECT_OK(opened_->Named(Status::Ok()));
  EXPECT_EQ(
      WithoutDescriptors("a /proc/self/fd/12/b, /proc/self/fd/3: c", "/d"),
      "a /d/b, /d: c");
  EXPECT_EQ(WithoutDescriptors("/proc/self/fd/ /proc/self", "/d"),
            "/proc/self/fd/ /proc/self");
}

TEST_F(OpenedDirectoryTest, WhatIsNotADirectory) {
  std::ofstream(aside_) << "x";
  EXPECT_TRUE(IsError(OpenedDirectory::Open(aside_, &opened_),
                      Code::kInvalidArgument, "a store is a directory"));
  EXPECT_TRUE(IsError(OpenedDirectory::Open(dir_.File("none"), &opened_),
                      Code::kNotFound, "none"));
  std::ofstream(path_ + "/actorkv.format") << "actorkv store, format 99\n";
  EXPECT_TRUE(IsError(OpenedDirectory::Open(path_, &opened_),
                      Code::kNotSupported, "store format 99 is not known"));
}

}  // namespace
}  // namespace actorkv
