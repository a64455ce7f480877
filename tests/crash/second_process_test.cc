// Two processes and one store: one writes, any number follow with mode=ro.
// A second writer waits for the first, and is told its pid where that is in
// vain. A follower sees a whole commit at each transaction, whatever the writer
// does meanwhile, and outlives it. A fork()ed child gets nothing and breaks
// nothing.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/crash_life.h"
#include "tests/support/forked_child.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr int kAccounts = 200;  // of 1000 each
constexpr char kChild[] = "SecondProcess.DISABLED_Writer";
constexpr std::chrono::seconds kFollowTime{3};
constexpr std::chrono::seconds kSlowFollowTime{60};  // on a busy machine

constexpr char kFound[] =
    "CREATE TABLE IF NOT EXISTS account"
    "(id INTEGER PRIMARY KEY, money INT, note TEXT);"
    "CREATE TABLE IF NOT EXISTS large(id INTEGER PRIMARY KEY, n INT, b BLOB);"
    "CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY, n INT);"
    "INSERT OR IGNORE INTO counter VALUES(1, 0);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200)"
    " INSERT OR IGNORE INTO account SELECT i, 1000, hex(zeroblob(200)) FROM n;";

constexpr char kTransfer[] =
    "UPDATE counter SET n = n + 1;"
    "UPDATE account SET money = money - 7"
    " WHERE id = 1 + (SELECT n FROM counter) * 31 % 200;"
    "UPDATE account SET money = money + 7"
    " WHERE id = 1 + (SELECT n FROM counter) * 17 % 200;";

constexpr char kRewriteLarge[] =
    "DELETE FROM large;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900)"
    " INSERT INTO large SELECT i, (SELECT n FROM counter), randomblob(10000)"
    " FROM n;";

constexpr char kConsistent[] =
    "SELECT (SELECT sum(money) FROM account),"
    " (SELECT count(DISTINCT n) < 2 AND count(*) IN (0, 900) AND"
    " ifnull(max(n), 0) <= (SELECT n FROM counter) FROM large),"
    " (SELECT n FROM counter)";

// As an application does that makes a copy of its files.
void ReadAllFiles(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream(entry.path()).get();
  }
}

// By orders: 't' transfers once, 'l' with a large table, 'x' removes all
// history, 'o' reads the store's files, 'r' runs until it is killed, '\0' (the
// parent's end) leaves.
TEST(SecondProcess, DISABLED_Writer) {
  const LifePlan plan = BeginLife();
  SqliteDb db;
  if (db.Open(ActorUri(plan.store, "bank")) != SQLITE_OK) {
    MustRun(&db, "SELECT 'open'");
  }
  MustRun(&db, std::string("BEGIN;") + kFound + "COMMIT");
  ChildSay(kSaysBegan);
  for (char order = ChildHear(); order != '\0'; order = ChildHear()) {
    if (order == 'x') {
      MustRun(&db,
              "SELECT actorkv_retention(NULL, '0'); SELECT actorkv_reclaim()");
      ChildSay(kSaysCommitted);
      continue;
    }
    if (order == 'o') {
      ReadAllFiles(plan.store);
      ChildSay(kSaysCommitted);
      continue;
    }
    for (int i = 0; i == 0 || order == 'r'; ++i) {
      const bool with_large = order == 'l' || (order == 'r' && i % 20 == 0);
      MustRun(&db, std::string("BEGIN;") + kTransfer +
                       (with_large ? kRewriteLarge : "") + "COMMIT");
      if (order == 'r' && i % 100 == 99) MustRun(&db, "VACUUM");
    }
    ChildSay(kSaysCommitted);
  }
}

class SecondProcessTest : public testing::Test {
 protected:
  // Processes that share a store are tested in tests/process.
  void SetUp() override {
    SqliteDb db;
    ASSERT_EQ(db.Open(uri_), SQLITE_OK);
    MustRun(&db, "SELECT actorkv_set('share', 0)");
    db.Close();
    CloseStore(store_);
  }
  void TearDown() override { CloseStore(store_); }

  std::unique_ptr<ChildProcess> StartWriter() {
    // The text of LifePlan: store, no ledger, the rest as it is by default.
    auto child = std::make_unique<ChildProcess>(kChild, store_ + "\n\n\n\n");
    EXPECT_EQ(child->Hear(), kSaysBegan);
    return child;
  }

  static void Order(ChildProcess* child, char order) {
    child->Say(order);
    EXPECT_EQ(child->Hear(), kSaysCommitted);
  }

  int OpenFollower(SqliteDb* db) {
    return db->Open(uri_ + "&mode=ro", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  }

  // Reads in one transaction; checks, and gives the counter in *count.
  static void Look(SqliteDb* db, int64_t* count) {
    const std::string row = db->QueryText(kConsistent);
    const std::string whole = std::to_string(kAccounts * 1000) + "|1|";
    ASSERT_EQ(row.substr(0, whole.size()), whole) << row << LastError();
    *count = std::strtoll(row.c_str() + whole.size(), nullptr, 10);
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
  const std::string uri_ = ActorUri(store_, "bank");
};

// Opens, counts, closes, again and again, as often as it is told to.
TEST(SecondProcess, DISABLED_InTurns) {
  const LifePlan plan = BeginLife();
  ChildSay(kSaysBegan);
  const char order = ChildHear();  // all at once
  for (int i = 0; i < std::stoi(plan.kind) && order != '\0'; ++i) {
    SqliteDb db;
    if (db.Open(ActorUri(plan.store, "bank") + "&open_timeout_ms=600000") !=
        SQLITE_OK) {
      MustRun(&db, "SELECT 'open'");
    }
    MustRun(&db, std::string("BEGIN;") + kFound + kTransfer + "COMMIT");
    db.Close();
    if (i % 3 == 0) usleep(20000);
  }
  ChildSay(kSaysDone);
}

// Nobody is left out, whatever the others do, and nothing is lost.
TEST_F(SecondProcessTest, ProcessesTakeTurns) {
  constexpr int kProcesses = 3;
  constexpr int kTurns = 25;
  StartWriter()->Kill();  // the store is there
  std::vector<std::unique_ptr<ChildProcess>> all;
  for (int i = 0; i < kProcesses; ++i) {
    all.push_back(std::make_unique<ChildProcess>(
        "SecondProcess.DISABLED_InTurns",
        store_ + "\n\n\n" + std::to_string(kTurns) + "\n"));
    ASSERT_EQ(all.back()->Hear(), kSaysBegan);
  }
  for (auto& child : all) child->Say('g');
  for (auto& child : all) {
    EXPECT_EQ(child->Hear(), kSaysDone);
    EXPECT_TRUE(child->WaitForSuccess());
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(uri_), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT n FROM counter"), kProcesses * kTurns);
  EXPECT_EQ(db.QueryInt("SELECT sum(money) FROM account"), kAccounts * 1000);
}

// A store that is open in another process is to be had when that closes it.
TEST_F(SecondProcessTest, AnOpenWaitsForTheEndOfTheWriter) {
  auto writer = StartWriter();
  std::thread end([&writer] {
    usleep(50000);
    writer->Kill();
  });
  SqliteDb db;
  EXPECT_EQ(db.Open(uri_ + "&open_timeout_ms=600000"), SQLITE_OK)
      << LastError();
  end.join();
}

// The locks of a process on a file go when any code of it closes the file.
TEST_F(SecondProcessTest, AWriterThatReadsItsFilesStaysTheOnlyOne) {
  auto writer = StartWriter();
  for (int i = 0; i < 3; ++i) {
    Order(writer.get(), 'o');
    SqliteDb db;
    EXPECT_EQ(db.Open(uri_ + "&open_timeout_ms=0"), SQLITE_BUSY);
    Order(writer.get(), 't');
  }
  writer->Kill();
  SqliteDb db;
  ASSERT_EQ(db.Open(uri_), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT n FROM counter"), 3);
}

TEST_F(SecondProcessTest, ASecondWriterIsToldThePid) {
  auto writer = StartWriter();
  SqliteDb db;
  EXPECT_EQ(db.Open(uri_ + "&open_timeout_ms=20"), SQLITE_BUSY);
  const std::string pid = "process " + std::to_string(writer->pid());
  EXPECT_NE(LastError().find(pid), std::string::npos) << LastError();
  EXPECT_NE(LastError().find(store_), std::string::npos) << LastError();
  // Functions say it as well, and wait as the URI of main says.
  SqliteDb plain;
  ASSERT_EQ(plain.Open("file:" + temp_.File("x.db") + "?open_timeout_ms=0"),
            SQLITE_OK);
  EXPECT_NE(plain
                .QueryText("SELECT actorkv_retention('" + store_ +
                           "/bank', '1 hour')")
                .find(pid),
            std::string::npos);
  EXPECT_EQ(plain.ErrorCode(), SQLITE_BUSY);
  // The loser touched nothing: the winner works on.
  Order(writer.get(), 't');
  writer->Kill();
  ASSERT_EQ(db.Open(uri_), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT n FROM counter"), 1);
  EXPECT_EQ(db.Exec(kTransfer), SQLITE_OK);
}

TEST_F(SecondProcessTest, AFollowerSeesEachCommit) {
  auto writer = StartWriter();
  SqliteDb db;
  ASSERT_EQ(OpenFollower(&db), SQLITE_OK) << LastError();
  for (int64_t i = 1; i <= 30; ++i) {
    Order(writer.get(), i % 10 == 0 ? 'l' : 't');
    int64_t count = 0;
    ASSERT_NO_FATAL_FAILURE(Look(&db, &count));
    EXPECT_EQ(count, i);
  }
  EXPECT_EQ(db.Exec("UPDATE counter SET n = 0"), SQLITE_READONLY);
}

TEST_F(SecondProcessTest, AFollowersTransactionIsOneSnapshot) {
  auto writer = StartWriter();
  SqliteDb db;
  ASSERT_EQ(OpenFollower(&db), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec("BEGIN"), SQLITE_OK);
  int64_t first = 0;
  ASSERT_NO_FATAL_FAILURE(Look(&db, &first));
  for (int i = 0; i < 20; ++i) {
    Order(writer.get(), i % 5 == 0 ? 'l' : 't');
    int64_t count = 0;
    ASSERT_NO_FATAL_FAILURE(Look(&db, &count));
    EXPECT_EQ(count, first);
  }
  ASSERT_EQ(db.Exec("COMMIT"), SQLITE_OK);
  int64_t count = 0;
  ASSERT_NO_FATAL_FAILURE(Look(&db, &count));
  EXPECT_EQ(count, first + 20);
}

// The writer flushes, compacts, stages and vacuums under it.
TEST_F(SecondProcessTest, AFollowerIsConsistentBesideABusyWriter) {
  auto writer = StartWriter();
  SqliteDb db;
  ASSERT_EQ(OpenFollower(&db), SQLITE_OK) << LastError();
  writer->Say('r');
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + kFollowTime;
  const auto give_up = Clock::now() + kSlowFollowTime;
  int64_t last = 0;
  int64_t changes = 0;
  while (Clock::now() < end || (changes <= 2 && Clock::now() < give_up)) {
    int64_t count = 0;
    ASSERT_NO_FATAL_FAILURE(Look(&db, &count));
    EXPECT_GE(count, last) << "back in time";
    changes += count != last ? 1 : 0;
    last = count;
  }
  EXPECT_GT(changes, 2);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok") << LastError();
}

// A follower's snapshot is nothing that the writer knows of. What it has not
// read yet is an error once the writer has removed it, however it reads: the
// rows of an older commit would be as wrong as zeros.
TEST_F(SecondProcessTest, AFollowersSnapshotExpires) {
  constexpr char kReadLarge[] =
      "SELECT count(*), count(DISTINCT n), sum(length(b)) FROM large";
  for (const char* mmap_size : {"0", "268435456"}) {
    SCOPED_TRACE(std::string("mmap_size=") + mmap_size);
    auto writer = StartWriter();
    Order(writer.get(), 'l');
    SqliteDb late;
    ASSERT_EQ(OpenFollower(&late), SQLITE_OK) << LastError();
    ASSERT_EQ(late.Exec("PRAGMA cache_size = 5"), SQLITE_OK);
    late.QueryText(std::string("PRAGMA mmap_size = ") + mmap_size);
    ASSERT_EQ(late.Exec("BEGIN"), SQLITE_OK);
    const int64_t count = late.QueryInt("SELECT n FROM counter");
    Order(writer.get(), 'l');
    Order(writer.get(), 't');
    Order(writer.get(), 'x');
    // Nobody in this process has looked: its database is what it was.
    EXPECT_EQ(late.QueryText("SELECT count(*) FROM account"), "200");
    SqliteDb other;
    ASSERT_EQ(OpenFollower(&other), SQLITE_OK) << LastError();
    EXPECT_EQ(other.QueryInt("SELECT n FROM counter"), count + 2);
    EXPECT_EQ(other.QueryText(kReadLarge), "900|1|9000000");
    const std::string answer = late.QueryText(kReadLarge);
    EXPECT_EQ(answer.substr(0, 6), "error:") << answer;
    EXPECT_NE(LastError().find("the commit has expired"), std::string::npos)
        << LastError();
    late.Exec("ROLLBACK");
    EXPECT_EQ(late.QueryText(kReadLarge), "900|1|9000000");
    EXPECT_EQ(late.QueryInt("SELECT n FROM counter"), count + 2);
    writer->Kill();
  }
}

TEST_F(SecondProcessTest, AFollowerOutlivesTheWriter) {
  SqliteDb db;
  int64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    auto writer = StartWriter();
    if (round == 0) {
      ASSERT_EQ(OpenFollower(&db), SQLITE_OK) << LastError();
    }
    Order(writer.get(), 't');
    int64_t count = 0;
    ASSERT_NO_FATAL_FAILURE(Look(&db, &count));
    EXPECT_GE(count, last + 1);
    last = count;
    if (round % 2 == 1) {
      writer->Say('r');
      usleep(50000);
    }
    writer->Kill();
    ASSERT_NO_FATAL_FAILURE(Look(&db, &count));
    EXPECT_GE(count, last);
    last = count;
  }
}

// A process that follows may write later, when the store is free.
TEST_F(SecondProcessTest, AFollowerMayBecomeTheWriter) {
  auto writer = StartWriter();
  SqliteDb follower;
  ASSERT_EQ(OpenFollower(&follower), SQLITE_OK) << LastError();
  writer->Kill();
  SqliteDb db;
  ASSERT_EQ(db.Open(uri_), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kTransfer), SQLITE_OK);
  int64_t count = 0;
  ASSERT_NO_FATAL_FAILURE(Look(&follower, &count));
  EXPECT_EQ(count, 1);
}

// In a child of fork(): 0 when what the parent had open is refused, and the
// child waits for its parent's store, and follows it, as any other process.
int TryInForkedChild(SqliteDb* inherited, const std::string& uri) {
  if (inherited->Exec("SELECT count(*) FROM account") == SQLITE_OK) return 1;
  if (inherited->Exec("UPDATE counter SET n = 99") == SQLITE_OK) return 2;
  if (LastError().find("fork") == std::string::npos) return 3;
  SqliteDb db;
  if (db.Open(uri + "&open_timeout_ms=0") != SQLITE_BUSY) return 4;
  const std::string holder =
      "store is open in process " + std::to_string(getppid());
  if (LastError().find(holder) == std::string::npos) return 5;
  SqliteDb reader;
  if (reader.Open(uri + "&mode=ro", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) !=
      SQLITE_OK) {
    return 6;
  }
  return reader.QueryInt("SELECT count(*) FROM counter") == 1 ? 0 : 7;
}

TEST_F(SecondProcessTest, AForkedChildIsAsAnyOtherAndDoesNoHarm) {
  if (!kChildrenAreWhole) GTEST_SKIP() << "not under a sanitizer";
  SqliteDb db;
  ASSERT_EQ(db.Open(uri_), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kFound), SQLITE_OK);
  for (const bool runs_handlers : {true, false}) {
    // Time for all threads of RocksDB to be at rest: the child has none of
    // them, and must not wait for any when it ends.
    usleep(100000);
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      const int result = TryInForkedChild(&db, uri_);
      if (runs_handlers) std::exit(result);
      _exit(result);
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status), 0);
    ASSERT_EQ(db.Exec(kTransfer), SQLITE_OK) << LastError();
  }
  EXPECT_EQ(db.QueryInt("SELECT n FROM counter"), 2);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  db.Close();
  CloseStore(store_);
  // A process of its own finds all of it, and the lock free.
  auto writer = StartWriter();
  SqliteDb follower;
  ASSERT_EQ(OpenFollower(&follower), SQLITE_OK) << LastError();
  int64_t count = 0;
  ASSERT_NO_FATAL_FAILURE(Look(&follower, &count));
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace actorkv
