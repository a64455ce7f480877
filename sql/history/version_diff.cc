#include "sql/history/version_diff.h"

#include <algorithm>
#include <utility>

#include "kv/base/hash.h"
#include "sql/history/row_format.h"

namespace actorkv {

namespace {

// An entry of the map takes about this much memory beside its key.
constexpr size_t kEntryBytes = 64;

bool HasAny(const PageSet& set) {
  return std::find(set.begin(), set.end(), true) != set.end();
}

void Remove(const PageSet& what, PageSet* from) {
  const size_t size = std::min(what.size(), from->size());
  for (size_t i = 0; i < size; ++i) {
    if (what[i]) (*from)[i] = false;
  }
}

}  // namespace

// --- VersionPair -------------------------------------------------------------

Status VersionPair::Open(const std::function<Status()>& keep_on) {
  if (Status s = from_.Open(); !s.ok()) return s;
  if (Status s = to_.Open(); !s.ok()) return s;
  if (Status s = FindChangedPages(from_source_, to_source_, keep_on, &changed_);
      !s.ok()) {
    return s;
  }
  // Most pages are the same in both versions: `to_` takes those from the memory
  // in which `from_` has them.
  to_.ShareWith(&from_, &changed_);
  // A page that only one version has cannot have been written over.
  overwritten_ = changed_;
  const size_t both = std::min(from_.page_count(), to_.page_count());
  for (size_t i = both + 1; i < overwritten_.size(); ++i) {
    overwritten_[i] = false;
  }
  PageSet free;
  if (Status s = from_.AddFreePages(&free); !s.ok()) return s;
  if (Status s = to_.AddFreePages(&free); !s.ok()) return s;
  Remove(free, &overwritten_);
  return Status::Ok();
}

Status VersionPair::AddTree(bool is_from, PageNo root) {
  TreePages tree;
  if (Status s = (is_from ? from_ : to_).FindTree(root, &tree); !s.ok()) {
    return s;
  }
  // Pages of trees are compared as such. What is left are overflow pages, which
  // belong to no tree by themselves.
  Remove(tree.pages, &overwritten_);
  if (is_from) return Status::Ok();
  if (to_trees_.size() < tree.pages.size()) to_trees_.resize(tree.pages.size());
  for (size_t i = 0; i < tree.pages.size(); ++i) {
    if (tree.pages[i]) to_trees_[i] = true;
  }
  return Status::Ok();
}

// Takes the overflow of rows on changed pages out of overwritten_: such a row
// is compared anyway. What stays belongs to rows on pages that did not change;
// mostly nothing does, and then no such page is read.
Status VersionPair::DropOwned() {
  owned_known_ = true;
  for (PageNo pgno = 1; pgno < to_trees_.size(); ++pgno) {
    if (!to_trees_[pgno] || !Has(changed_, pgno)) continue;
    if (!HasAny(overwritten_)) return Status::Ok();
    PinnedBtreePage page;
    if (Status s = to_.ReadPage(pgno, &page); !s.ok()) return s;
    // Interior pages of a table have rowids and no rows.
    if (page.page.is_table() && !page.page.is_leaf()) continue;
    if (Status s = ForgetOverflow(page.page); !s.ok()) return s;
  }
  return Status::Ok();
}

// Takes the overflow pages of the rows of `page` out of overwritten_.
Status VersionPair::ForgetOverflow(const BtreePage& page) {
  for (uint32_t i = 0; i < page.cell_count(); ++i) {
    BtreeCell cell;
    if (Status s = page.Cell(i, &cell); !s.ok()) return s;
    if (cell.overflow == 0) continue;
    std::vector<PageNo> pages;
    if (Status s = to_.FindOverflow(cell, &pages); !s.ok()) return s;
    for (const PageNo overflow : pages) {
      if (overflow < overwritten_.size()) overwritten_[overflow] = false;
    }
  }
  return Status::Ok();
}

// Takes the page out of `common` when the overflow of a row of it differs.
Status VersionPair::DropOverwritten(PageNo pgno, PageSet* common) {
  PinnedBtreePage page;
  if (Status s = to_.ReadPage(pgno, &page); !s.ok()) return s;
  if (page.page.is_table() && !page.page.is_leaf()) return Status::Ok();
  for (uint32_t i = 0; i < page.page.cell_count(); ++i) {
    BtreeCell cell;
    if (Status s = page.page.Cell(i, &cell); !s.ok()) return s;
    if (cell.overflow == 0) continue;
    std::vector<PageNo> pages;
    if (Status s = to_.FindOverflow(cell, &pages); !s.ok()) return s;
    for (const PageNo overflow : pages) {
      if (!Has(overwritten_, overflow)) continue;
      (*common)[pgno] = false;
      return Status::Ok();
    }
  }
  return Status::Ok();
}

Status VersionPair::FindCommon(const TreePages& from, const TreePages& to,
                               PageSet* common) {
  PageSet found = to.pages;
  for (PageNo pgno = 1; pgno < found.size(); ++pgno) {
    // A page is common where both trees have it and it did not change: its rows
    // are the same.
    if (!Has(from.pages, pgno) || Has(changed_, pgno)) found[pgno] = false;
  }
  if (!owned_known_ && HasAny(overwritten_)) {
    if (Status s = DropOwned(); !s.ok()) return s;
  }
  if (HasAny(overwritten_)) {
    for (PageNo pgno = 1; pgno < found.size(); ++pgno) {
      if (!found[pgno]) continue;
      if (Status s = DropOverwritten(pgno, &found); !s.ok()) return s;
    }
  }
  *common = std::move(found);
  return Status::Ok();
}

// --- TableDiff ---------------------------------------------------------------

Status TableDiff::Open() {
  from_.reader = pair_->from();
  to_.reader = pair_->to();
  Status s = from_.reader->FindTree(trees_.from_root, &from_.tree);
  if (s.ok()) s = to_.reader->FindTree(trees_.to_root, &to_.tree);
  if (s.ok()) s = pair_->FindCommon(from_.tree, to_.tree, &common_);
  if (!s.ok()) return s;
  from_.scan = std::make_unique<BtreeScan>(from_.reader, trees_.from_root,
                                           &from_.tree, &common_);
  to_.scan = std::make_unique<BtreeScan>(to_.reader, trees_.to_root, &to_.tree,
                                         &common_);
  return trees_.key_columns == 0 ? Status::Ok() : KeepOldRows();
}

Status TableDiff::Next(bool* found, ChangedRow* row) {
  return trees_.key_columns == 0 ? NextByRowid(found, row)
                                 : NextByKey(found, row);
}

Status TableDiff::Fetch(Side* side) {
  if (!side->wanted) return Status::Ok();
  side->wanted = false;
  return side->scan->Next(&side->found, &side->cell);
}

Status TableDiff::SamePayload(bool* same) {
  *same = false;
  if (from_.cell.payload_bytes != to_.cell.payload_bytes) return Status::Ok();
  // Rows that lie on their pages are compared in place; only those with
  // overflow are put together.
  if (from_.cell.overflow == 0 && to_.cell.overflow == 0) {
    *same = from_.cell.local == to_.cell.local;
    return Status::Ok();
  }
  std::string from;
  std::string to;
  if (Status s = from_.reader->ReadPayload(from_.cell, &from); !s.ok()) {
    return s;
  }
  if (Status s = to_.reader->ReadPayload(to_.cell, &to); !s.ok()) return s;
  *same = from == to;
  return Status::Ok();
}

Status TableDiff::NextByRowid(bool* found, ChangedRow* row) {
  for (;;) {
    if (Status s = Fetch(&from_); !s.ok()) return s;
    if (Status s = Fetch(&to_); !s.ok()) return s;
    *found = from_.found || to_.found;
    if (!*found) return Status::Ok();
    // Both trees are in the order of rowids: the smaller one is told and read
    // on, and where both are at one rowid they are one row.
    from_.wanted =
        from_.found && (!to_.found || from_.cell.rowid <= to_.cell.rowid);
    to_.wanted =
        to_.found && (!from_.found || to_.cell.rowid <= from_.cell.rowid);
    row->rowid = from_.wanted ? from_.cell.rowid : to_.cell.rowid;
    if (from_.wanted && to_.wanted) {
      bool same = false;
      if (Status s = SamePayload(&same); !s.ok()) return s;
      if (same) continue;
      row->change = RowChange::kUpdate;
    } else {
      row->change = from_.wanted ? RowChange::kDelete : RowChange::kInsert;
    }
    return Status::Ok();
  }
}

Status TableDiff::KeyOf(const Side& side, std::string* key, uint64_t* hash) {
  std::string row;
  if (Status s = side.reader->ReadPayload(side.cell, &row); !s.ok()) return s;
  *hash = Hash64(row, 0);
  return BeginningOf(row, trees_.key_columns, key);
}

Status TableDiff::KeepOldRows() {
  size_t bytes = 0;
  for (;;) {
    if (Status s = from_.scan->Next(&from_.found, &from_.cell); !s.ok()) {
      return s;
    }
    if (!from_.found) return Status::Ok();
    std::string key;
    uint64_t hash = 0;
    if (Status s = KeyOf(from_, &key, &hash); !s.ok()) return s;
    bytes += key.size() + kEntryBytes;
    // The order of keys depends on collations that only the application may
    // have, so the two scans cannot be merged: the old keys are kept, and
    // memory has an end.
    if (bytes > kMaxKeptRowBytes) {
      return Status::NotSupported(
          "too many rows of a table WITHOUT ROWID may have changed: open both "
          "versions with asof= and compare them with EXCEPT");
    }
    old_rows_.emplace(std::move(key), hash);
  }
}

Status TableDiff::NextByKey(bool* found, ChangedRow* row) {
  while (to_.scan != nullptr) {
    if (Status s = to_.scan->Next(&to_.found, &to_.cell); !s.ok()) return s;
    if (!to_.found) {
      to_.scan.reset();
      break;
    }
    uint64_t hash = 0;
    if (Status s = KeyOf(to_, &row->key, &hash); !s.ok()) return s;
    const auto old_row = old_rows_.find(row->key);
    row->change =
        old_row == old_rows_.end() ? RowChange::kInsert : RowChange::kUpdate;
    // Hashes of 64 bits stand for the old rows: to keep the rows would take as
    // much memory as the table.
    const bool same = old_row != old_rows_.end() && old_row->second == hash;
    if (old_row != old_rows_.end()) old_rows_.erase(old_row);
    if (same) continue;
    *found = true;
    return Status::Ok();
  }
  *found = !old_rows_.empty();
  if (!*found) return Status::Ok();
  row->change = RowChange::kDelete;
  // What is left over has no row in the newer version.
  row->key = old_rows_.begin()->first;
  old_rows_.erase(old_rows_.begin());
  return Status::Ok();
}

}  // namespace actorkv
