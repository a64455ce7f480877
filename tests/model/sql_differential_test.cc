// The same random SQL on plain files and on actors: the same results, codes and
// contents, whatever the settings, sizes and rollbacks.
//
// Several connections take turns, each for one block of statements, so that
// nothing depends on who waits for whom: there files and actors differ.

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

constexpr int kConnections = 3;

// Two databases, main and aux, with several connections to both.
class World {
 public:
  World(std::string main, std::string aux)
      : main_(std::move(main)), aux_(std::move(aux)) {
    for (int i = 0; i < kConnections; ++i) Reopen(i);
  }

  void Reopen(int connection) {
    SqliteDb* db = &connections_[static_cast<size_t>(connection)];
    ASSERT_EQ(db->Open(main_), SQLITE_OK);
    ASSERT_EQ(db->Exec("ATTACH '" + aux_ + "' AS aux"), SQLITE_OK)
        << db->Error();
    sqlite3_busy_timeout(db->get(), 10000);
  }

  // Runs the statement, interrupted after `steps` steps where that is not 0.
  // The rows and the code as text.
  std::string Run(int connection, const std::string& sql, int steps) {
    SqliteDb* db = &connections_[static_cast<size_t>(connection)];
    if (steps > 0) {
      sqlite3_progress_handler(
          db->get(), steps, [](void*) { return 1; }, nullptr);
    }
    const std::string rows = db->QueryText(sql);
    sqlite3_progress_handler(db->get(), 0, nullptr, nullptr);
    return rows + " code " + std::to_string(db->ErrorCode()) + " autocommit " +
           std::to_string(sqlite3_get_autocommit(db->get()));
  }

 private:
  const std::string main_;
  const std::string aux_;
  std::array<SqliteDb, kConnections> connections_;
};

// Makes statements up.
class Script {
 public:
  explicit Script(uint64_t seed) : random_(seed) {}

  int Below(int limit) {
    return static_cast<int>(random_() % static_cast<uint64_t>(limit));
  }
  bool OneIn(int n) { return Below(n) == 0; }

  // One block: statements that end outside a transaction.
  std::vector<std::string> Block() {
    if (OneIn(4)) return {Setting()};
    if (OneIn(12)) return Vacuum();
    std::vector<std::string> block;
    if (OneIn(8)) block.emplace_back("PRAGMA locking_mode=EXCLUSIVE");
    const bool explicit_transaction = !OneIn(3);
    if (explicit_transaction) {
      block.emplace_back(OneIn(2) ? "BEGIN" : "BEGIN IMMEDIATE");
    }
    const int count = 1 + Below(OneIn(5) ? 25 : 6);
    for (int i = 0; i < count; ++i) {
      block.push_back(explicit_transaction && OneIn(4) ? Savepoint()
                                                       : Change());
    }
    if (explicit_transaction) {
      // COMMIT and ROLLBACK fail alike where an error ended it already.
      block.emplace_back(OneIn(3) ? "ROLLBACK" : "COMMIT");
      block.emplace_back("ROLLBACK");
    }
    if (block.front() == "PRAGMA locking_mode=EXCLUSIVE") {
      block.emplace_back("PRAGMA main.locking_mode=NORMAL");
      block.emplace_back("PRAGMA aux.locking_mode=NORMAL");
      block.emplace_back(
          "SELECT count(*) FROM main.sqlite_schema, "
          "aux.sqlite_schema");
    }
    return block;
  }

 private:
  std::string Pick(const std::vector<std::string>& options) {
    return options[static_cast<size_t>(
        Below(static_cast<int>(options.size())))];
  }
  std::string Schema() { return OneIn(3) ? "aux" : "main"; }
  std::string Table() { return Schema() + ".t" + std::to_string(Below(3)); }
  // A text that says where it came from, of any size up to many pages.
  std::string Value() {
    const int bytes = OneIn(20) ? Below(60000) : Below(OneIn(3) ? 3000 : 60);
    return "substr(hex(" + std::to_string(Below(1 << 30)) +
           ") || hex(zeroblob(" + std::to_string(bytes / 2) + ")), 1, " +
           std::to_string(bytes) + ")";
  }

  std::string Setting() {
    const std::string schema = Schema() + ".";
    return "PRAGMA " +
           Pick({schema + "cache_size=" + std::to_string(1 + Below(20)),
                 schema + "cache_size=2000",
                 schema + "journal_mode=" +
                     Pick({"delete", "truncate", "persist", "memory"}),
                 schema + "synchronous=" + std::to_string(Below(4)),
                 schema + "user_version=" + std::to_string(Below(100)),
                 "secure_delete=" + Pick({"on", "off", "fast"}),
                 "temp_store=" + std::to_string(Below(3)),
                 "cache_spill=" + std::to_string(Below(2)),
                 schema + "incremental_vacuum(" + std::to_string(Below(30)) +
                     ")"});
  }

  std::vector<std::string> Vacuum() {
    const std::string schema = Schema();
    std::vector<std::string> block;
    if (OneIn(2)) {
      block.push_back("PRAGMA " + schema + ".page_size=" +
                      Pick({"512", "1024", "4096", "8192", "65536"}));
    }
    if (OneIn(2)) {
      block.push_back("PRAGMA " + schema +
                      ".auto_vacuum=" + std::to_string(Below(3)));
    }
    block.push_back("VACUUM " + schema);
    return block;
  }

  std::string Savepoint() {
    const std::string name = Pick({"a", "b", "c"});
    return Pick({"SAVEPOINT " + name, "SAVEPOINT " + name, "RELEASE " + name,
                 "ROLLBACK TO " + name});
  }

  std::string Change() {
    const std::string table = Table();
    const std::string key = std::to_string(Below(200));
    const std::string rows =
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
        "WHERE i < " +
        std::to_string(1 + Below(60)) + ") ";
    switch (Below(12)) {
      case 0:
        return "CREATE TABLE IF NOT EXISTS " + table +
               "(k INTEGER PRIMARY KEY, v, u UNIQUE)";
      case 1:
        return OneIn(4) ? "DROP TABLE IF EXISTS " + table
                        : "DELETE FROM " + table;
      case 2: {
        const std::string name = table.substr(table.find('.') + 1);
        return "CREATE INDEX IF NOT EXISTS " + table + "i ON " + name + "(v)";
      }
      case 3:
        return "DELETE FROM " + table +
               " WHERE k % 7 = " + std::to_string(Below(7));
      case 4:
        return "UPDATE " + table + " SET v = " + Value() +
               " WHERE k % 5 = " + std::to_string(Below(5));
      case 5:
        return "UPDATE OR FAIL " + table + " SET u = u + 1 WHERE k > " + key;
      case 6:
        return "INSERT INTO " + table + "(v, u) VALUES(" + Value() + ", " +
               key + ")";  // may break the UNIQUE
      case 7:
        return "REPLACE INTO " + table + " SELECT k, u, v FROM " + Table() +
               " WHERE k < " + key;
      case 8:
        return "SELECT count(*), sum(k), sum(length(v)), max(u) FROM " + table;
      default:
        return rows + "INSERT OR IGNORE INTO " + table + "(v, u) SELECT " +
               Value() + " || i, " + key + " + i FROM c";
    }
  }

  std::mt19937_64 random_;
};

class SqlDifferentialTest : public ActorTest {
 protected:
  // What both must agree on, as one connection sees it.
  static std::vector<std::string> Dump() {
    std::vector<std::string> queries;
    for (const std::string schema : {"main", "aux"}) {
      queries.push_back("SELECT group_concat(sql) FROM " + schema +
                        ".sqlite_schema");
      for (const char* pragma :
           {"page_count", "freelist_count", "page_size", "auto_vacuum",
            "user_version", "schema_version", "integrity_check"}) {
        queries.push_back("PRAGMA " + schema + "." + pragma);
      }
      for (const char* table : {".t0", ".t1", ".t2"}) {
        queries.push_back("SELECT k, v, u FROM " + schema + table +
                          " ORDER BY k");
      }
    }
    return queries;
  }
};

TEST_F(SqlDifferentialTest, SameAsPlainFiles) {
  const uint64_t seed = TestSeed();
  for (uint64_t round = 0; round < TestRounds(6); ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " +
                 std::to_string(round));
    Script script(seed + round);
    const std::string number = std::to_string(round);
    World files(PlainUri("m" + number), PlainUri("x" + number));
    World actors(Uri("m" + number), Uri("x" + number));
    for (int block = 0; block < 150; ++block) {
      const int connection = script.Below(kConnections);
      if (script.OneIn(25)) {
        files.Reopen(connection);
        actors.Reopen(connection);
      }
      for (const std::string& sql : script.Block()) {
        const int steps = script.OneIn(30) ? 1 + script.Below(3000) : 0;
        ASSERT_EQ(actors.Run(connection, sql, steps),
                  files.Run(connection, sql, steps))
            << "block " << block << " connection " << connection << ": " << sql;
      }
      if (!script.OneIn(5)) continue;
      const int reader = script.Below(kConnections);
      for (const std::string& sql : Dump()) {
        const std::string wanted = files.Run(reader, sql, 0);
        ASSERT_TRUE(actors.Run(reader, sql, 0) == wanted)
            << "block " << block << ": " << sql;
        if (sql.find("integrity_check") != std::string::npos) {
          ASSERT_EQ(wanted.substr(0, 2), "ok");
        }
      }
    }
  }
}

}  // namespace
}  // namespace actorkv
