// What an actor's file makes of the pragmas that it is shown. Through SQLite:
// actor_file_test.cc and sql_features_test.cc.

#include "vfs/actor/file_pragmas.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

class FilePragmasTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK); }

  // The value as SQLite will see it.
  std::string Handle(std::string name, std::string value,
                     bool knows_connection = true) {
    char* argument[] = {nullptr, name.data(), value.data(), nullptr};
    EXPECT_EQ(pragmas_.Handle(knows_connection ? db_.get() : nullptr, argument),
              SQLITE_NOTFOUND);
    EXPECT_EQ(argument[0], nullptr);
    return value;
  }

  FilePragmas pragmas_;
  SqliteDb db_;
};

TEST_F(FilePragmasTest, NoPrefixOfWalReachesSqlite) {
  for (const char* value : {"w", "W", "wa", "WAL", "wal"}) {
    EXPECT_EQ(Handle("Journal_Mode", value)[0], '?') << value;
  }
  for (const char* value : {"", "delete", "memory", "walk", "x"}) {
    EXPECT_EQ(Handle("journal_mode", value), value);
  }
  EXPECT_EQ(Handle("journal_mod", "wal"), "wal");
}

TEST_F(FilePragmasTest, SynchronousIsLearntOutsideOfTransactions) {
  EXPECT_EQ(pragmas_.durability(), Durability::kSynced) << "FULL";
  Handle("SYNCHRONOUS", "off");
  EXPECT_EQ(pragmas_.durability(), Durability::kBuffered);
  Handle("synchronous", "EXTRA");
  EXPECT_EQ(pragmas_.durability(), Durability::kSynced);
  ASSERT_EQ(db_.Exec("BEGIN"), SQLITE_OK);
  Handle("synchronous", "1");
  EXPECT_EQ(pragmas_.durability(), Durability::kSynced) << "SQLite refuses it";
  ASSERT_EQ(db_.Exec("COMMIT"), SQLITE_OK);
  Handle("synchronous", "1", /*knows_connection=*/false);
  EXPECT_EQ(pragmas_.durability(), Durability::kSynced);
  Handle("synchronous", "1");
  EXPECT_EQ(pragmas_.durability(), Durability::kBuffered);
}

TEST_F(FilePragmasTest, AQuestionChangesNothing) {
  for (std::string name : {"synchronous", "journal_mode"}) {
    char* argument[] = {nullptr, name.data(), nullptr, nullptr};
    EXPECT_EQ(pragmas_.Handle(db_.get(), argument), SQLITE_NOTFOUND);
    EXPECT_EQ(pragmas_.durability(), Durability::kSynced);
  }
}

}  // namespace
}  // namespace actorkv
