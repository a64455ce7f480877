// A store of one user that root looks at once, with a umask that gives nobody
// else anything: its user goes on as before.

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kUser = 65534;

// The service: "STORE\nSQL" as the other user. Without SQL it only reads.
TEST(SecondUser, DISABLED_Service) {
  const std::string argument = ChildArgument();
  const size_t end = argument.find('\n');
  const std::string sql = argument.substr(end + 1);
  if (setgroups(0, nullptr) != 0 || setgid(kUser) != 0 || setuid(kUser) != 0) {
    std::abort();
  }
  umask(0022);
  SqliteDb db;
  const std::string more = sql.empty() ? "&mode=ro" : "";
  bool fine =
      db.Open(ActorUri(argument.substr(0, end), "alice") + more) == SQLITE_OK;
  if (fine && !sql.empty()) fine = db.Exec(sql) == SQLITE_OK;
  fine = fine && db.QueryText("SELECT count(*) > 0 FROM t") == "1";
  EXPECT_TRUE(fine) << db.Error() << " " << LastError();
  db.Close();
  StoreRegistry::Instance()->CloseIdle();
}

class SecondUserTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    ASSERT_EQ(chmod(temp_.path().c_str(), 0755), 0);
    fs::create_directory(store_);
    ASSERT_EQ(chown(store_.c_str(), kUser, kUser), 0);
  }

  bool Serve(const std::string& sql) {
    ChildProcess child("SecondUser.DISABLED_Service", store_ + "\n" + sql);
    return child.WaitForSuccess();
  }

  // As root, with a umask of 077, through a plain open.
  std::string LookAsRoot(const std::string& sql) {
    const mode_t before = umask(0077);
    SqliteDb db;
    std::string answer = "error";
    if (db.Open(ActorUri(store_, "alice")) == SQLITE_OK) {
      answer = db.QueryText(sql);
    }
    db.Close();
    CloseStore(store_);
    umask(before);
    return answer;
  }

  void ExpectAllTheUsers(const std::string& directory) {
    for (const auto& entry : fs::directory_iterator(directory)) {
      struct stat file = {};
      ASSERT_EQ(lstat(entry.path().c_str(), &file), 0);
      EXPECT_EQ(file.st_uid, kUser) << entry.path();
      EXPECT_EQ(file.st_gid, kUser) << entry.path();
      EXPECT_EQ(file.st_mode & 0777, 0644u) << entry.path();
    }
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
};

TEST_F(SecondUserTest, RootLooksOnce) {
  ASSERT_TRUE(Serve("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  EXPECT_EQ(LookAsRoot("SELECT count(*) FROM t"), "1");
  ExpectAllTheUsers(store_);
  EXPECT_TRUE(Serve("INSERT INTO t VALUES(2)"));
  EXPECT_TRUE(Serve(""));
}

TEST_F(SecondUserTest, RootWritesAndReclaims) {
  ASSERT_TRUE(Serve("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  LookAsRoot("INSERT INTO t VALUES(randomblob(3000000))");
  LookAsRoot("SELECT actorkv_reclaim()");
  ExpectAllTheUsers(store_);
  EXPECT_TRUE(Serve("UPDATE t SET x = 1; SELECT actorkv_reclaim()"));
  EXPECT_TRUE(Serve(""));
}

TEST_F(SecondUserTest, RootMakesIt) {
  EXPECT_EQ(LookAsRoot("CREATE TABLE t(x)"), "");
  ExpectAllTheUsers(store_);
  EXPECT_TRUE(Serve("INSERT INTO t VALUES(2)"));
}

TEST_F(SecondUserTest, RootsBackupServesItsUser) {
  ASSERT_TRUE(Serve("CREATE TABLE t(x); INSERT INTO t VALUES(1)"));
  const std::string copy = temp_.File("copy");
  EXPECT_NE(LookAsRoot("SELECT actorkv_backup('" + copy + "')"), "error");
  ExpectAllTheUsers(copy);
  fs::remove_all(store_);
  fs::rename(copy, store_);
  EXPECT_TRUE(Serve("INSERT INTO t VALUES(2)"));
}

}  // namespace
}  // namespace actorkv
