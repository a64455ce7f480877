// Renames that replace nothing, or nothing but a file.
#include "kv/files/file_names.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/listing.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

TEST(FileNamesTest, DirectoryOf) {
  EXPECT_EQ(DirectoryOf("f"), ".");
  EXPECT_EQ(DirectoryOf("/f"), "/");
  EXPECT_EQ(DirectoryOf("/d/f"), "/d");
  EXPECT_EQ(DirectoryOf("d/"), "d");
}

TEST(FileNamesTest, RenameReplacesNothing) {
  const TempDir directory;
  WriteContents(directory.File("f"), "f");
  WriteContents(directory.File("g"), "g");
  ASSERT_TRUE(fs::create_directory(directory.File("d")));
  ASSERT_TRUE(fs::create_directory(directory.File("empty")));
  for (const char* name : {"g", "d", "empty"}) {
    EXPECT_TRUE(IsError(
        RenameWithoutReplacing(directory.File("f"), directory.File(name)),
        Code::kAlreadyExists, directory.File(name)));
    EXPECT_TRUE(IsError(
        RenameWithoutReplacing(directory.File("d"), directory.File(name)),
        Code::kAlreadyExists, directory.File(name)));
  }
  EXPECT_OK(RenameWithoutReplacing(directory.File("f"), directory.File("h")));
  EXPECT_OK(RenameWithoutReplacing(directory.File("d"), directory.File("e")));
  EXPECT_EQ(Listing(directory.path()), "e empty g h");
}

TEST(FileNamesTest, RenameOverAFileOnly) {
  const TempDir directory;
  WriteContents(directory.File("f"), "new");
  WriteContents(directory.File("g"), "old");
  ASSERT_TRUE(fs::create_directory(directory.File("d")));
  ASSERT_EQ(mkfifo(directory.File("p").c_str(), 0600), 0);
  fs::create_symlink("g", directory.File("l"));
  const std::string from = directory.File("f");
  EXPECT_TRUE(IsError(RenameOverFile(from, directory.File("d")),
                      Code::kInvalidArgument, "it is a directory"));
  EXPECT_TRUE(IsError(RenameOverFile(from, directory.File("p")),
                      Code::kInvalidArgument, "it is a FIFO"));
  EXPECT_TRUE(IsError(RenameOverFile(from, directory.File("l")),
                      Code::kInvalidArgument, "it is a symbolic link"));
  EXPECT_TRUE(IsError(RenameOverFile(from, directory.File("no")),
                      Code::kNotFound, directory.File("no")));
  EXPECT_OK(RenameOverFile(from, directory.File("g")));
  EXPECT_EQ(FileContents(directory.File("g")), "new");
  EXPECT_EQ(Listing(directory.path()), "d g l p");
}

// A FIFO that takes the file's name at the last moment is put back: whatever
// the order, it is never lost.
TEST(FileNamesTest, WhatComesAtTheLastMomentIsPutBack) {
  const TempDir directory;
  const std::string path = directory.File("f");
  const std::string fifo = directory.File("p");
  const std::string aside = directory.File("aside");
  WriteContents(path, "old");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    while (!stop) {
      // f and p change places, again and again.
      std::error_code ignored;
      fs::rename(path, aside, ignored);
      fs::rename(fifo, path, ignored);
      fs::rename(path, fifo, ignored);
      fs::rename(aside, path, ignored);
    }
  });
  for (int i = 0; i < 500; ++i) {
    // Each has a name of its own, which may be the FIFO's afterwards.
    const std::string from = directory.File("new" + std::to_string(i));
    WriteContents(from, "new");
    static_cast<void>(RenameOverFile(from, path).ok());
  }
  stop = true;
  swapper.join();
  int found = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    if (fs::is_fifo(entry.symlink_status())) ++found;
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace actorkv
