#include "tests/fuzz/sql_targets.h"

#include <algorithm>
#include <string>

#include "kv/base/utf8.h"
#include "sql/salvage/page_map.h"
#include "sql/salvage/table_salvage.h"
#include "tests/fuzz/require.h"
#include "tests/support/memory_pages.h"

namespace actorkv {

namespace {

constexpr uint32_t kPageSize = 512;
constexpr size_t kMaxPages = 64;

// Columns by commas: SQLite is not there to ask.
Status ShapeByCommas(const StoredItem& item, const StoredItem& table,
                     RowShape* shape) {
  const std::string& sql = item.sql.empty() ? table.sql : item.sql;
  if (sql.empty()) return Status::Corruption("no SQL");
  shape->has_rowids = sql.find("WITHOUT") == std::string::npos;
  shape->stored_count =
      1 + static_cast<size_t>(std::count(sql.begin(), sql.end(), ','));
  for (size_t i = 0; i < shape->stored_count; ++i) {
    shape->columns.push_back(
        {"c" + std::to_string(i), i, i == 0, i == 1, "null"});
  }
  return Status::Ok();
}

void ReadRows(PageMap* map, uint32_t tree, uint64_t* rows) {
  TableSalvage salvage(map, tree);
  PageNo last = 1;
  for (bool found = true;;) {
    SalvagedRow row;
    Require(salvage.Next(&found, &row).ok(), "pages in memory can be read");
    if (!found) return;
    ++*rows;
    Require(row.pgno >= last && row.pgno <= map->pages()->page_count(),
            "rows come page by page");
    last = row.pgno;
    Require(
        row.json.empty() || row.json.front() == '{' || row.json.front() == '[',
        "a row is an object or an array");
    Require(IsUtf8(row.json), "JSON is UTF-8");
  }
}

// The input is a file of pages of 512 bytes; those that its first byte's bits
// say are lost.
void FuzzSalvage(std::string_view input) {
  if (input.empty()) return;
  const auto lost = static_cast<unsigned char>(input[0]);
  std::string bytes(input.substr(1, kMaxPages * kPageSize));
  bytes.resize((bytes.size() + kPageSize - 1) / kPageSize * kPageSize);
  MemoryPages pages(bytes, kPageSize);
  for (PageNo pgno = 1; pgno <= 8; ++pgno) {
    if ((lost >> (pgno - 1) & 1) != 0) pages.Lose(pgno);
  }
  PageMap map(&pages, ShapeByCommas);
  Require(map.Build().ok(), "pages in memory can be read");
  uint64_t rows = 0;
  for (uint32_t tree = 0; tree < map.trees().size(); ++tree) {
    ReadRows(&map, tree, &rows);
  }
  ReadRows(&map, kNoTree, &rows);
  // A page is of one tree, and has a cell for each offset of two bytes.
  Require(rows <= uint64_t{pages.page_count()} * kPageSize / 2,
          "no row comes twice");
  for (PageNo pgno = 1; pgno <= pages.page_count(); ++pgno) {
    Require(!PartText(map, map.PartOf(pgno)).empty(), "a page is something");
  }
}

}  // namespace

const FuzzTarget kSqlFuzzTargets[kSqlFuzzTargetCount] = {
    {"salvage", FuzzSalvage},
};

}  // namespace actorkv
