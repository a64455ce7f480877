// What is a database's file by its name, and what is somebody else's.

#include "kv/rocksdb/database_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kv/rocksdb/database_names.h"
#include "kv/rocksdb/log_scan.h"
#include "tests/support/mend_logs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

TEST(StoreDirectoryTest, FilesOfOthersMakeItNoDatabase) {
  for (const std::string name :
       {"app.log", "2026.log", "12345.log", "x000012.log", "000012.log.1",
        "000012a.log", "words.sst", "my.blob", "MANIFEST-", "MANIFEST-x",
        "MANIFEST-12", "MANIFEST-000002.txt", "LOGO.png", "LOGS", "OPTIONS-x",
        "OPTIONS-000005.txt", "x.dbtmp", "letter.txt", "000012",
        // Of a database of RocksDB, but nothing of ours is beside them.
        "IDENTITY", "LOCK", "LOG", "LOG.old.17", "OPTIONS-000007",
        "MANIFEST-000001", "000001.dbtmp"}) {
    SCOPED_TRACE(name);
    const TempDir dir;
    WriteFile(dir.File(name), "x");
    DirectoryKind kind = DirectoryKind::kMissing;
    EXPECT_TRUE(IsError(ClassifyDirectory(dir.path(), &kind),
                        Code::kInvalidArgument,
                        "not a store, and not empty (" + name + ")"));
  }
}

TEST(StoreDirectoryTest, FilesOfADatabaseWithoutCurrentAreDamage) {
  for (const std::string name :
       {"000012.log", "000012.sst", "1234567.sst", "000012.blob",
        "MANIFEST-000005", "actorkv.closed"}) {
    SCOPED_TRACE(name);
    const TempDir dir;
    WriteFile(dir.File(name), "x");
    DirectoryKind kind = DirectoryKind::kMissing;
    EXPECT_TRUE(IsError(ClassifyDirectory(dir.path(), &kind), Code::kCorruption,
                        "CURRENT is missing beside " + name));
  }
}

TEST(StoreDirectoryTest, WhatACreationLeavesIsFresh) {
  const TempDir dir;
  for (const std::string name :
       {"actorkv.pid", "actorkv.format.tmp", "LOCK", "LOG", "LOG.old.17",
        "IDENTITY", "OPTIONS-000005", "OPTIONS-000005.dbtmp", "000001.dbtmp",
        "MANIFEST-000001"}) {
    WriteFile(dir.File(name), "");
  }
  fs::create_directory(dir.File("lost+found"));
  DirectoryKind kind = DirectoryKind::kMissing;
  ASSERT_OK(ClassifyDirectory(dir.path(), &kind));
  EXPECT_EQ(kind, DirectoryKind::kFresh);
}

// A log that somebody keeps in a store's directory is not mended, emptied or
// removed as one of the database's.
TEST(StoreDirectoryTest, LogsOfOthersAreLeftAlone) {
  const TempDir dir;
  const std::string text(100, 'x');
  WriteFile(dir.File("app.log"), text);
  WriteFile(dir.File("empty.log"), "");
  WriteFile(dir.File("000004.log"), "");
  WriteFile(dir.File("000009.log"), "");
  std::vector<std::string> logs;
  ASSERT_OK(ListLogs(dir.path(), &logs));
  EXPECT_EQ(logs, (std::vector<std::string>{"000004.log", "000009.log"}));
  ASSERT_OK(ScanAndMendLogs(dir.path()));
  EXPECT_EQ(fs::file_size(dir.File("app.log")), text.size());
  EXPECT_TRUE(fs::exists(dir.File("empty.log")));
  EXPECT_FALSE(fs::exists(dir.File("000004.log")));
  bool has_data = true;
  ASSERT_OK(HasData(dir.path(), &has_data));
  EXPECT_FALSE(has_data);
}

TEST(StoreDirectoryTest, OnlyFilesOfAStoreHaveToBePlain) {
  const TempDir dir;
  fs::create_symlink("elsewhere", dir.File("letter.txt"));
  fs::create_directory(dir.File("lost+found"));
  WriteFile(dir.File("000004.log"), "");
  EXPECT_OK(CheckPlainFiles(dir.path()));
  fs::create_symlink("elsewhere", dir.File("000005.sst"));
  EXPECT_TRUE(IsError(CheckPlainFiles(dir.path()), Code::kInvalidArgument,
                      dir.File("000005.sst")));
}

}  // namespace
}  // namespace actorkv
