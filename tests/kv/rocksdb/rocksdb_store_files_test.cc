// The files of a store as RocksDB makes and removes them: in which directory,
// in whose, and with what access.

#include "kv/rocksdb/rocksdb_store_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "kv/files/store_marker.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class StoreFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(path_);
    ASSERT_OK(WriteMarker(path_));
    ASSERT_OK(OpenedDirectory::Open(path_, &opened_));
    files_ = NewStoreFileSystem(rocksdb::FileSystem::Default(), opened_);
  }

  std::string Name(const std::string& name) const {
    return opened_->work_path() + "/" + name;
  }

  rocksdb::IOStatus Make(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    return files_->NewWritableFile(Name(name), rocksdb::FileOptions(), &file,
                                   nullptr);
  }

  rocksdb::IOStatus Remove(const std::string& name) {
    return files_->DeleteFile(Name(name), rocksdb::IOOptions(), nullptr);
  }

  rocksdb::IOStatus Rename(const std::string& from, const std::string& to) {
    return files_->RenameFile(Name(from), Name(to), rocksdb::IOOptions(),
                              nullptr);
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("store");
  const std::string aside_ = dir_.File("aside");
  std::shared_ptr<OpenedDirectory> opened_;
  std::shared_ptr<rocksdb::FileSystem> files_;
};

TEST_F(StoreFilesTest, AMovedDirectoryKeepsItsFiles) {
  ASSERT_TRUE(Make("000001.log").ok());
  fs::rename(path_, aside_);
  fs::create_directory(path_);
  std::ofstream(path_ + "/000001.log") << "another's";
  EXPECT_TRUE(Make("000002.sst").ok());
  EXPECT_TRUE(Rename("000002.sst", "000003.sst").ok());
  EXPECT_TRUE(Remove("000001.log").ok());
  EXPECT_TRUE(fs::exists(aside_ + "/000003.sst"));
  EXPECT_FALSE(fs::exists(aside_ + "/000001.log"));
  EXPECT_TRUE(fs::exists(path_ + "/000001.log"));
  EXPECT_FALSE(fs::exists(path_ + "/000003.sst"));
}

TEST_F(StoreFilesTest, FilesOfAnotherStoreInItAreSafe) {
  ASSERT_TRUE(Make("000001.log").ok());
  fs::remove(path_ + "/actorkv.format");
  ASSERT_OK(WriteMarker(path_));
  EXPECT_TRUE(Make("000002.sst").IsIOError());
  EXPECT_TRUE(Make("000001.log").IsIOError());
  EXPECT_TRUE(Remove("000001.log").IsIOError());
  EXPECT_TRUE(Rename("000001.log", "000002.log").IsIOError());
  EXPECT_TRUE(files_
                  ->LinkFile(Name("000001.log"), Name("000002.log"),
                             rocksdb::IOOptions(), nullptr)
                  .IsIOError());
  EXPECT_TRUE(fs::exists(path_ + "/000001.log"));
  EXPECT_FALSE(fs::exists(path_ + "/000002.sst"));
}

TEST_F(StoreFilesTest, NewFilesHaveTheAccessOfTheMarker) {
  for (const mode_t mode : {0600, 0640, 0666}) {
    ASSERT_EQ(chmod((path_ + "/actorkv.format").c_str(), mode), 0);
    ASSERT_TRUE(Make("000002.sst").ok());
    struct stat made = {};
    ASSERT_EQ(stat((path_ + "/000002.sst").c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 07777, mode);
    ASSERT_TRUE(Remove("000002.sst").ok());
  }
}

TEST_F(StoreFilesTest, NothingIsWrittenThroughALink) {
  std::ofstream(aside_) << "precious";
  fs::create_symlink(aside_, path_ + "/000002.sst");
  const rocksdb::IOStatus made = Make("000002.sst");
  EXPECT_NE(made.ToString().find("a link or a special file"), std::string::npos)
      << made.ToString();
  EXPECT_EQ(fs::file_size(aside_), 8u);
}

}  // namespace
}  // namespace actorkv
