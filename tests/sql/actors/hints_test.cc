// actorkv_hints: what was learned is shown, and goes where its actor goes.

#include <string>

#include "tests/support/sql_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

class HintsTableTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeActor("alice", 2000);
    MakeActor("bob", 1);
  }

  // A first query in a process that knows nothing of the actor. What it learns
  // is stored.
  void Wake(const std::string& actor) {
    CloseStore(File("store"));
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(actor)), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM t WHERE rowid IN"
                           " (1, 500, 1000, 1500, 2000)"),
              "5");
    db.Close();
    CloseStore(File("store"));
  }

  std::string Hints(const std::string& actor) {
    return Ask(
        "SELECT first_pgno, page_count, hit_ratio FROM actorkv_hints"
        " WHERE actor = '" +
        actor + "'");
  }
};

TEST_F(HintsTableTest, RowsAreRangesOfPages) {
  EXPECT_EQ(Ask("SELECT * FROM actorkv_hints"), "");
  Wake("alice");
  EXPECT_EQ(Ask("SELECT DISTINCT actor, typeof(first_pgno), typeof(page_count),"
                " typeof(hit_ratio), hit_ratio BETWEEN 0 AND 1"
                " FROM actorkv_hints"),
            "alice|integer|integer|real|1");
  EXPECT_EQ(Ask("SELECT min(first_pgno), sum(page_count) > 6,"
                " max(first_pgno + page_count - 1) <= (SELECT page_count FROM"
                " actorkv_actors WHERE actor = 'alice') FROM actorkv_hints"),
            "1|1|1");
  EXPECT_EQ(Hints("bob"), "") << "two pages";
  EXPECT_EQ(Hints("nobody"), "");
}

TEST_F(HintsTableTest, TheRatioFollowsWhatIsUsed) {
  for (int i = 0; i < 10; ++i) Wake("alice");
  EXPECT_EQ(Ask("SELECT min(hit_ratio), max(hit_ratio) FROM actorkv_hints"),
            "1.0|1.0");
  for (int i = 0; i < 2; ++i) {
    CloseStore(File("store"));
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);  // and nothing else
  }
  CloseStore(File("store"));
  EXPECT_EQ(Ask("SELECT count(*) > 0 FROM actorkv_hints WHERE hit_ratio < 0.3"),
            "1");
}

TEST_F(HintsTableTest, AForkBeginsWithThoseOfItsParent) {
  Wake("alice");
  CloseStore(File("store"));
  ASSERT_NE(Ask("SELECT actorkv_fork('alice', 'carol')"), "");
  EXPECT_NE(Hints("carol"), "");
  EXPECT_EQ(Hints("carol"), Hints("alice"));
  Wake("carol");
  EXPECT_NE(Hints("carol"), Hints("alice"));
}

TEST_F(HintsTableTest, TheyGoWithTheActor) {
  Wake("alice");
  const std::string hints = Hints("alice");
  ASSERT_EQ(Ask("SELECT actorkv_rename('alice', 'eve')"), "1");
  EXPECT_EQ(Hints("eve"), hints);
  ASSERT_NE(Ask("SELECT actorkv_takeover('eve')"), "");
  CloseStore(File("store"));
  EXPECT_EQ(Hints("eve"), hints);
  ASSERT_NE(Ask("SELECT actorkv_delete('eve')"), "");
  EXPECT_EQ(Hints("eve"), "");
  ASSERT_NE(Ask("SELECT actorkv_undelete('eve')"), "");
  EXPECT_EQ(Hints("eve"), hints);
  ASSERT_NE(Ask("SELECT actorkv_purge('eve')"), "");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_hints"), "");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(HintsTableTest, ABackupHasThemAndVerifyKnowsThem) {
  Wake("alice");
  CloseStore(File("store"));
  const std::string hints = Hints("alice");
  EXPECT_NE(hints, "");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
  ASSERT_NE(Ask("SELECT actorkv_backup('$DIR/copy')"), "");
  ASSERT_NE(Ask("SELECT actorkv_store('$DIR/copy')"), "");
  EXPECT_EQ(Hints("alice"), hints);
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(HintsTableTest, PreloadedAndUsedPagesAreCounted) {
  const auto value = [this](const std::string& name) {
    return std::stoll(
        Ask("SELECT value FROM actorkv_metrics WHERE name = '" + name + "'"));
  };
  Wake("alice");
  const int64_t preloaded = value("hints_preloaded_pages");
  const int64_t used = value("hints_used_pages");
  Wake("alice");
  EXPECT_GT(value("hints_preloaded_pages"), preloaded);
  EXPECT_EQ(value("hints_preloaded_pages") - preloaded,
            value("hints_used_pages") - used);
}

}  // namespace
}  // namespace actorkv
