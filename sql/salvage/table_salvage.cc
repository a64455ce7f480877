#include "sql/salvage/table_salvage.h"

namespace actorkv {

namespace {

constexpr PageNo kPagesBetweenChecks = 64;

}  // namespace

bool TableSalvage::IsWanted(PageNo pgno) const {
  if (!map_->HasRows(pgno)) return false;
  const PagePart part = map_->PartOf(pgno);
  if (tree_ == kNoTree) return part.use == PageUse::kUnknown;
  return part.use == PageUse::kTree && part.tree == tree_;
}

Status TableSalvage::NextPage(bool* found) {
  on_page_ = false;
  while (pgno_ < map_->pages()->page_count()) {
    ++pgno_;
    if (pgno_ % kPagesBetweenChecks == 0) {
      if (Status s = map_->pages()->KeepOn(); !s.ok()) return s;
    }
    if (!IsWanted(pgno_)) continue;
    if (Status s = map_->rows()->ReadPage(pgno_, &page_, &on_page_); !s.ok()) {
      return s;
    }
    // A page of another kind than its tree has no rows of that.
    on_page_ =
        on_page_ && (tree_ == kNoTree ||
                     page_.page.is_table() == map_->trees()[tree_].is_table);
    next_cell_ = 0;
    if (on_page_) break;
  }
  *found = on_page_;
  return Status::Ok();
}

Status TableSalvage::MakeRow(const BtreeCell& cell, SalvagedRow* row) {
  std::string payload;
  const auto may_follow = [this](PageNo pgno) {
    return pgno != 0 && pgno <= map_->pages()->page_count() &&
           map_->PartOf(pgno).use == PageUse::kOverflow;
  };
  if (Status s = map_->rows()->ReadPayload(cell, may_follow, &payload);
      !s.ok()) {
    return s;
  }
  row->has_rowid = page_.page.is_table();
  row->rowid = cell.rowid;
  row->pgno = pgno_;
  row->is_certain = map_->PartOf(pgno_).is_reached;
  map_->rows()->MakeJson(shape_, cell.rowid, payload, &row->json);
  return Status::Ok();
}

Status TableSalvage::Next(bool* found, SalvagedRow* row) {
  *found = true;
  for (;;) {
    while (on_page_ && next_cell_ < page_.page.cell_count()) {
      BtreeCell cell;
      if (!page_.page.Cell(next_cell_++, &cell).ok()) continue;
      return MakeRow(cell, row);
    }
    if (Status s = NextPage(found); !s.ok() || !*found) return s;
  }
}

}  // namespace actorkv
