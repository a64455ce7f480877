// TableSalvage goes through what is left of the rows of a table, or of those
// that are of no table that is known.
//
// It takes page after page, in the order of their numbers, and not of keys: so
// it needs no page to come to another.

#ifndef ACTORKV_SQL_SALVAGE_TABLE_SALVAGE_H_
#define ACTORKV_SQL_SALVAGE_TABLE_SALVAGE_H_

#include <cstdint>
#include <string>

#include "sql/salvage/page_map.h"

namespace actorkv {

struct SalvagedRow {
  bool has_rowid = false;
  int64_t rowid = 0;
  PageNo pgno = 0;
  std::string json;         // empty: nothing of the row can be read
  bool is_certain = false;  // the page is reached from the root of the table
};

class TableSalvage {
 public:
  // `map` is built, and must outlive it. `tree` is one of its trees; kNoTree
  // stands for pages of no known tree.
  TableSalvage(PageMap* map, uint32_t tree)
      : map_(map),
        tree_(tree),
        shape_(tree == kNoTree ? nullptr : map->ShapeOf(tree)) {}

  // Goes to the next row; *found is false after the last. What is on a page but
  // cannot be read as a row is passed over. Errors: those of SalvagePages.
  Status Next(bool* found, SalvagedRow* row);

 private:
  bool IsWanted(PageNo pgno) const;
  Status NextPage(bool* found);
  Status MakeRow(const BtreeCell& cell, SalvagedRow* row);

  PageMap* const map_;
  const uint32_t tree_;
  const RowShape* const shape_;
  PageNo pgno_ = 0;
  uint32_t next_cell_ = 0;
  bool on_page_ = false;
  SalvagedPage page_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_TABLE_SALVAGE_H_
