// The plan says who keeps what history, in bytes that come true: they go when
// that one does.

#include <regex>
#include <string>

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class ReclaimPlanTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    ASSERT_EQ(alice_.Open(Uri("alice")), SQLITE_OK);
    Run("CREATE TABLE note(id INTEGER PRIMARY KEY, body BLOB)");
    Ask("SELECT actorkv_retention(NULL, '0')");
  }
  void TearDown() override {
    reader_.Close();
    alice_.Close();
    SqlTest::TearDown();
  }

  void Run(const std::string& sql) {
    ASSERT_EQ(alice_.Exec(sql), SQLITE_OK) << alice_.Error();
  }

  // A version of some pages that has nothing in common with the one before.
  void WriteNote(int size_bytes) {
    Run("INSERT OR REPLACE INTO note VALUES (1, randomblob(" +
        std::to_string(size_bytes) + "))");
  }

  std::string Reason() {
    return Ask(
        "SELECT reason FROM actorkv_reclaim_plan"
        " WHERE actor = 'alice'");
  }

  int64_t PlannedBytes(const std::string& column) {
    return std::stoll(Ask("SELECT " + column +
                          " FROM actorkv_reclaim_plan"
                          " WHERE actor = 'alice'"));
  }

  // Nearly all of these bytes would go now. The rest: what pages of others are
  // stored as differences to.
  void ExpectReclaimable(int64_t bytes) {
    const int64_t planned = PlannedBytes("reclaimable_bytes");
    EXPECT_LE(planned, bytes);
    EXPECT_GT(planned, bytes - bytes / 10);
    Ask("SELECT actorkv_reclaim('alice')");
    EXPECT_EQ(PlannedBytes("reclaimable_bytes"), 0);
  }

  SqliteDb alice_;
  SqliteDb reader_;
};

TEST_F(ReclaimPlanTest, WhatIsCountedForSomeoneGoesWithIt) {
  WriteNote(20'000);
  Ask("SELECT actorkv_restore_point('alice', 'v1')");
  WriteNote(30'000);
  ASSERT_EQ(Ask("SELECT actorkv_fork('alice', 'copy') IS NOT NULL"), "1");
  WriteNote(40'000);
  ASSERT_EQ(reader_.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(reader_.Exec("BEGIN"), SQLITE_OK);
  EXPECT_EQ(reader_.QueryText("SELECT count(*) FROM note"), "1");
  WriteNote(50'000);
  Ask("SELECT actorkv_reclaim()");

  const std::string reason = Reason();
  std::smatch found;
  ASSERT_TRUE(std::regex_match(
      reason, found,
      std::regex("restore point v1 \\((\\d+) bytes\\); 1 branch of a fork "
                 "\\((\\d+) bytes\\); 1 snapshot being read \\((\\d+) "
                 "bytes\\)")))
      << reason;
  const int64_t of_point = std::stoll(found[1]);
  const int64_t of_fork = std::stoll(found[2]);
  const int64_t of_reader = std::stoll(found[3]);
  EXPECT_GT(of_point, 20'000);
  EXPECT_GT(of_fork, 30'000);
  EXPECT_GT(of_reader, 40'000);
  EXPECT_EQ(of_point + of_fork + of_reader, PlannedBytes("history_bytes"));

  EXPECT_EQ(Ask("SELECT actorkv_drop_restore_point('alice', 'v1') > 0"), "1");
  ExpectReclaimable(of_point);
  EXPECT_GT(Ask("SELECT actorkv_purge('copy')"), "");
  ExpectReclaimable(of_fork);
  ASSERT_EQ(reader_.Exec("COMMIT"), SQLITE_OK);
  ASSERT_EQ(reader_.Close(), SQLITE_OK);
  ExpectReclaimable(of_reader);
  EXPECT_EQ(Reason(), "");
  EXPECT_EQ(PlannedBytes("history_bytes"), 0);
}

// What more than one keeps counts for the first: a name more keeps nothing.
TEST_F(ReclaimPlanTest, WhatSeveralKeepCountsOnce) {
  Ask("SELECT actorkv_retention('alice', '1 day')");
  WriteNote(20'000);
  Ask("SELECT actorkv_restore_point('alice', 'v1')");
  Ask("SELECT actorkv_restore_point('alice', 'v1-again')");
  WriteNote(20'000);
  EXPECT_EQ(std::regex_replace(Reason(), std::regex("[1-9]\\d+"), "N"),
            "retention N hours (N bytes); restore point v1 (0 bytes);"
            " restore point v1-again (0 bytes)");
  Ask("SELECT actorkv_retention('alice', '0')");
  EXPECT_EQ(std::regex_replace(Reason(), std::regex("[1-9]\\d+"), "N"),
            "restore point v1 (N bytes); restore point v1-again (0 bytes)");
}

TEST_F(ReclaimPlanTest, ManyRestorePointsAreTakenTogether) {
  for (int i = 1; i <= 10; ++i) {
    WriteNote(20'000);
    Ask("SELECT actorkv_restore_point('alice', 'p" + std::to_string(i) + "')");
  }
  WriteNote(20'000);
  const std::string reason = Reason();
  std::smatch found;
  ASSERT_TRUE(std::regex_search(
      reason, found, std::regex("; 2 more restore points \\((\\d+) bytes\\)$")))
      << reason;
  EXPECT_GT(std::stoll(found[1]), 40'000);
}

}  // namespace
}  // namespace actorkv
