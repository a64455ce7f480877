#include "tests/process/bank.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr int kAccounts = 100;
constexpr int kMoney = 1000;
constexpr int kBusyTimeoutMs = 20000;
constexpr unsigned kTellerSeconds = 120;

std::string Schema(int actor) { return "a" + std::to_string(actor); }

// One connection with all actors: "a0" to "a3".
int OpenAll(const BankPlace& place, SqliteDb* db) {
  // SQLite commits to several files as one where the main database is a file
  // (lang_attach.html, 3.40.1); to actors it does in any case.
  int code = db->Open(place.is_files ? place.directory + "/main.db"
                                     : std::string(":memory:"));
  sqlite3_busy_timeout(db->get(), kBusyTimeoutMs);
  for (int i = 0; i < kBankActors && code == SQLITE_OK; ++i) {
    code = db->Exec("ATTACH '" + place.Uri(i) + "' AS " + Schema(i));
    if (code == SQLITE_OK) {
      code = db->Exec("PRAGMA " + Schema(i) + ".synchronous=FULL");
    }
  }
  return code;
}

void Say(const Saying& saying) {
  if (write(kChildSaysFd, &saying, sizeof saying) != sizeof saying) _exit(1);
}

bool ToldToEnd() {
  pollfd heard = {kChildHearsFd, POLLIN, 0};
  return poll(&heard, 1, 0) != 0;
}

// "INSERT ... VALUES(teller, move, account, amount)[, ...]": a trigger moves
// the money.
std::string Entry(int teller, uint32_t move, int account, int amount) {
  return "(" + std::to_string(teller) + "," + std::to_string(move) + "," +
         std::to_string(account) + "," + std::to_string(amount) + ")";
}

std::string InsertInto(int actor) {
  return "INSERT INTO " + Schema(actor) + ".log VALUES";
}

// The SQL of a move.
std::string Move(int teller, const Saying& move, std::mt19937_64* rng) {
  const auto below = [rng](int count) {
    return static_cast<int>((*rng)() % static_cast<uint64_t>(count));
  };
  const int actor = below(kBankActors);
  const int amount = 1 + below(90);
  const int from = 1 + below(kAccounts);
  const int to = 1 + (from + below(kAccounts - 1)) % kAccounts;
  const std::string takes = Entry(teller, move.number, from, -amount);
  const std::string gives = Entry(teller, move.number, to, amount);
  switch (move.shape) {
    case Saying::kStatement:
      return InsertInto(actor) + takes + "," + gives;
    case Saying::kTransaction:
      return std::string(below(2) == 0 ? "BEGIN;" : "BEGIN IMMEDIATE;") +
             InsertInto(actor) + takes + ";" + InsertInto(actor) + gives +
             ";COMMIT";
    default:
      break;
  }
  // The smaller first, so that two tellers never wait for each other.
  const int other = (actor + 1 + below(kBankActors - 1)) % kBankActors;
  return "BEGIN;" + InsertInto(std::min(actor, other)) + takes + ";" +
         InsertInto(std::max(actor, other)) + gives + ";COMMIT";
}

// The teller: "DIRECTORY\nIS_FILES\nNUMBER\nSEED".
TEST(Teller, DISABLED_Moves) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(kTellerSeconds);
  std::istringstream text(ChildArgument());
  BankPlace place;
  int number = 0;
  uint64_t seed = 0;
  std::getline(text, place.directory);
  text >> place.is_files >> number >> seed;
  std::mt19937_64 rng(seed);
  SqliteDb db;
  if (const int code = OpenAll(place, &db); code != SQLITE_OK) {
    std::fprintf(stderr, "teller %d: open: %d %s: %s\n", number, code,
                 db.Error().c_str(), LastError().c_str());
    Say({Saying::kFailed, 0, 0, code});
    return;
  }
  Say({Saying::kBegan, 0, 0, 0});
  for (uint32_t i = 1; !ToldToEnd(); ++i) {
    Saying said{Saying::kDone, static_cast<uint32_t>(rng() % 3), i, 0};
    said.code = db.Exec(Move(number, said, &rng));
    if (said.code != SQLITE_OK) {
      const bool busy = (said.code & 0xff) == SQLITE_BUSY;
      said.kind = busy ? Saying::kBusy : Saying::kFailed;
      std::fprintf(stderr, "teller %d: move %u of shape %u: %d %s: %s\n",
                   number, i, said.shape, said.code, db.Error().c_str(),
                   LastError().c_str());
      if (sqlite3_get_autocommit(db.get()) == 0) db.Exec("ROLLBACK");
    }
    Say(said);
  }
  db.Close();
  Say({Saying::kLeft, 0, 0, 0});
}

// (teller, move) -> sum of the amounts, and number of entries.
using Log = std::map<std::pair<int, uint32_t>, std::pair<int64_t, int>>;

Log ReadLog(SqliteDb* db) {
  std::string sql;
  for (int i = 0; i < kBankActors; ++i) {
    sql += (i == 0 ? "" : " UNION ALL ") +
           ("SELECT teller, move, amount FROM " + Schema(i) + ".log");
  }
  Log log;
  SqliteStatement statement(db->get(), sql);
  while (statement.Step() == SQLITE_ROW) {
    auto& entry =
        log[{sqlite3_column_int(statement.get(), 0),
             static_cast<uint32_t>(sqlite3_column_int64(statement.get(), 1))}];
    entry.first += sqlite3_column_int64(statement.get(), 2);
    ++entry.second;
  }
  EXPECT_EQ(statement.code(), SQLITE_DONE) << db->Error();
  return log;
}

// What one teller said of its moves.
void CheckTeller(const Teller& teller, const Log& log) {
  uint32_t last = 0;
  std::set<uint32_t> said;
  for (const Saying& saying : teller.said()) {
    if (saying.number == 0) continue;
    said.insert(saying.number);
    last = std::max(last, saying.number);
    const bool there = log.count({teller.number(), saying.number}) != 0;
    EXPECT_EQ(there, saying.kind == Saying::kDone)
        << "teller " << teller.number() << ", move " << saying.number
        << ", shape " << saying.shape << ", code " << saying.code;
  }
  // The move that it was at when it was killed may be there.
  for (auto i = log.lower_bound({teller.number(), 0});
       i != log.end() && i->first.first == teller.number(); ++i) {
    EXPECT_TRUE(said.count(i->first.second) != 0 || i->first.second == last + 1)
        << "teller " << teller.number() << ", move " << i->first.second
        << " from nowhere";
  }
}

}  // namespace

std::string BankPlace::Uri(int actor) const {
  if (is_files) return directory + "/" + Schema(actor) + ".db";
  return ActorUri(directory, Schema(actor));
}

bool FoundBank(const BankPlace& place) {
  SqliteDb db;
  int code = OpenAll(place, &db);
  for (int i = 0; i < kBankActors && code == SQLITE_OK; ++i) {
    const std::string schema = Schema(i) + ".";
    code =
        db.Exec("BEGIN; CREATE TABLE " + schema +
                "account(id INTEGER PRIMARY KEY, money INT, note TEXT);"
                "CREATE TABLE " +
                schema +
                "log(teller INT, move INT, account INT, amount INT,"
                " PRIMARY KEY(teller, move, account)) WITHOUT ROWID;"
                "CREATE TRIGGER " +
                schema +
                "pay AFTER INSERT ON log BEGIN UPDATE account"
                " SET money = money + new.amount WHERE id = new.account; END;"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                "n LIMIT " +
                std::to_string(kAccounts) + ") INSERT INTO " + schema +
                "account SELECT i, " + std::to_string(kMoney) +
                ", hex(zeroblob(200)) FROM n; COMMIT");
  }
  EXPECT_EQ(code, SQLITE_OK) << db.Error() << " " << LastError();
  db.Close();
  if (!place.is_files) CloseStore(place.directory);
  return code == SQLITE_OK;
}

Teller::Teller(const BankPlace& place, int number, uint64_t seed)
    : number_(number),
      process_(std::make_unique<ChildProcess>(
          "Teller.DISABLED_Moves",
          place.directory + "\n" + (place.is_files ? "1\n" : "0\n") +
              std::to_string(number) + "\n" + std::to_string(seed))) {
  fcntl(process_->hears_fd(), F_SETFL, O_NONBLOCK);
}

bool Teller::Listen() {
  char bytes[1 << 14];
  for (;;) {
    const ssize_t count = read(process_->hears_fd(), bytes, sizeof bytes);
    if (count == 0) return false;
    if (count < 0) return true;
    rest_.append(bytes, static_cast<size_t>(count));
    size_t taken = 0;
    for (; taken + sizeof(Saying) <= rest_.size(); taken += sizeof(Saying)) {
      said_.emplace_back();
      std::memcpy(&said_.back(), rest_.data() + taken, sizeof(Saying));
    }
    rest_.erase(0, taken);
  }
}

void Teller::Kill() {
  process_->Kill();
  Listen();
}

int Teller::End() {
  process_->CloseSays();
  pollfd heard = {process_->hears_fd(), POLLIN, 0};
  while (Listen()) poll(&heard, 1, 1000);  // it has an alarm
  return process_->WaitForStatus();
}

int64_t CheckBank(const BankPlace& place,
                  const std::vector<std::unique_ptr<Teller>>& tellers) {
  SqliteDb db;
  EXPECT_EQ(OpenAll(place, &db), SQLITE_OK) << LastError();
  int64_t money = 0;
  for (int i = 0; i < kBankActors; ++i) {
    money += db.QueryInt("SELECT sum(money) FROM " + Schema(i) + ".account");
    EXPECT_EQ(
        db.QueryInt("SELECT count(*) FROM " + Schema(i) +
                    ".account AS a WHERE money != " + std::to_string(kMoney) +
                    " + ifnull((SELECT sum(amount) FROM " + Schema(i) +
                    ".log WHERE account = a.id), 0)"),
        0)
        << "accounts and log differ";
  }
  EXPECT_EQ(money, int64_t{kBankActors} * kAccounts * kMoney);
  const Log log = ReadLog(&db);
  for (const auto& [move, sum_count] : log) {
    EXPECT_EQ(sum_count, (std::pair<int64_t, int>(0, 2)))
        << "torn: teller " << move.first << ", move " << move.second;
  }
  for (const auto& teller : tellers) CheckTeller(*teller, log);
  db.Close();
  if (!place.is_files) CloseStore(place.directory);
  return static_cast<int64_t>(log.size());
}

}  // namespace actorkv
