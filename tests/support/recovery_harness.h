// RecoveryTest: the fixture of tests that recover legacy databases. Makes them
// from real SQLite files, in the states that a crash leaves, and looks at what
// comes out as a file.

#ifndef ACTORKV_TESTS_SUPPORT_RECOVERY_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_RECOVERY_HARNESS_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/support/legacy_pairs.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"
#include "vfs/legacy/legacy_recovery.h"

namespace actorkv {

class RecoveryTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const {
    return directory_.File(name);
  }

  static std::string Contents(const std::string& path) {
    return FileContents(path);
  }
  static void WriteFile(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  // The files of a database as a crash would leave them: copies of what they
  // are at this moment.
  std::string CopyFiles(const std::string& name) const {
    const std::string from = File(name);
    std::string to = File("crashed-" + name);
    for (const char* suffix : {"", "-journal", "-wal"}) {
      std::error_code ignored;
      std::filesystem::remove(to + suffix, ignored);
      std::filesystem::copy_file(from + suffix, to + suffix, ignored);
    }
    return to;
  }

  // Recovers, checks that no pair has changed, and keeps the image.
  Status Run(const RecoveryOptions& options = RecoveryOptions()) {
    const std::map<std::string, std::string> before = *pairs_.pairs();
    image_.reset();
    Status s = Recover(&pairs_, options, &image_);
    EXPECT_EQ(*pairs_.pairs() == before, true) << "pairs changed";
    EXPECT_EQ(image_ != nullptr, s.ok());
    return s;
  }

  // Run(), after a run that leaves the holes of what is not huge to the reader
  // of all pages, as a migration does: it must come to the same.
  Status RunBothWays() {
    RecoveryOptions options;
    options.unchecked_bytes = uint64_t{64} << 20;
    Status last = Run(options);
    std::string bytes;
    if (last.ok()) {
      bytes = ImageBytes();
      last = image_->CheckHoles(nullptr);
    }
    const std::string repairs = last.ok() ? Repairs() : "";
    Status s = Run();
    EXPECT_EQ(last.ToString(), s.ToString());
    if (s.ok()) {
      EXPECT_EQ(repairs, Repairs());
      EXPECT_TRUE(bytes == ImageBytes());
    }
    return s;
  }

  // The bytes of the image, read page by page.
  std::string ImageBytes() {
    std::string bytes(image_->size_bytes(), '\0');
    for (PageNo pgno = 1; pgno <= image_->page_count(); ++pgno) {
      EXPECT_OK(image_->ReadPage(
          pgno, bytes.data() + size_t{pgno - 1} * image_->page_size()));
    }
    return bytes;
  }

  // Writes the image to a file, and gives the answer to `sql` there.
  std::string Ask(const std::string& sql) {
    if (image_ == nullptr) return "no image";
    const std::string path = File("image.db");
    std::filesystem::remove(path);
    WriteFile(path, ImageBytes());
    SqliteDb db;
    EXPECT_EQ(db.Open(path), SQLITE_OK);
    return db.QueryText(sql);
  }

  // What SQLite itself answers about the files at `path` on its own VFS, for
  // comparison. It recovers copies of them.
  std::string AskNative(const std::string& path, const std::string& sql) const {
    const std::string copy = File("native.db");
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(copy + suffix, ignored);
      std::filesystem::copy_file(path + suffix, copy + suffix, ignored);
    }
    SqliteDb db;
    EXPECT_EQ(db.Open(copy), SQLITE_OK);
    return db.QueryText(sql);
  }

  // All repairs, joined.
  std::string Repairs() const {
    std::string text;
    for (const std::string& repair : image_->repairs()) {
      text += (text.empty() ? "" : "; ") + repair;
    }
    return text;
  }

  MemoryPairs* pairs() { return &pairs_; }
  RecoveredImage* image() { return image_.get(); }
  std::unique_ptr<RecoveredImage> TakeImage() { return std::move(image_); }

  // Forgets the pairs.
  void Clear() {
    image_.reset();
    pairs_.pairs()->clear();
  }

 private:
  const TempDir directory_;
  MemoryPairs pairs_;
  std::unique_ptr<RecoveredImage> image_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RECOVERY_HARNESS_H_
