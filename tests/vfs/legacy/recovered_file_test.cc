// A recovered database as a file that can only be read.

#include "vfs/legacy/recovered_file.h"

#include <gtest/gtest.h>

#include <new>

#include "tests/support/dump_loader.h"
#include "tests/support/recovery_harness.h"

namespace actorkv {
namespace {

std::shared_ptr<RecoveredImage> the_image;

// A VFS in which every database is the_image.
int OpenImage(sqlite3_vfs* /*vfs*/, const char* /*name*/, sqlite3_file* file,
              int flags, int* out_flags) {
  file->pMethods = nullptr;
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return SQLITE_CANTOPEN;
  if (out_flags != nullptr) *out_flags = SQLITE_OPEN_READONLY;
  new (file) RecoveredFile(the_image);
  return SQLITE_OK;
}

int NoFile(sqlite3_vfs* /*vfs*/, const char* /*name*/, int /*flags*/,
           int* result) {
  *result = 0;
  return SQLITE_OK;
}

class RecoveredFileTest : public RecoveryTest {
 protected:
  void SetUp() override {
    vfs_ = *sqlite3_vfs_find("unix");
    vfs_.zName = "recovered-test";
    vfs_.xOpen = OpenImage;
    vfs_.xAccess = NoFile;
    ASSERT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
  }
  void TearDown() override {
    the_image.reset();
    sqlite3_vfs_unregister(&vfs_);
  }

  void Load(const std::string& name) {
    LoadDump("tests/rivet/" + name, pairs());
    ASSERT_OK(Run());
    the_image = TakeImage();
  }

  sqlite3_vfs vfs_;
};

TEST_F(RecoveredFileTest, IsReadBySql) {
  Load("v213-crash-update-m50.jsonl.gz");
  SqliteDb db, other;
  ASSERT_EQ(db.Open("file:x?vfs=recovered-test"), SQLITE_OK);
  ASSERT_EQ(other.Open("file:x?vfs=recovered-test"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM acct"), "1200");
  EXPECT_EQ(other.QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.QueryText("PRAGMA page_count"), "36");
}

TEST_F(RecoveredFileTest, IsNotWritten) {
  Load("v213-tiny.jsonl");
  SqliteDb db;
  ASSERT_EQ(db.Open("file:x?vfs=recovered-test"), SQLITE_OK);
  EXPECT_EQ(db.Exec("DELETE FROM items"), SQLITE_READONLY);
  EXPECT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_READONLY);
  EXPECT_EQ(db.QueryText("PRAGMA journal_mode = WAL"), "delete");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM items"), "3");
}

TEST_F(RecoveredFileTest, AnswersAsAFileDoes) {
  Load("v213-tiny.jsonl");
  alignas(RecoveredFile) char buffer[sizeof(RecoveredFile)];
  auto* file = new (buffer) RecoveredFile(the_image);
  RecoveredFile* cast = nullptr;
  EXPECT_TRUE(FileMethods<RecoveredFile>::Cast(file, &cast));
  EXPECT_EQ(cast, file);
  EXPECT_FALSE(FileMethods<RecoveredFile>::Cast(nullptr, &cast));
  const sqlite3_io_methods* methods = file->pMethods;
  sqlite3_int64 size = 0;
  EXPECT_EQ(methods->xFileSize(file, &size), SQLITE_OK);
  EXPECT_EQ(size, 8192);
  char bytes[16] = "???????????????";
  EXPECT_EQ(methods->xRead(file, bytes, 16, 0), SQLITE_OK);
  EXPECT_EQ(std::string(bytes), "SQLite format 3");
  bytes[8] = '?';
  EXPECT_EQ(methods->xRead(file, bytes, 16, 8184), SQLITE_IOERR_SHORT_READ);
  EXPECT_EQ(bytes[8], '\0');
  EXPECT_EQ(methods->xRead(file, bytes, 16, 9000), SQLITE_IOERR_SHORT_READ);
  EXPECT_EQ(methods->xWrite(file, bytes, 1, 0), SQLITE_READONLY);
  EXPECT_EQ(methods->xTruncate(file, 0), SQLITE_READONLY);
  EXPECT_EQ(methods->xSync(file, 0), SQLITE_READONLY);
  EXPECT_EQ(methods->xLock(file, SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(methods->xLock(file, SQLITE_LOCK_RESERVED), SQLITE_READONLY);
  EXPECT_EQ(methods->xUnlock(file, SQLITE_LOCK_NONE), SQLITE_OK);
  int reserved = 1;
  EXPECT_EQ(methods->xCheckReservedLock(file, &reserved), SQLITE_OK);
  EXPECT_EQ(reserved, 0);
  EXPECT_EQ(methods->xFileControl(file, SQLITE_FCNTL_LOCKSTATE, nullptr),
            SQLITE_NOTFOUND);
  // Errors are of the connection that it learns of.
  char place = 0;
  auto* db = reinterpret_cast<sqlite3*>(&place);
  WatchConnection(db);
  EXPECT_EQ(methods->xFileControl(file, SQLITE_FCNTL_PDB, &db), SQLITE_OK);
  EXPECT_EQ(methods->xWrite(file, bytes, 1, 0), SQLITE_READONLY);
  EXPECT_EQ(ErrorOfConnection(db)->text,
            "read-only: a legacy actor cannot be written");
  // An error of the pairs.
  pairs()->FailAt(1);
  EXPECT_EQ(methods->xRead(file, bytes, 16, 0), SQLITE_IOERR_READ);
  EXPECT_EQ(ErrorOfConnection(db)->code, SQLITE_IOERR_READ);
  ForgetConnection(db);
  EXPECT_EQ(methods->xClose(file), SQLITE_OK);
}

}  // namespace
}  // namespace actorkv
