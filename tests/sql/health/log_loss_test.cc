// What the log of the store lost, which no actor's own records show, is told by
// every table that people ask for the health of a store or an actor.

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

using LogLossTest = SqlTest;

TEST_F(LogLossTest, VerifyDoctorAndInfoWarn) {
  MakeActor("alice");
  const std::string warnings =
      "SELECT count(*) FROM actorkv_verify UNION ALL SELECT count(*) FROM "
      "actorkv_doctor('alice') WHERE severity = 'warning' AND actor IS NULL";
  EXPECT_EQ(Ask(warnings), "0\n0");
  WriteFile("store/actorkv.stranded-000012.log-7", "record");
  WriteFile("store/actorkv.lost-000013.log", "of 100 bytes 40 are missing");
  EXPECT_EQ(Ask(warnings), "2\n2");
  for (const char* table : {"actorkv_verify", "actorkv_doctor('alice')"}) {
    const std::string rows =
        Ask(std::string("SELECT detail FROM ") + table +
            " WHERE severity = 'warning' AND mend IS NOT NULL");
    EXPECT_NE(rows.find("commits behind a damaged record of the log were not "
                        "replayed; they are kept in " +
                        File("store") + "/actorkv.stranded-000012.log-7"),
              std::string::npos)
        << rows;
    EXPECT_NE(rows.find("acknowledged commits may be gone with a log: of 100 "
                        "bytes 40 are missing"),
              std::string::npos)
        << rows;
  }
  EXPECT_EQ(Ask("SELECT name FROM actorkv_info WHERE level = 'warning' AND "
                "name LIKE '%log_records' ORDER BY 1"),
            "lost_log_records\nstranded_log_records");
}

}  // namespace
}  // namespace actorkv
