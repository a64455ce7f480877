// RivetTablesTest: the fixture of tests of pairs as rows of tables, and of what
// people see of them.

#ifndef ACTORKV_TESTS_SUPPORT_RIVET_TABLES_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_RIVET_TABLES_HARNESS_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/rivet/container.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {

class RivetTablesTest : public MigrateTest {
 protected:
  void ImportSample(const std::string& actor, const std::string& name) {
    const std::string copy = actor + "." + name;
    WriteFile(copy, FileContents(Sample(name)));
    ASSERT_EQ(
        Ask("SELECT actorkv_import('" + actor + "', '$DIR/" + copy + "') >= 0"),
        "1");
  }

  std::string Query(const std::string& name, const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(name), SQLITE_OK);
    return db.QueryText(sql);
  }

  std::string ActorQuery(const std::string& actor, const std::string& sql) {
    return Query(Uri(actor), sql);
  }

  std::string Export(const std::string& actor, const std::string& file,
                     const std::string& option) {
    return Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + file +
               "', 'jsonl', 'head', 1, '" + option + "') > 0");
  }

  Pairs PairsOf(const std::string& path) {
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    EXPECT_OK(OpenDump(path, &source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return {pairs.begin(), pairs.end()};
  }

  static Pairs WithoutDatabase(Pairs pairs) {
    for (auto it = pairs.begin(); it != pairs.end();) {
      it = it->first[0] == '\x08' ? pairs.erase(it) : std::next(it);
    }
    return pairs;
  }
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RIVET_TABLES_HARNESS_H_
