// MigrateTest: the fixture of tests of the migration by SQL: legacy actors,
// made from SQL and from pairs.

#ifndef ACTORKV_TESTS_SUPPORT_MIGRATE_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_MIGRATE_HARNESS_H_

#include <string>

#include "kv/rivet/kv_bin.h"
#include "tests/support/legacy_pairs.h"
#include "tests/support/sql_harness.h"

namespace actorkv {

// kv.bin of an actor whose database is what `sql` makes, with these pairs as
// well. `path`: where the database is made.
inline std::string LegacyDump(const std::string& path, const std::string& sql,
                              const std::map<std::string, std::string>& more) {
  SqliteDb db;
  EXPECT_EQ(db.Open(path), SQLITE_OK);
  EXPECT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  MemoryPairs pairs;
  pairs.AddDatabase(path);
  for (const auto& [key, value] : more) pairs.Put(key, value);
  std::string bytes;
  for (const auto& [key, value] : *pairs.pairs()) {
    bytes += EncodeKvBinEntry(key, value);
  }
  return bytes;
}

class MigrateTest : public SqlTest {
 protected:
  using Pairs = std::map<std::string, std::string>;

  // A legacy actor with a table t(x) of the numbers 1, 2, 3.
  void MakeLegacy(const std::string& name, const Pairs& more = {}) {
    MakeLegacyOf(name, "CREATE TABLE t(x); INSERT INTO t VALUES(1), (2), (3);",
                 more);
  }

  void MakeLegacyOf(const std::string& name, const std::string& sql,
                    const Pairs& more = {}) {
    WriteFile(name + ".kv.bin", LegacyDump(File(name + ".src"), sql, more));
    ASSERT_EQ(Ask("SELECT actorkv_import('" + name + "', '$DIR/" + name +
                  ".kv.bin') >= 0"),
              "1");
  }

  // One that can be read, but is refused.
  void MakeDamaged(const std::string& name) {
    MakeLegacyOf(name,
                 "CREATE TABLE t(x); INSERT INTO t VALUES(NULL);"
                 "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = "
                 "'CREATE TABLE t(x NOT NULL)';");
  }

  std::string StateOf(const std::string& actor) {
    return Ask("SELECT state FROM actorkv_actors WHERE actor = '" + actor +
               "'");
  }

  // Every row that the actor's database has.
  std::string Rows(const std::string& actor, const std::string& more = "") {
    SqliteDb db;
    if (db.Open(Uri(actor, more)) != SQLITE_OK) return db.Error();
    return db.QueryText("SELECT group_concat(x) FROM t");
  }

  void Write(const std::string& actor, const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(actor)), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MIGRATE_HARNESS_H_
