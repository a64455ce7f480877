// What is left of a database when tables are taken out of it: the rows of the
// others, with their rowids, and no byte of what is gone.

#include "vfs/legacy/table_removal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kv/legacy/image_pairs.h"
#include "tests/support/legacy_pairs.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"
#include "vfs/legacy/legacy_vfs.h"

namespace actorkv {
namespace {

constexpr char kOurs[] = "CREATE TABLE _ours(key BLOB PRIMARY KEY, value BLOB)";
constexpr char kToo[] = "CREATE TABLE _too(id INTEGER PRIMARY KEY, value BLOB)";
constexpr char kMark[] = "0123456789abcdef-of-ours";

class TableRemovalTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const {
    return directory_.File(name);
  }
  std::string Bytes(const std::string& name) const {
    return FileContents(File(name));
  }

  // A new database x.db.
  void Make(const std::string& sql) {
    std::filesystem::remove(File("x.db"));
    Change(sql);
  }
  void Change(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(File("x.db")), SQLITE_OK);
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }

  // Both tables, with rows that overflow.
  void AddOurs(int rows) {
    const std::string count = std::to_string(rows);
    Change(std::string(kOurs) + ";" + kToo +
           ";WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
           "WHERE i < " +
           count + ") INSERT INTO _ours SELECT 'k' || i, '" + kMark +
           "' || hex(randomblob(i * 37 % 5000)) FROM c;"
           "INSERT INTO _too SELECT rowid, value FROM _ours");
  }

  // RemoveTables() of x.db; what is left is written to left.db.
  Status Run() {
    MemoryPairs pairs;
    pairs.AddDatabase(File("x.db"));
    const PairMap before = *pairs.pairs();
    remaining_ = RemainingDatabase();
    Status s = RemoveTables(&pairs, {{"_ours", kOurs}, {"_too", kToo}}, nullptr,
                            &remaining_);
    EXPECT_EQ(before == *pairs.pairs(), true);
    std::filesystem::remove(File("left.db"));
    if (remaining_.image == nullptr) return s;
    RecoveredImage* const image = remaining_.image.get();
    std::string bytes(image->size_bytes(), '\0');
    size_t copied = 0;
    EXPECT_OK(image->Read(0, bytes.size(), bytes.data(), &copied));
    std::ofstream(File("left.db"), std::ios::binary) << bytes;
    remaining_.image.reset();  // before the pairs
    found_ = true;
    return s;
  }

  std::string Ask(const std::string& name, const std::string& sql) const {
    SqliteDb db;
    EXPECT_EQ(db.Open(File(name)), SQLITE_OK);
    return db.QueryText(sql);
  }

  void ExpectSound() {
    EXPECT_EQ(Ask("left.db", "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(Bytes("left.db").find(kMark), std::string::npos);
    EXPECT_EQ(Ask("left.db",
                  "SELECT count(*) FROM sqlite_master WHERE name IN "
                  "('_ours', '_too') OR tbl_name IN ('_ours', '_too')"),
              "0");
  }

  RemainingDatabase remaining_;
  bool found_ = false;

 private:
  const TempDir directory_;
};

TEST_F(TableRemovalTest, BackToWhatItWas) {
  for (const int page_size : {512, 4096, 65536}) {
    for (const char* vacuum : {"NONE", "FULL", "INCREMENTAL"}) {
      for (const char* encoding : {"UTF-8", "UTF-16le"}) {
        SCOPED_TRACE(std::to_string(page_size) + vacuum + encoding);
        Make("PRAGMA page_size = " + std::to_string(page_size) +
             "; PRAGMA auto_vacuum = " + vacuum + "; PRAGMA encoding = '" +
             encoding +
             "'; CREATE TABLE t(a, b); CREATE INDEX i ON t(b);"
             "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
             "WHERE i < 200) INSERT INTO t(rowid, a, b) SELECT i * 7, i, "
             "hex(randomblob(i)) FROM c");
        const std::string rows =
            "SELECT group_concat(rowid || '|' || a || '|' || b) FROM t";
        const std::string before = Ask("x.db", rows);
        const std::string bytes = Bytes("x.db");
        AddOurs(150);
        ASSERT_GT(Bytes("x.db").size(), bytes.size());
        ASSERT_OK(Run());
        ExpectSound();
        EXPECT_FALSE(remaining_.blank);
        EXPECT_EQ(Ask("left.db", rows), before);
        const std::string left = Bytes("left.db");
        ASSERT_EQ(left.size(), bytes.size());
        // Page 1 has counters.
        const auto second = static_cast<size_t>(page_size);
        if (vacuum == std::string("NONE")) {
          EXPECT_EQ(left.compare(second, left.npos, bytes, second), 0);
        }
      }
    }
  }
}

// Pages of the user's lie behind those of the tables, between them and among
// the free ones.
TEST_F(TableRemovalTest, WhatWasWrittenLaterStaysWhereItIs) {
  for (const int page_size : {512, 4096}) {
    for (int drops = 0; drops < 8; ++drops) {
      SCOPED_TRACE(std::to_string(page_size) + " " + std::to_string(drops));
      Make("PRAGMA page_size = " + std::to_string(page_size) +
           "; CREATE TABLE t(a); CREATE TABLE u(a); CREATE TABLE v(a);"
           "CREATE TABLE waste(a)");
      const auto fill = [&](const std::string& table) {
        Change(
            "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
            "WHERE i < 400) INSERT INTO " +
            table + " SELECT hex(randomblob(200)) FROM c");
      };
      fill("t");
      fill("waste");
      AddOurs(60);
      fill("u");
      fill("waste");
      if ((drops & 1) != 0) Change("DELETE FROM waste");
      if ((drops & 2) != 0) Change("DELETE FROM u");
      if ((drops & 4) != 0) fill("v");
      const std::string rows =
          "SELECT count(*), group_concat(rowid || a) FROM "
          "(SELECT rowid, a FROM t UNION ALL SELECT rowid, a FROM u "
          "UNION ALL SELECT rowid, a FROM v UNION ALL SELECT rowid, a FROM "
          "waste)";
      const std::string before = Ask("x.db", rows);
      ASSERT_OK(Run());
      ExpectSound();
      EXPECT_EQ(Ask("left.db", rows), before);
      // Nothing is free at the end.
      const std::string bytes = Bytes("left.db");
      EXPECT_LE(bytes.size(), Bytes("x.db").size());
      EXPECT_NE(bytes.substr(bytes.size() - static_cast<size_t>(page_size)),
                std::string(static_cast<size_t>(page_size), '\0'));
      // It can be written on.
      SqliteDb db;
      ASSERT_EQ(db.Open(File("left.db")), SQLITE_OK);
      ASSERT_EQ(db.Exec("CREATE TABLE more AS SELECT a FROM t UNION ALL "
                        "SELECT a FROM waste; VACUUM"),
                SQLITE_OK);
      EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
    }
  }
}

TEST_F(TableRemovalTest, OnlyTablesThatAreAsTheyWereMade) {
  const char* const others[] = {
      "CREATE TABLE _ours(key BLOB PRIMARY KEY, value BLOB, more)",
      "CREATE VIEW _ours AS SELECT 1",
      "CREATE TABLE ours(x)",
      "CREATE TABLE t(x); CREATE INDEX _ours ON t(x)",
  };
  for (const char* sql : others) {
    Make(sql);
    ASSERT_OK(Run());
    EXPECT_FALSE(found_) << sql;
  }
  std::filesystem::remove(File("x.db"));
  ASSERT_OK(Run());  // no database at all
  EXPECT_FALSE(found_);
}

// What hangs on a table goes with it; what only speaks of it stays.
TEST_F(TableRemovalTest, IndexesTriggersAndStatistics) {
  Make("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  AddOurs(10);
  Change(
      "CREATE INDEX own ON _too(value);"
      "CREATE TRIGGER tr AFTER INSERT ON _ours BEGIN SELECT 1; END;"
      "CREATE VIEW v AS SELECT * FROM _ours;"
      "CREATE TABLE child(x REFERENCES _too(id)); INSERT INTO child VALUES(1);"
      "ANALYZE");
  ASSERT_OK(Run());
  ExpectSound();
  EXPECT_EQ(Ask("left.db",
                "SELECT group_concat(name) FROM (SELECT name FROM "
                "sqlite_master ORDER BY name)"),
            "child,sqlite_stat1,t,v");
  EXPECT_EQ(Ask("left.db", "SELECT * FROM child"), "1");
  EXPECT_EQ(Ask("left.db",
                "SELECT count(*) FROM sqlite_stat1 WHERE tbl IN "
                "('_ours', '_too')"),
            "0");
}

TEST_F(TableRemovalTest, BlankIsWithoutAnythingOfAnybodys) {
  const struct {
    const char* sql;
    bool blank;
  } cases[] = {
      {"SELECT 1", true},
      {"PRAGMA user_version = 1", false},
      {"PRAGMA application_id = 1", false},
      {"CREATE TABLE t(x)", false},
      {"CREATE TABLE t(x); DROP TABLE t", true},
  };
  for (const auto& one : cases) {
    Make(one.sql);
    AddOurs(40);
    ASSERT_OK(Run());
    ExpectSound();
    EXPECT_EQ(remaining_.blank, one.blank) << one.sql;
    if (one.blank) {
      EXPECT_EQ(Bytes("left.db").size(), 4096u);
    }
  }
}

TEST_F(TableRemovalTest, ErrorsComeThrough) {
  Make("CREATE TABLE t(x)");
  AddOurs(20);
  uint64_t call = 0;
  for (bool failed = true; failed && call < 10000;) {
    MemoryPairs pairs;
    pairs.AddDatabase(File("x.db"));
    pairs.FailAt(++call);
    RemainingDatabase remaining;
    const Status s =
        RemoveTables(&pairs, {{"_ours", kOurs}}, nullptr, &remaining);
    failed = pairs.failed();
    if (failed) {
      EXPECT_TRUE(IsError(s, Code::kIOError, "bad day")) << call;
      EXPECT_EQ(remaining.image, nullptr);
    } else {
      EXPECT_OK(s);
    }
  }
  EXPECT_GT(call, 10u);
}

// A free list that is none is not built upon.
TEST_F(TableRemovalTest, ADamagedFreeListIsRefused) {
  Make(
      "CREATE TABLE t(x); CREATE TABLE w(x);"
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i "
      "< 40) INSERT INTO w SELECT randomblob(3000) FROM c; DROP TABLE w");
  const std::string good = Bytes("x.db");
  const uint32_t trunk = LoadBig32(good.data() + 32);
  const size_t at = size_t{trunk - 1} * 4096;
  const struct {
    size_t offset;
    uint32_t number;
  } cases[] = {
      {32, 1},           {32, 1000},       {36, 5},     {36, 100000},
      {at, trunk},       {at + 4, 5000},   {at + 4, 1}, {at + 8, 1},
      {at + 8, 1000000}, {at + 12, trunk},
  };
  for (const auto& bad : cases) {
    std::string bytes = good;
    StoreBig32(bytes.data() + bad.offset, bad.number);
    MemoryPairs pairs;
    pairs.AddFile(LegacyTag::kMain, bytes);
    LegacyView view(&pairs, LegacyTag::kMain, 1 << 20);
    ASSERT_OK(view.Open());
    EXPECT_TRUE(IsError(CutFreePages(&view), Code::kCorruption, "free list"))
        << bad.offset << " " << bad.number;
    std::string after(bytes.size(), '\0');
    size_t copied = 0;
    ASSERT_OK(view.Read(0, after.size(), after.data(), &copied));
    EXPECT_EQ(after == bytes, true);
  }
}

}  // namespace
}  // namespace actorkv
