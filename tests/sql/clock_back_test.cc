// History after the clock of the machine was set back: the store's own times
// go on from where they were, so its newest commits are of a time to come.

#include "kv/clock.h"
#include "kv/keys.h"
#include "kv/point.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr uint64_t kDayUs = uint64_t{86'400} * 1'000'000;

class ClockBackTest : public SqlTest {
 protected:
  // One commit of now, and two from when the clock was a day ahead.
  void SetUp() override {
    SqlTest::SetUp();
    Run("CREATE TABLE note(body)");
    {
      const std::shared_ptr<Store> store = OpenStore();
      Batch batch;
      batch.Put(CatalogPartition(), ClockLimitKey(WallClockUs() + kDayUs), "");
      ASSERT_TRUE(store->engine()->Commit(batch, Durability::kSynced).done());
    }
    db()->Close();
    StoreRegistry::Instance()->CloseIdle();
    ASSERT_EQ(db()->Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted("store") + ")"),
              File("store"));
    Run("INSERT INTO note VALUES ('one')");
    Run("INSERT INTO note VALUES ('two')");
  }

  void Run(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }

  std::string Notes(const std::string& actor) {
    SqliteDb db;
    if (db.Open(Uri(actor)) != SQLITE_OK) return "cannot open";
    return db.QueryText("SELECT group_concat(body) FROM note");
  }

  uint64_t TimeUs(int txid) {
    const std::shared_ptr<Store> store = OpenStore();
    const auto reader = store->engine()->NewReader();
    std::shared_ptr<const HeadState> state;
    EXPECT_OK(LoadHeadState(reader.get(), "alice", &state));
    const std::string key = CommitKey(state->head.snapshot.branch,
                                      TxId{static_cast<uint64_t>(txid)});
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(reader->Get(ActorPartition(state->entry.actor), {key}, &values));
    CommitRecord record;
    EXPECT_OK(DecodeRecord(key, values[0].value_or(""), &record));
    return record.committed_at_us;
  }
};

TEST_F(ClockBackTest, TimesGoOn) {
  EXPECT_LT(TimeUs(1), WallClockUs());
  EXPECT_GT(TimeUs(2), WallClockUs() + kDayUs / 2);
  EXPECT_GT(TimeUs(3), TimeUs(2));
}

TEST_F(ClockBackTest, PointsAreOfTheStoresTime) {
  const std::string two = TimeText(TimeUs(2));
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'at', '" + two + "')"), "3");
  EXPECT_EQ(Notes("at"), "one");
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'now', '" +
                TimeText(WallClockUs()) + "')"),
            "2");
  EXPECT_EQ(Notes("now"), "");
  // Of the newest commit, not of the wall clock, before which there is none.
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'ago', '-12 hours')"), "2");
  EXPECT_EQ(Notes("ago"), "");
  ExpectBad({{"SELECT actorkv_restore('alice', '2999-01-01 00:00')",
              SQLITE_ERROR, "the time is in the future"}});
  EXPECT_EQ(Ask("SELECT actorkv_restore('alice', '" + two + "')"), "4");
  EXPECT_EQ(Notes("alice"), "one");
  EXPECT_EQ(Ask("SELECT actorkv_undo_restore('alice')"), "5");
  EXPECT_EQ(Notes("alice"), "one,two");
}

TEST_F(ClockBackTest, NothingExpiresBeforeItsTime) {
  EXPECT_EQ(Ask("SELECT actorkv_restore_point('alice', 'p', 3600000)"), "3");
  Run("INSERT INTO note VALUES ('three')");
  EXPECT_EQ(Ask("SELECT actorkv_retention(NULL, '1 hour')"), "24 hours");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim()"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits"), "4");
  EXPECT_EQ(Ask("SELECT actorkv_retention(NULL, '0')"), "1 hour");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim() > 0"), "1");
  EXPECT_EQ(Ask("SELECT group_concat(txid) FROM actorkv_commits"), "4,3");
  EXPECT_EQ(Ask("SELECT actorkv_restore('alice', 'p')"), "5");
  EXPECT_EQ(Notes("alice"), "one,two");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

}  // namespace
}  // namespace actorkv
