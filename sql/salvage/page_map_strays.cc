// Pages to which nothing leads, and those to which rows lead that are there.

#include <algorithm>

#include "sql/salvage/page_look.h"
#include "sql/salvage/page_map.h"

namespace actorkv {

void PageMap::TakeChains(bool of_reached) {
  for (const Chain& chain : chains_) {
    const PagePart part = PartOf(chain.pgno);
    if (part.is_reached != of_reached || part.use == PageUse::kFree) continue;
    for (PageNo next = chain.first; IsFresh(next); next = next_[next]) {
      Take(next, PageUse::kOverflow, part.tree, part.is_reached);
    }
  }
}

Status PageMap::LookAtStray(PageNo pgno, Stray* stray) {
  SalvagedPage page;
  bool found = false;
  if (Status s = KeepOn(); !s.ok()) return s;
  if (Status s = reader_.ReadPage(pgno, &page, &found); !s.ok()) return s;
  if (!found) return Status::Ok();
  stray->is_leaf = page.page.is_leaf();
  stray->is_table = page.page.is_table();
  for (uint32_t i = 0; i < page.page.cell_count(); ++i) {
    BtreeCell cell;
    if (!page.page.Cell(i, &cell).ok()) continue;
    if (stray->is_table) {
      if (!stray->has_rowids) stray->least_rowid = cell.rowid;
      if (!stray->has_rowids) stray->most_rowid = cell.rowid;
      stray->has_rowids = true;
      stray->least_rowid = std::min(stray->least_rowid, cell.rowid);
      stray->most_rowid = std::max(stray->most_rowid, cell.rowid);
    }
    std::vector<CutValue> values;
    if (ReadCutRow(cell.local, &values).ok()) {
      stray->most_values = std::max(stray->most_values, values.size());
    }
  }
  return Status::Ok();
}

bool PageMap::Fits(const Stray& stray, const Gap& gap, bool exactly) {
  // Pages of the schema tell themselves.
  if (gap.tree == 0) return false;
  const RowShape* const shape = ShapeOf(gap.tree);
  const SalvageTree& tree = trees_[gap.tree];
  if (stray.is_table != tree.is_table) return false;
  if (stray.is_table) {
    if (!stray.has_rowids || stray.least_rowid < gap.least_rowid ||
        stray.most_rowid > gap.most_rowid) {
      return false;
    }
    // An interior page of such a table has no rows.
    if (!stray.is_leaf) return true;
  }
  if (shape == nullptr || stray.most_values == 0) return false;
  if (exactly) return stray.most_values == shape->stored_count;
  // Rows are shorter that are older than a column of their table.
  return tree.item.type == "table" && stray.most_values < shape->stored_count;
}

uint32_t PageMap::FindTreeOf(const Stray& stray) {
  for (const bool exactly : {true, false}) {
    uint32_t found = kNoTree;
    for (const Gap& gap : gaps_) {
      if (gap.tree == found || !Fits(stray, gap, exactly)) continue;
      if (found != kNoTree) return kNoTree;
      found = gap.tree;
    }
    if (found != kNoTree) return found;
  }
  return kNoTree;
}

Status PageMap::TakeStrays() {
  for (PageNo pgno = 1; pgno <= pages_->page_count(); ++pgno) {
    if (!IsStray(pgno)) continue;
    // Where no tree lacks pages, they are those that the list of free pages
    // lost.
    if (gaps_.empty() && !free_list_is_whole_) {
      Take(pgno, PageUse::kFree, kNoTree, false);
      continue;
    }
    Stray stray;
    if (Status s = LookAtStray(pgno, &stray); !s.ok()) return s;
    const uint32_t tree = FindTreeOf(stray);
    if (tree != kNoTree) Take(pgno, PageUse::kTree, tree, false);
  }
  return Status::Ok();
}

}  // namespace actorkv
