// An engine's directory in which Rivet 2.3 left pairs behind: who has a
// database in its depot is refused by name, and the others come in.

#include "tests/support/rivet_engine_directory.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class DepotImportTest : public SqlTest {
 protected:
  static std::string Id(char first) { return first + std::string(18, '\7'); }
  static std::string Text(char first) { return RivetActorIdText(Id(first)); }

  const std::string bucket_ = std::string(kDepotBucketBytes, 'b');
  EngineDirectory engine_;
};

TEST_F(DepotImportTest, PairsOlderThanTheDepotAreRefused) {
  engine_.PutPair(Id('a'), "\1", "pairs");
  engine_.PutPair(Id('b'), "\1", "old pairs");
  engine_.Put(DepotKey(bucket_, Text('b')), "v");
  engine_.Put(DepotKey(bucket_, Text('c')), "v");
  engine_.Close();
  const auto before = engine_.Files();
  const std::string all = " FROM actorkv_import_all('" + engine_.path() + "')";
  EXPECT_EQ(Ask("SELECT actor, state, form" + all),
            Text('a') + "|legacy|rocksdb\n" + Text('b') + "|failed|\n" +
                Text('c') + "|failed|");
  const std::string call = "rivet-engine depot doctor --actor-id " + Text('b') +
                           " --artifact-dir DIR, then SELECT actorkv_import('" +
                           Text('b') + "'";
  EXPECT_EQ(Ask("SELECT count(*)" + all + " WHERE instr(error, '" +
                "rivet-engine depot doctor --actor-id " + Text('b') + "') > 0"),
            "1");
  EXPECT_NE(Ask("SELECT error" + all + " WHERE actor = '" + Text('b') + "'")
                .find(call),
            std::string::npos);
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), Text('a'));
  EXPECT_TRUE(engine_.Files() == before);
}

TEST_F(DepotImportTest, AnEngineWithADepotAloneHasActors) {
  engine_.Put(DepotKey(bucket_, Text('c')), "v");
  engine_.Close();
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_import_all('" +
                engine_.path() + "')"),
            Text('c') + "|failed");
}

TEST_F(DepotImportTest, AnotherDatabaseIsNoEngine) {
  engine_.Put("some key", "v");
  engine_.Close();
  EXPECT_NE(Ask("SELECT * FROM actorkv_import_all('" + engine_.path() + "')")
                .find("neither pairs nor one in its depot"),
            std::string::npos);
}

}  // namespace
}  // namespace actorkv
