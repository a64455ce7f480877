// The files of a store: their mode and owner, and links in their place.

#include "kv/files/file_access.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kv/base/descriptor.h"
#include "kv/files/directory.h"
#include "kv/files/store_marker.h"
#include "kv/rocksdb/commit_counter.h"
#include "kv/rocksdb/holder_file.h"
#include "kv/rocksdb/log_scan.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kSomebody = 65534;

class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  ~Umask() { umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  const mode_t before_;
};

struct stat Look(const std::string& path) {
  struct stat found = {};
  EXPECT_EQ(lstat(path.c_str(), &found), 0) << path;
  return found;
}

mode_t ModeOf(const std::string& path) { return Look(path).st_mode & 07777; }

class FileAccessTest : public testing::Test {
 protected:
  void MakeDirectory(mode_t mode) {
    fs::create_directory(path_);
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }

  // A store with tables, logs and all, that was opened twice.
  void UseStore() {
    ASSERT_OK(WriteMarker(path_));
    for (int i = 0; i < 2; ++i) {
      std::unique_ptr<Engine> engine;
      ASSERT_OK(OpenRocksDbEngine(path_, OpenMode::kCreate, &engine));
      Batch batch;
      batch.Put({PartitionKind::kActor, 7}, "key", "value");
      ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
    }
  }

  void ExpectAll(mode_t mode, uid_t owner) {
    for (const auto& entry : fs::directory_iterator(path_)) {
      EXPECT_EQ(ModeOf(entry.path().string()), mode) << entry.path();
      EXPECT_EQ(Look(entry.path().string()).st_uid, owner) << entry.path();
    }
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("store");
};

TEST_F(FileAccessTest, EveryFileHasTheModeOfItsDirectory) {
  for (const mode_t mode : {0700, 0755, 0770, 0777}) {
    for (const mode_t mask : {0000, 0022, 0077, 0177}) {
      SCOPED_TRACE(testing::Message() << std::oct << mode << " " << mask);
      MakeDirectory(mode);
      {
        const Umask umask(mask);
        UseStore();
      }
      ExpectAll(mode & 0666, geteuid());
      RemoveDirectory(path_);
    }
  }
}

TEST_F(FileAccessTest, TheMarkerDecidesOnceItIsThere) {
  MakeDirectory(0755);
  ASSERT_OK(WriteMarker(path_));
  ASSERT_EQ(chmod((path_ + "/actorkv.format").c_str(), 0640), 0);
  UseStore();
  ExpectAll(0640, geteuid());
}

TEST_F(FileAccessTest, WhatRootMakesIsTheDirectorysOwners) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  MakeDirectory(0755);
  ASSERT_EQ(chown(path_.c_str(), kSomebody, kSomebody), 0);
  const Umask umask(0077);
  UseStore();
  ExpectAll(0644, kSomebody);
  // A copy, too.
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(path_, OpenMode::kExisting, &engine));
  const std::string copy = dir_.File("copy");
  uint64_t bytes = 0;
  ASSERT_OK(engine->Checkpoint(copy, &bytes));
  EXPECT_EQ(ModeOf(copy), 0755u);
  EXPECT_EQ(Look(copy).st_uid, kSomebody);
  for (const auto& entry : fs::directory_iterator(copy)) {
    EXPECT_EQ(ModeOf(entry.path().string()), 0644u) << entry.path();
    EXPECT_EQ(Look(entry.path().string()).st_uid, kSomebody) << entry.path();
  }
}

// Whoever prepared the directory may have given a file of somebody else's the
// name of one that is made here.
TEST_F(FileAccessTest, AFileWithASecondNameIsLeftAlone) {
  const std::string mine = dir_.File("mine");
  std::ofstream(mine) << "x";
  ASSERT_EQ(chmod(mine.c_str(), 0600), 0);
  fs::create_hard_link(mine, dir_.File("second"));
  GiveAccess(mine, {0666, kSomebody, kSomebody});
  EXPECT_EQ(ModeOf(mine), 0600u);
  EXPECT_EQ(Look(mine).st_uid, geteuid());
}

TEST_F(FileAccessTest, NothingIsWrittenThroughLinks) {
  const std::string precious = dir_.File("precious");
  for (const std::string name :
       {"actorkv.pid", "actorkv.commits", "actorkv.format", "LOG", "LOCK",
        "CURRENT", "000007.sst", "000004.log", "MANIFEST-000005"}) {
    SCOPED_TRACE(name);
    MakeDirectory(0755);
    std::ofstream(precious, std::ios::trunc) << "precious";
    fs::create_symlink(precious, path_ + "/" + name);
    std::unique_ptr<Engine> engine;
    EXPECT_FALSE(OpenRocksDbEngine(path_, OpenMode::kCreate, &engine).ok());
    EXPECT_EQ(fs::file_size(precious), 8u);
    RemoveDirectory(path_);
  }
}

TEST_F(FileAccessTest, ALinkThatLeadsNowhereIsOneAsWell) {
  MakeDirectory(0755);
  fs::create_symlink(dir_.File("none"), path_ + "/actorkv.pid");
  std::unique_ptr<Engine> engine;
  EXPECT_TRUE(IsError(OpenRocksDbEngine(path_, OpenMode::kCreate, &engine),
                      Code::kInvalidArgument,
                      "a link or a special file where a store has a plain "
                      "file: " +
                          path_ + "/actorkv.pid"));
  EXPECT_FALSE(fs::exists(dir_.File("none")));
}

// Each of our own files by itself: a link may come after the directory was
// looked at.
TEST_F(FileAccessTest, OurOwnFilesAreNotOpenedThroughLinks) {
  const std::string precious = dir_.File("precious");
  std::ofstream(precious) << "precious";
  MakeDirectory(0755);
  for (const char* name : {kHolderFileName, kCommitCounterFileName,
                           kMarkerFileName, "actorkv.format.tmp"}) {
    fs::create_symlink(precious, path_ + "/" + name);
  }
  std::unique_ptr<HolderFile> holder;
  EXPECT_TRUE(IsError(HolderFile::Take(path_, &holder), Code::kInvalidArgument,
                      "actorkv.pid"));
  std::unique_ptr<CommitCounter> counter;
  EXPECT_TRUE(IsError(CommitCounter::Open(path_, &counter),
                      Code::kInvalidArgument, "actorkv.commits"));
  CommitCount count;
  EXPECT_EQ(ReadCommitCount(path_, &count).code(), Code::kIOError);
  EXPECT_TRUE(
      IsError(CheckMarker(path_), Code::kInvalidArgument, "actorkv.format"));
  fs::remove(path_ + "/actorkv.format");
  ASSERT_OK(WriteMarker(path_));
  EXPECT_EQ(fs::file_size(precious), 8u);
  int fd = -1;
  EXPECT_TRUE(IsError(OpenStoreFile(path_ + "/actorkv.pid", O_WRONLY, &fd),
                      Code::kInvalidArgument, "actorkv.pid"));
}

TEST_F(FileAccessTest, ASpecialFileKeepsNobodyWaiting) {
  MakeDirectory(0755);
  ASSERT_EQ(mkfifo((path_ + "/actorkv.pid").c_str(), 0666), 0);
  int fd = -1;
  EXPECT_TRUE(IsError(OpenStoreFile(path_ + "/actorkv.pid", O_RDWR, &fd),
                      Code::kInvalidArgument, "a link or a special file"));
}

}  // namespace
}  // namespace actorkv
