// actorkv_events: that what happens in SQL is there to be read.

#include <filesystem>
#include <string>

#include "tests/support/sql_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

class EventsTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    begin_ = Ask("SELECT coalesce(max(seq), 0) FROM actorkv_events");
  }

  // Of the store of the test, since it began.
  std::string Events(const std::string& columns, const std::string& where) {
    return Ask("SELECT " + columns + " FROM actorkv_events WHERE store = " +
               Quoted("store") + " AND seq > " + begin_ + " AND " + where);
  }

  std::string begin_;
};

TEST_F(EventsTest, Columns) {
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT group_concat(name) FROM "
                "pragma_table_info('actorkv_events')"),
            "seq,happened_at_ms,store,actor,kind,detail,duration_us");
  EXPECT_EQ(
      Ask("SELECT DISTINCT typeof(seq), typeof(happened_at_ms), typeof(store),"
          " typeof(kind) FROM actorkv_events"),
      "integer|integer|text|text");
  EXPECT_EQ(Ask("SELECT count(*) <= 1000, count(*) = count(DISTINCT seq), "
                "max(seq) - min(seq) + 1 = count(*) FROM actorkv_events"),
            "1|1|1");
  EXPECT_EQ(Ask("SELECT abs(max(happened_at_ms) - "
                "unixepoch('now') * 1000) < 60000 FROM actorkv_events"),
            "1");
}

TEST_F(EventsTest, AStoreIsOpenedAndClosed) {
  MakeActor("alice");
  EXPECT_EQ(Events("actor IS NULL, detail, duration_us >= 0", "kind = 'open'"),
            "1|to write|1");
  CloseStore(File("store"));
  EXPECT_EQ(Events("actor IS NULL, detail IS NULL, duration_us >= 0",
                   "kind = 'close'"),
            "1|1|1");
}

TEST_F(EventsTest, OrdinaryWorkIsNone) {
  MakeActor("alice");
  const std::string seq = Events("max(seq)", "1");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(db.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK);
  }
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "21");
  // Unless the disk is very slow.
  EXPECT_EQ(Events("count(*)", "kind <> 'stall' AND seq > " + seq), "0");
}

TEST_F(EventsTest, AWriterIsFenced) {
  MakeActor("alice");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.QueryText("SELECT count(*) FROM t"), "1");
  ASSERT_EQ(Ask("SELECT actorkv_takeover('alice')"), "2");
  EXPECT_EQ(Events("actor, instr(detail, 'taken over') > 0", "kind = 'fence'"),
            "alice|1");
  EXPECT_NE(db.Exec("INSERT INTO t VALUES (2)"), SQLITE_OK);
  EXPECT_EQ(Events("count(*), max(actor), "
                   "sum(instr(detail, 'expected generation 1, actual 2') > 0)",
                   "kind = 'fence'"),
            "2|alice|1");
}

// The writer is shut out of a store that is not where it was. It may read on.
TEST_F(EventsTest, AStoreIsMovedAway) {
  MakeActor("alice");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.QueryText("SELECT count(*) FROM t"), "1");
  std::filesystem::rename(File("store"), File("aside"));
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES (2)"), SQLITE_READONLY_DBMOVED);
  EXPECT_EQ(Events("count(*), max(actor), "
                   "max(instr(detail, 'was moved, removed or replaced') > 0)",
                   "kind = 'fence'"),
            "1|alice|1");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(Events("count(*)", "kind = 'fence'"), "1");
  db.Close();
  std::filesystem::rename(File("aside"), File("store"));
}

TEST_F(EventsTest, ReclaimIsAskedFor) {
  MakeActor("alice");
  ASSERT_EQ(Ask("SELECT actorkv_reclaim('alice') >= 0"), "1");
  EXPECT_EQ(
      Events("actor, instr(detail, 'asked for: freed ') = 1, duration_us >= 0",
             "kind = 'reclaim_pass'"),
      "alice|1|1");
}

}  // namespace
}  // namespace actorkv
