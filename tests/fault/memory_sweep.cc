#include "tests/fault/memory_sweep.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>
#include <utility>

#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// Of one step, seconds. A step takes milliseconds; one that hangs, for ever.
constexpr unsigned kPatience = 120;

constexpr int64_t kLargeRows = 3000;  // of 4 KB: past what stays in memory

int report_fd = -1;

void Report(const std::string& line) {
  const std::string text = line + "\n";
  if (write(report_fd, text.data(), text.size()) < 0) _exit(3);
}

// On the way out of a process that dies: one line with the frames, innermost
// first, each as OBJECT:FUNCTION.
void SayWhere(int signal) {
  static_cast<void>(FailingMemory::End());
  void* frames[64];
  const int count = backtrace(frames, 64);
  dprintf(report_fd, "died");
  for (int i = 0; i < count; ++i) {
    Dl_info info = {};
    if (dladdr(frames[i], &info) == 0 || info.dli_fname == nullptr) continue;
    const char* const slash = std::strrchr(info.dli_fname, '/');
    dprintf(report_fd, " %s:%s", slash == nullptr ? "" : slash + 1,
            info.dli_sname == nullptr ? "?" : info.dli_sname);
  }
  dprintf(report_fd, "\n");
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string Number(int64_t number) { return std::to_string(number); }

// Both halves of a step, without its end.
std::string PairSql(int64_t number) {
  return "BEGIN; INSERT INTO main.pair VALUES(" + Number(number) +
         ", hex(randomblob(20))); INSERT INTO b.pair VALUES(" + Number(number) +
         ", hex(randomblob(20)));";
}

void Nothing(SweepWorld* /*world*/, int64_t /*number*/) {}

void Must(SqliteDb* db, const std::string& sql) {
  ASSERT_EQ(db->Exec(sql), SQLITE_OK) << sql << db->Error() << LastError();
}

std::string Quoted(const std::string& text) { return "'" + text + "'"; }

int Call(SweepWorld* world, const std::string& call) {
  return world->functions()->Exec("SELECT " + call);
}

}  // namespace

SweepWorld::SweepWorld(std::string directory)
    : directory_(std::move(directory)) {}

std::string SweepWorld::Uri(const std::string& actor) const {
  return ActorUri(store(), actor);
}

void SweepWorld::Open() {
  ASSERT_EQ(files_.Open(Uri("a")), SQLITE_OK) << LastError();
  Must(&files_, "ATTACH '" + Uri("b") + "' AS b");
  ASSERT_EQ(functions_.Open(":memory:"), SQLITE_OK);
  Must(&functions_, "SELECT actorkv_store('" + store() + "')");
}

void SweepWorld::Close() {
  files_.Close();
  functions_.Close();
  CloseStore(store());
}

void SweepWorld::Make() {
  Open();
  for (const char* schema : {"main", "b"}) {
    Must(&files_, std::string("CREATE TABLE ") + schema +
                      ".pair(number INTEGER PRIMARY KEY, body)");
  }
  Must(&files_,
       "CREATE TABLE big(id INTEGER PRIMARY KEY, body);"
       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
       "300) INSERT INTO big SELECT i, randomblob(2000) FROM n");
  // The past of r, to go back to.
  SqliteDb r;
  ASSERT_EQ(r.Open(Uri("r")), SQLITE_OK);
  Must(&r, "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  Must(&functions_, "SELECT actorkv_restore_point('r', 'then')");
  Must(&r, "INSERT INTO t VALUES(2)");
  Must(&functions_, "SELECT actorkv_export('r', '" + File("r.db") + "')");
  // Pairs of an actor with a database.
  Must(&functions_,
       "SELECT actorkv_import('old', "
       "'tests/rivet/a-rk213-plain.jsonl.gz')");
  Must(&functions_,
       "SELECT actorkv_export('old', '" + File("old.jsonl") + "', 'jsonl')");
  r.Close();
  Close();
}

std::string SweepWorld::Look(std::vector<std::string>* wrong) {
  SqliteDb a;
  SqliteDb b;
  SqliteDb r;
  std::string seen;
  const auto read = [&](SqliteDb* db, const char* actor, const char* sql) {
    if (db->Open(Uri(actor)) != SQLITE_OK) {
      wrong->push_back(std::string(actor) + " does not open: " + LastError());
      return std::string();
    }
    if (const std::string check = db->QueryText("PRAGMA integrity_check");
        check != "ok") {
      wrong->push_back(std::string(actor) + ": " + check + LastError());
    }
    return db->QueryText(sql);
  };
  const char* const pairs = "SELECT count(*), sum(number) FROM pair";
  const std::string in_a = read(&a, "a", pairs);
  const std::string in_b = read(&b, "b", pairs);
  if (in_a != in_b) wrong->push_back("torn: " + in_a + " in a, " + in_b);
  return in_a + " " +
         a.QueryText("SELECT count(*), sum(length(body)) FROM big") + " " +
         read(&r, "r", "SELECT group_concat(x) FROM t");
}

std::vector<std::string> SweepWorld::Check(int64_t number, int code,
                                           bool stores) {
  std::vector<std::string> wrong;
  const std::string sql = "SELECT count(*) FROM pair WHERE number = ";
  const std::string here = Look(&wrong);
  if (files_.get() != nullptr && files_.Exec("SELECT 1") == SQLITE_OK &&
      sqlite3_get_autocommit(files_.get()) == 0) {
    static_cast<void>(files_.Exec("ROLLBACK"));
  }
  const std::string own =
      files_.QueryText("SELECT count(*), sum(number) FROM main.pair") + " " +
      files_.QueryText("SELECT count(*), sum(length(body)) FROM big");
  if (here.compare(0, own.size(), own) != 0) {
    wrong.push_back("the connection sees " + own + ", a new one " + here);
  }
  if (stores && code == SQLITE_OK &&
      files_.QueryText(sql + Number(number)) != "1") {
    wrong.push_back("acknowledged, and not there");
  }
  Close();
  Open();
  const std::string afresh = Look(&wrong);
  if (here != afresh) {
    wrong.push_back("was seen: " + here + "; is there: " + afresh);
  }
  const std::string verified =
      functions_.QueryText("SELECT * FROM actorkv_verify");
  if (!verified.empty()) wrong.push_back("verify: " + verified);
  if (files_.Exec(PairSql(number + 1) + "COMMIT") != SQLITE_OK) {
    wrong.push_back("the next commit: " + files_.Error() + LastError());
  }
  return wrong;
}

namespace {

std::vector<SweepOperation> Transactions() {
  return {
      {"open", false, true, [](SweepWorld* w, int64_t) { w->Close(); },
       [](SweepWorld* w, int64_t) {
         const int code = w->files()->Open(w->Uri("a"));
         return code != SQLITE_OK
                    ? code
                    : w->files()->Exec("SELECT count(*) FROM pair");
       }},
      {"commit of one", false, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return w->files()->Exec(
             "INSERT OR REPLACE INTO big VALUES(1, '" +
             std::string(static_cast<size_t>(n % 900), 'x') + "')");
       }},
      {"commit of two", true, false,
       [](SweepWorld* w, int64_t n) { Must(w->files(), PairSql(n)); },
       [](SweepWorld* w, int64_t) { return w->files()->Exec("COMMIT"); }},
      {"transaction of two", true, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return w->files()->Exec(PairSql(n) + "COMMIT");
       }},
      {"large transaction", true, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return w->files()->Exec(
             PairSql(n) +
             "INSERT OR REPLACE INTO big WITH RECURSIVE n(i) AS (SELECT 1 "
             "UNION ALL SELECT i + 1 FROM n LIMIT " +
             Number(kLargeRows) +
             ") SELECT i, randomblob(3000) FROM n; COMMIT");
       }},
  };
}

std::vector<SweepOperation> Calls() {
  return {
      {"restore", false, false, Nothing,
       [](SweepWorld* w, int64_t) {
         return Call(w, "actorkv_restore('r', 'then')");
       }},
      {"fork", false, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return Call(w, "actorkv_fork('r', 'fork" + Number(n) + "')");
       }},
      {"restore point", false, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return Call(w, "actorkv_restore_point('r', 'at" + Number(n) + "')");
       }},
      {"takeover", false, false, Nothing,
       [](SweepWorld* w, int64_t) { return Call(w, "actorkv_takeover('r')"); }},
      {"migrate", false, false,
       [](SweepWorld* w, int64_t n) {
         ASSERT_EQ(Call(w, "actorkv_import('old" + Number(n) + "', " +
                               Quoted(w->File("old.jsonl")) + ")"),
                   SQLITE_OK)
             << LastError();
       },
       [](SweepWorld* w, int64_t n) {
         return Call(w, "actorkv_migrate('old" + Number(n) + "')");
       }},
      {"reclaim", false, false,
       [](SweepWorld* w, int64_t) {
         Must(w->files(),
              "UPDATE big SET body = randomblob(2000) WHERE id < "
              "20; SELECT actorkv_retention('a', '0')");
       },
       [](SweepWorld* w, int64_t) { return Call(w, "actorkv_reclaim()"); }},
      {"export", false, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return Call(w, "actorkv_export('a', " +
                            Quoted(w->File("out" + Number(n % 2))) +
                            ", 'db', 'head', 1)");
       }},
      {"import", false, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return Call(w, "actorkv_import('new" + Number(n) + "', " +
                            Quoted(w->File("r.db")) + ")");
       }},
      {"import pairs", false, false, Nothing,
       [](SweepWorld* w, int64_t n) {
         return Call(w, "actorkv_import_pairs('pairs" + Number(n) +
                            "', actorkv_pair_set(key, value, 'opaque')) FROM "
                            "actorkv_pairs(" +
                            Quoted(w->File("old.jsonl")) + ")");
       }},
      {"diff", false, false, Nothing,
       [](SweepWorld* w, int64_t) {
         return Call(w, "count(new) FROM actorkv_diff('r', 'then')");
       }},
      {"close", false, true, Nothing,
       [](SweepWorld* w, int64_t) {
         w->files()->Close();
         w->functions()->Close();
         StoreRegistry::Instance()->CloseIdle();
         return SQLITE_OK;
       }},
  };
}

}  // namespace

const std::vector<SweepOperation>& SweepOperations() {
  static const auto* const operations = [] {
    auto* const all = new std::vector<SweepOperation>(Transactions());
    for (SweepOperation& call : Calls()) all->push_back(std::move(call));
    return all;
  }();
  return *operations;
}

std::string SweepOrder::ToText() const {
  std::ostringstream text;
  text << operation << ' ' << static_cast<int>(plan.kind) << ' '
       << static_cast<int>(plan.where) << ' ' << plan.nth << ' ' << plan.times
       << ' ' << stride << ' ' << last << ' ' << directory;
  return text.str();
}

SweepOrder SweepOrder::FromText(const std::string& text) {
  std::istringstream words(text);
  SweepOrder order;
  int kind = 0;
  int where = 0;
  words >> order.operation >> kind >> where >> order.plan.nth >>
      order.plan.times >> order.stride >> order.last >> order.directory;
  order.plan.kind = static_cast<FailingMemory::Kind>(kind);
  order.plan.where = static_cast<FailingMemory::Where>(where);
  return order;
}

void RunSweep(const SweepOrder& order) {
  const SweepOperation& operation = SweepOperations()[order.operation];
  report_fd = open((order.directory + "/report").c_str(),
                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  void* frames[1];
  backtrace(frames, 1);  // loads what it needs now, while there is memory
  std::signal(SIGABRT, SayWhere);
  std::signal(SIGSEGV, SayWhere);
  SweepWorld world(order.directory);
  world.Open();
  FailingMemory::Plan plan = order.plan;
  const bool counts = order.last == 0;
  for (; counts || plan.nth <= order.last; plan.nth += order.stride) {
    alarm(kPatience);
    const auto number =
        1000 + world.files()->QueryInt("SELECT max(number) FROM pair") + 2;
    operation.prepare(&world, number);
    if (testing::Test::HasFailure()) _exit(2);
    if (counts) plan.nth = ~uint64_t{0} >> 2;
    Report("at " + Number(static_cast<int64_t>(plan.nth)));
    FailingMemory::Begin(plan);
    int code = SQLITE_NOMEM;
    try {
      code = operation.run(&world, number);
    } catch (const std::bad_alloc&) {
      code = SQLITE_NOMEM;  // of the test itself
    }
    const uint64_t failed = FailingMemory::End();
    if (counts) Report("seen " + std::to_string(FailingMemory::Seen()));
    if (failed == 0 && code != SQLITE_OK) {
      Report("wrong " + std::to_string(plan.nth) +
             " failed by itself: " + std::to_string(code) + " " + LastError());
    }
    if (operation.opens) world.Open();
    for (const std::string& text :
         world.Check(number, code, operation.stores)) {
      Report("wrong " + std::to_string(plan.nth) + " " + text);
    }
    if (counts) break;
  }
  alarm(0);
  world.Close();
  Report("end");
}

}  // namespace actorkv
