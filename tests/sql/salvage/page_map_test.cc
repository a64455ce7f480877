// What is left of a database when any of its pages is lost: every row that is
// on another page, under its table, as it was.

#include "sql/salvage/page_map.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "kv/base/coding.h"
#include "sql/salvage/table_salvage.h"
#include "tests/support/memory_pages.h"
#include "tests/support/pair_files.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint32_t kPageSize = 512;

// By page and rowid, or by page and text: WITHOUT ROWID.
using RowMap = std::map<std::tuple<PageNo, int64_t, std::string>, std::string>;

class PageMapTest : public testing::Test {
 protected:
  // Rows of all kinds, in trees of three levels.
  std::string MakeFile(const std::string& pragmas = "") {
    const std::string path = directory_.File("plain.db");
    std::filesystem::remove(path);
    SqliteDb db;
    EXPECT_EQ(db.Open(path), SQLITE_OK);
    EXPECT_EQ(
        db.Exec("PRAGMA page_size = 512;" + pragmas +
                "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, price "
                "REAL, data BLOB);"
                "CREATE TABLE long(id INTEGER PRIMARY KEY, body TEXT, tail);"
                "CREATE TABLE wr(v, k TEXT PRIMARY KEY, w, x, y) WITHOUT ROWID;"
                "CREATE TABLE few(a, b, c, d, e, f);"
                "CREATE INDEX note_body ON note(body);"
                "CREATE TABLE filler_of_the_schema_with_a_long_name(a, b);"
                "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                "c WHERE i < 600) INSERT INTO note SELECT i * 3, "
                "printf('%040d', i) || ' z' || char(252), i, x'00ff' FROM c;"
                "INSERT INTO long SELECT id, printf('%0*d', 600 + id, id), id "
                "FROM note WHERE id < 100;"
                "INSERT INTO wr SELECT id, body, 1, 2, 3 FROM note;"
                "INSERT INTO few VALUES (1, 2.5, NULL, 'd', x'', 6);"
                "ALTER TABLE few ADD COLUMN g TEXT DEFAULT 7;"),
        SQLITE_OK)
        << db.Error();
    return FileContents(path);
  }

  static RowMap Rows(PageMap* map, uint32_t tree) {
    RowMap rows;
    TableSalvage salvage(map, tree);
    for (bool found = true;;) {
      SalvagedRow row;
      EXPECT_OK(salvage.Next(&found, &row));
      if (!found) return rows;
      EXPECT_TRUE(rows.emplace(std::make_tuple(row.pgno, row.rowid,
                                               row.has_rowid ? "" : row.json),
                               row.json)
                      .second);
    }
  }

  static uint32_t TreeOf(const PageMap& map, const std::string& name) {
    for (uint32_t tree = 0; tree < map.trees().size(); ++tree) {
      if (map.trees()[tree].item.name == name) return tree;
    }
    return kNoTree;
  }

  // Every row that is not on the lost page must be there, and no other. Of one
  // that overflows onto it something may be missing.
  static void ExpectRest(const RowMap& all, const RowMap& rest, PageNo lost) {
    for (const auto& [key, json] : all) {
      if (std::get<0>(key) == lost) continue;
      const auto found = rest.find(key);
      ASSERT_NE(found, rest.end()) << std::get<0>(key) << " " << json;
      if (found->second == json) continue;
      EXPECT_NE(found->second.find("{\"lost\":"), std::string::npos)
          << found->second;
      EXPECT_GT(json.size(), 500U) << json;
    }
    for (const auto& [key, json] : rest) {
      EXPECT_EQ(all.count(key), 1U) << std::get<0>(key) << " " << json;
    }
  }

  void ExpectAllButLost(const std::string& bytes) {
    const char* const kTables[] = {"note", "long", "wr", "few"};
    MemoryPages pages(bytes, kPageSize);
    PageMap sound(&pages, ReadShape);
    ASSERT_OK(sound.Build());
    std::map<std::string, RowMap> all;
    for (const char* table : kTables) {
      all[table] = Rows(&sound, TreeOf(sound, table));
    }
    ASSERT_EQ(all["note"].size(), 600U);
    ASSERT_EQ(all["wr"].size(), 600U);
    ASSERT_EQ(all["long"].size(), 33U);
    for (PageNo pgno = 1; pgno <= pages.page_count(); ++pgno) {
      ASSERT_TRUE(sound.PartOf(pgno).is_reached) << pgno;
      ASSERT_TRUE(sound.PartOf(pgno).is_readable) << pgno;
    }
    for (PageNo lost = 1; lost <= pages.page_count(); ++lost) {
      SCOPED_TRACE("lost page " + std::to_string(lost) + ": " +
                   PartText(sound, sound.PartOf(lost)));
      pages.Lose(lost);
      PageMap map(&pages, ReadShape);
      ASSERT_OK(map.Build());
      EXPECT_FALSE(map.PartOf(lost).is_readable);
      for (const char* table : kTables) {
        const uint32_t tree = TreeOf(map, table);
        // A leaf of the schema is lost, and the name with it.
        if (tree == kNoTree && sound.PartOf(lost).tree == 0) continue;
        ASSERT_NE(tree, kNoTree) << table;
        SCOPED_TRACE(table);
        ExpectRest(all[table], Rows(&map, tree), lost);
        if (HasFatalFailure()) return;
      }
      pages.Find(lost);
    }
  }

  const TempDir directory_;
};

TEST_F(PageMapTest, EveryRowThatIsOnAnotherPage) {
  ExpectAllButLost(MakeFile());
}

TEST_F(PageMapTest, Utf16AndPointerMaps) {
  ExpectAllButLost(
      MakeFile("PRAGMA auto_vacuum = FULL; PRAGMA encoding = 'UTF-16le';"));
}

// The rows under a lost name are those of no known table.
TEST_F(PageMapTest, ALostNameLeavesRowsOfNoTable) {
  MemoryPages pages(MakeFile(), kPageSize);
  PageMap sound(&pages, ReadShape);
  ASSERT_OK(sound.Build());
  size_t seen = 0;
  for (PageNo lost = 2; lost <= pages.page_count(); ++lost) {
    const PagePart part = sound.PartOf(lost);
    if (part.use != PageUse::kTree || part.tree != 0) continue;
    pages.Lose(lost);
    PageMap map(&pages, ReadShape);
    ASSERT_OK(map.Build());
    pages.Find(lost);
    if (TreeOf(map, "note") != kNoTree) continue;
    ++seen;
    EXPECT_EQ(PartText(map, map.PartOf(lost)), "schema");
    std::set<int64_t> rowids;
    for (const auto& [key, json] : Rows(&map, kNoTree)) {
      if (json.find("z\xc3\xbc\"") != std::string::npos &&
          json.find("00ff") != std::string::npos) {
        EXPECT_EQ(json.substr(0, 6), "[null,");
        rowids.insert(std::get<1>(key));
      }
    }
    EXPECT_EQ(rowids.size(), 600U);
  }
  EXPECT_EQ(seen, 1U);
}

// Two interior pages of tables whose rows have as many values: the rowids tell
// where a page belongs, and where they do not it is nobody's.
TEST_F(PageMapTest, RowidsTellTablesApart) {
  const std::string path = directory_.File("two.db");
  SqliteDb db;
  ASSERT_EQ(db.Open(path), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA page_size = 512; CREATE TABLE a(x); CREATE TABLE "
                    "b(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                    "i + 1 FROM c WHERE i < 500) INSERT INTO a(rowid, x) "
                    "SELECT i, printf('a%0100d', i) FROM c;"
                    "INSERT INTO b(rowid, x) SELECT rowid + 1000, 'b' || x "
                    "FROM a;"),
            SQLITE_OK);
  const auto root = [&](const std::string& name) {
    return static_cast<PageNo>(db.QueryInt(
        "SELECT rootpage FROM sqlite_schema WHERE name = '" + name + "'"));
  };
  const PageNo a = root("a");
  const PageNo b = root("b");
  db.Close();
  MemoryPages pages(FileContents(path), kPageSize);
  PageMap sound(&pages, ReadShape);
  ASSERT_OK(sound.Build());
  // A root of more than one level, and the interior pages of the other table
  // but the first: below that one could be any rowid that is less.
  pages.Lose(a);
  bool is_first = true;
  for (PageNo pgno = 1; pgno <= pages.page_count(); ++pgno) {
    const PagePart part = sound.PartOf(pgno);
    if (part.tree != TreeOf(sound, "b") || sound.HasRows(pgno) || pgno == b) {
      continue;
    }
    if (!is_first) pages.Lose(pgno);
    is_first = false;
  }
  PageMap map(&pages, ReadShape);
  ASSERT_OK(map.Build());
  const size_t of_a = Rows(&map, TreeOf(map, "a")).size();
  const size_t of_b = Rows(&map, TreeOf(map, "b")).size();
  const size_t of_none = Rows(&map, kNoTree).size();
  EXPECT_EQ(of_a + of_b + of_none, 1000U);
  EXPECT_EQ(of_a, 500U);
  EXPECT_GT(of_b, 200U);
  EXPECT_GT(of_none, 200U);
  for (const auto& [key, json] : Rows(&map, TreeOf(map, "a"))) {
    EXPECT_EQ(json.substr(0, 7), "{\"x\":\"a");
  }
  for (const auto& [key, json] : Rows(&map, TreeOf(map, "b"))) {
    EXPECT_EQ(json.substr(0, 7), "{\"x\":\"b");
  }
}

TEST_F(PageMapTest, FreePages) {
  const std::string path = directory_.File("free.db");
  SqliteDb db;
  ASSERT_EQ(db.Open(path), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA page_size = 512; CREATE TABLE a(x); CREATE TABLE "
                    "b(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                    "i + 1 FROM c WHERE i < 900) INSERT INTO a SELECT "
                    "zeroblob(200) FROM c; INSERT INTO b VALUES (1);"
                    "DROP TABLE a"),
            SQLITE_OK);
  db.Close();
  MemoryPages pages(FileContents(path), kPageSize);
  PageMap sound(&pages, ReadShape);
  ASSERT_OK(sound.Build());
  // What free pages still say is nobody's row.
  EXPECT_TRUE(Rows(&sound, kNoTree).empty());
  const PageNo trunk = LoadBig32(FileContents(path).data() + 32);
  pages.Lose(trunk);
  PageMap map(&pages, ReadShape);
  ASSERT_OK(map.Build());
  EXPECT_EQ(PartText(map, map.PartOf(trunk)), "free list");
  EXPECT_FALSE(map.PartOf(trunk).is_readable);
  EXPECT_TRUE(Rows(&map, kNoTree).empty());
  EXPECT_EQ(Rows(&map, TreeOf(map, "b")).size(), 1U);
}

TEST_F(PageMapTest, NothingIsThere) {
  MemoryPages none("", kPageSize);
  PageMap empty(&none, ReadShape);
  ASSERT_OK(empty.Build());
  EXPECT_TRUE(Rows(&empty, 0).empty());
  MemoryPages pages(MakeFile(), kPageSize);
  for (PageNo pgno = 1; pgno <= pages.page_count(); ++pgno) pages.Lose(pgno);
  PageMap map(&pages, ReadShape);
  ASSERT_OK(map.Build());
  EXPECT_TRUE(Rows(&map, kNoTree).empty());
  EXPECT_EQ(PartText(map, map.PartOf(1)), "schema");
  EXPECT_EQ(PartText(map, map.PartOf(2)), "unknown");
}

}  // namespace
}  // namespace actorkv
