// The fields of a database's header.

#include "kv/format/database_header.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "kv/base/coding.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string Header() {
  std::string bytes(kHeaderBytes, '\0');
  std::memcpy(bytes.data(), "SQLite format 3", 16);
  bytes[16] = 0x10;  // 4096
  bytes[18] = 1;
  bytes[19] = 2;
  StoreBig32(bytes.data() + 24, 0x01020304);
  StoreBig32(bytes.data() + 28, 77);
  StoreBig32(bytes.data() + 40, 5);
  StoreBig32(bytes.data() + 92, 0x01020304);
  return bytes;
}

TEST(DatabaseHeaderTest, EveryField) {
  const DatabaseHeader header = ParseHeader(Header());
  EXPECT_TRUE(header.valid);
  EXPECT_EQ(header.page_size, 4096u);
  EXPECT_EQ(header.write_version, 1);
  EXPECT_EQ(header.read_version, 2);
  EXPECT_EQ(header.change_counter, 0x01020304u);
  EXPECT_TRUE(header.counters_agree);
  EXPECT_EQ(header.page_count, 77u);
  EXPECT_EQ(header.cookie, 5u);
}

// As SQLite makes it when it copies a database of no bytes.
TEST(DatabaseHeaderTest, BlankFirstPageIsSqlites) {
  const TempDir directory;
  for (int page_size = 512; page_size <= 65536; page_size *= 2) {
    SCOPED_TRACE(page_size);
    const std::string name = directory.File(std::to_string(page_size));
    SqliteDb empty;
    SqliteDb copy;
    ASSERT_EQ(empty.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(empty.Exec("PRAGMA page_size = " + std::to_string(page_size)),
              SQLITE_OK);
    ASSERT_EQ(copy.Open(name), SQLITE_OK);
    ASSERT_EQ(copy.Exec("PRAGMA page_size = " + std::to_string(page_size)),
              SQLITE_OK);
    sqlite3_backup* backup =
        sqlite3_backup_init(copy.get(), "main", empty.get(), "main");
    ASSERT_NE(backup, nullptr);
    EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
    copy.Close();
    std::string made = FileContents(name);
    std::string blank = BlankFirstPage(static_cast<uint32_t>(page_size));
    // But for what a commit counts, and the version of SQLite.
    for (const size_t offset : {24U, 40U, 92U, 96U}) {
      ASSERT_GT(made.size(), 100u);
      made.replace(offset, 4, 4, '\0');
      blank.replace(offset, 4, 4, '\0');
    }
    EXPECT_EQ(made == blank, true);
    std::ofstream(name, std::ios::binary)
        << BlankFirstPage(static_cast<uint32_t>(page_size));
    SqliteDb db;
    ASSERT_EQ(db.Open(name), SQLITE_OK);
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM sqlite_master"), "0");
    EXPECT_EQ(db.QueryText("PRAGMA page_count"), "1");
    EXPECT_EQ(db.Exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(x);"
                      "INSERT INTO t VALUES('x')"),
              SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT * FROM t"), "x");
  }
}

TEST(DatabaseHeaderTest, PageCountNeedsCountersThatAgree) {
  std::string bytes = Header();
  bytes[95] = 9;
  const DatabaseHeader header = ParseHeader(bytes);
  EXPECT_TRUE(header.valid);
  EXPECT_FALSE(header.counters_agree);
  EXPECT_EQ(header.page_count, 0u);
}

TEST(DatabaseHeaderTest, PageSizes) {
  struct Case {
    unsigned char high;
    unsigned char low;
    uint32_t page_size;
    bool valid;
  };
  const Case cases[] = {
      {0x02, 0, 512, true},    {0x80, 0, 32768, true}, {0, 1, 65536, true},
      {0x01, 0, 256, false},   {0x10, 1, 0, false},    {0, 0, 0, false},
      {0x30, 0, 12288, false}, {0, 2, 131072, false},
  };
  for (const Case& c : cases) {
    std::string bytes = Header();
    bytes[16] = static_cast<char>(c.high);
    bytes[17] = static_cast<char>(c.low);
    const DatabaseHeader header = ParseHeader(bytes);
    EXPECT_EQ(header.valid, c.valid) << c.page_size;
    if (c.valid) {
      EXPECT_EQ(header.page_size, c.page_size);
    }
  }
}

TEST(DatabaseHeaderTest, WhatIsNoDatabase) {
  EXPECT_FALSE(ParseHeader("").valid);
  EXPECT_FALSE(ParseHeader(std::string(4096, '\0')).valid);
  EXPECT_FALSE(ParseHeader(Header().substr(0, kHeaderBytes - 1)).valid);
  std::string bytes = Header();
  bytes[15] = 'x';  // the NUL belongs to the magic
  EXPECT_FALSE(ParseHeader(bytes).valid);
}

}  // namespace
}  // namespace actorkv
