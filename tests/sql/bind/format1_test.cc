// A store of format 1, as the module of commit 329c86d left it
// (tests/stores/README.md): it is read without being changed, and the first
// open for writing makes it a store of today's format with all its history.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "kv/base/types.h"
#include "kv/files/store_marker.h"
#include "tests/support/sql_harness.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class Format1Test : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    fs::create_directory(File("store"));
    const std::string unpack =
        "tar -xzf tests/stores/format1.tar.gz -C " + Quoted("store");
    ASSERT_EQ(std::system(unpack.c_str()), 0);
  }

  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(File("store"))) {
      const std::string name = entry.path().filename().string();
      files[name] = Contents("store/" + name);
    }
    return files;
  }

  uint32_t MarkerFormat() const {
    Marker marker;
    EXPECT_OK(ReadMarker(File("store"), &marker));
    return marker.format;
  }

  std::string AskActor(const std::string& actor, const std::string& more,
                       const std::string& sql) {
    SqliteDb db;
    if (db.Open(Uri(actor, more)) != SQLITE_OK) return "error: " + LastError();
    return db.QueryText(sql);
  }

  std::string Notes(const std::string& actor, const std::string& more = "") {
    return AskActor(actor, more, "SELECT group_concat(body) FROM note");
  }

  // All that the store holds, by the ways that change nothing.
  void ExpectAll() {
    EXPECT_EQ(Ask("SELECT group_concat(actor || ' ' || state) FROM "
                  "actorkv_actors"),
              "alice live,alice-fork live,bob live,carol live,dave deleted,"
              "erin legacy");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
    EXPECT_EQ(Notes("alice", "&mode=ro"), "first,second,third,with bob,fifth");
    EXPECT_EQ(Notes("alice", "&mode=ro&asof=one-note"), "first");
    EXPECT_EQ(Notes("alice", "&mode=ro&asof=4"), "first,second,third");
    EXPECT_EQ(Notes("alice-fork", "&mode=ro"), "first,in the fork");
    EXPECT_EQ(AskActor("carol", "&mode=ro", "SELECT group_concat(x) FROM t"),
              "kept,lost");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits WHERE actor = 'alice'"),
              "6");
    EXPECT_EQ(Ask("SELECT undo_name FROM actorkv_restores"), "undo-4");
    EXPECT_EQ(Ask("SELECT count(DISTINCT commit_id) FROM actorkv_commits WHERE "
                  "actor IN ('alice', 'bob')"),
              "7");
    EXPECT_EQ(Ask("SELECT value FROM actorkv_settings WHERE name = "
                  "'retention_ms'"),
              "3024000000000");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv WHERE actor = 'erin'"),
              "33");
  }
};

TEST_F(Format1Test, IsReadWithoutBeingChanged) {
  const auto before = Files();
  ExpectAll();
  EXPECT_EQ(Files(), before);
  EXPECT_EQ(MarkerFormat(), 1u);
}

TEST_F(Format1Test, TheFirstOpenForWritingRaisesItOnce) {
  EXPECT_EQ(Notes("alice"), "first,second,third,with bob,fifth");
  EXPECT_EQ(MarkerFormat(), kStoreFormat);
  const std::string marker = Contents("store/actorkv.format");
  StoreRegistry::Instance()->CloseIdle();
  ExpectAll();
  StoreRegistry::Instance()->CloseIdle();
  EXPECT_EQ(Notes("alice"), "first,second,third,with bob,fifth");
  EXPECT_EQ(Contents("store/actorkv.format"), marker);
}

TEST_F(Format1Test, ItsHistoryGoesOn) {
  EXPECT_EQ(AskActor("alice", "",
                     "INSERT INTO note(body) VALUES('sixth') "
                     "RETURNING id"),
            "6");
  EXPECT_EQ(Ask("SELECT actorkv_restore('alice', 'one-note') > 0"), "1");
  EXPECT_EQ(Notes("alice"), "first");
  EXPECT_EQ(Ask("SELECT actorkv_undo_restore('alice') > 0"), "1");
  EXPECT_EQ(Notes("alice"), "first,second,third,with bob,fifth,sixth");
  EXPECT_EQ(Ask("SELECT actorkv_undo_restore('carol') > 0"), "1");
  EXPECT_EQ(AskActor("carol", "", "SELECT group_concat(x) FROM t"), "lost");
  EXPECT_EQ(Ask("SELECT actorkv_undelete('dave') > 0"), "1");
  EXPECT_EQ(AskActor("dave", "", "SELECT x FROM t"), "deleted by mistake");
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'second-fork', 3) > 0"), "1");
  EXPECT_EQ(Notes("second-fork"), "first,second");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('erin')"), "live");
  EXPECT_EQ(AskActor("erin", "", "SELECT count(*) > 0 FROM steps"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim() >= 0"), "1");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
  EXPECT_EQ(Ask("SELECT actorkv_backup('$DIR/copy') > 0"), "1");
  StoreRegistry::Instance()->CloseIdle();
  EXPECT_EQ(Notes("alice"), "first,second,third,with bob,fifth,sixth");
}

}  // namespace
}  // namespace actorkv
