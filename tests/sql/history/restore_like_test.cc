// actorkv_restore_like() and its plan take exactly the actors that the pattern
// names, as names are.

#include <string>

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class RestoreLikeTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    for (const char* name : {"p_1", "pX1", "p%251", "p\\1", "P_1"}) {
      MakeActor(name);
    }
  }

  // What the plan says, and who then has one restore more.
  void ExpectTaken(const std::string& pattern, const std::string& actors) {
    SCOPED_TRACE(pattern);
    const std::string arguments = "('-1 commit', '" + pattern + "')";
    EXPECT_EQ(Ask("SELECT group_concat(actor) FROM actorkv_restore_like_plan" +
                  arguments),
              actors);
    const std::string counts =
        "SELECT actor, count(*) AS n FROM actorkv_restores GROUP BY actor";
    ASSERT_EQ(Ask("CREATE TEMP TABLE old AS " + counts), "");
    EXPECT_EQ(
        Ask("SELECT actorkv_restore_like" + arguments),
        Ask("SELECT count(*) FROM actorkv_restore_like_plan" + arguments));
    EXPECT_EQ(Ask("SELECT group_concat(actor) FROM (" + counts +
                  ") AS new WHERE n > ifnull((SELECT n FROM old WHERE "
                  "old.actor = new.actor), 0)"),
              actors);
    ASSERT_EQ(Ask("DROP TABLE old"), "");
  }
};

TEST_F(RestoreLikeTest, TakesWhatThePatternNames) {
  ExpectTaken("p\\_1", "p_1");
  ExpectTaken("p_1", "p%1,pX1,p\\1,p_1");
  ExpectTaken("P%", "P_1");
  ExpectTaken("p\\\\1", "p\\1");
  ExpectTaken("p\\%%", "p%1");
}

TEST_F(RestoreLikeTest, ThePlanHasTheTxidsFirst) {
  MakeActor("tenant-a");
  MakeActor("tenant-b");
  EXPECT_EQ(Ask("SELECT actor, from_txid, to_txid FROM "
                "actorkv_restore_like_plan(1, 'tenant-%')"),
            "tenant-a|2|1\ntenant-b|2|1");
  EXPECT_EQ(Ask("SELECT p.actor, r.commit_count FROM "
                "actorkv_restore_like_plan(1, 'tenant-%') p, "
                "actorkv_restore_plan(p.actor, 1) r"),
            "tenant-a|1\ntenant-b|1");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like(1, 'tenant-%')"), "2");
  EXPECT_EQ(Ask("SELECT actor, to_txid FROM actorkv_restores WHERE actor LIKE "
                "'tenant-%'"),
            "tenant-a|1\ntenant-b|1");
}

TEST_F(RestoreLikeTest, NoneIsAnErrorAndSoIsOneWithoutThePoint) {
  const std::string none = "no live actor matches the pattern 'nobody%'";
  ExpectBad({
      {"SELECT actorkv_restore_like('head', 'nobody%')", SQLITE_ERROR,
       none.c_str()},
      {"SELECT * FROM actorkv_restore_like_plan('head', 'nobody%')",
       SQLITE_ERROR, none.c_str()},
      {"SELECT actorkv_restore_like('head', 'p\\')", SQLITE_ERROR,
       "ends in a single \\"},
      {"SELECT * FROM actorkv_restore_like_plan('head', 'p\\')", SQLITE_ERROR,
       "ends in a single \\"},
      {"SELECT * FROM actorkv_restore_like_plan('head')", SQLITE_ERROR,
       "it takes a point and a pattern"},
      {"SELECT * FROM actorkv_restore_like_plan('', 'p%')", SQLITE_ERROR, ""},
  });
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('p_1', 'mine')"), "2");
  ExpectBad({
      {"SELECT actorkv_restore_like('mine', 'p%')", SQLITE_ERROR,
       "no restore point 'mine'"},
      {"SELECT * FROM actorkv_restore_like_plan('mine', 'p%')", SQLITE_ERROR,
       "no restore point 'mine'"},
  });
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_restores"), "0");
}

}  // namespace
}  // namespace actorkv
