#include "sql/salvage/page_map.h"

#include <algorithm>
#include <limits>

#include "kv/base/coding.h"
#include "sql/salvage/page_look.h"

namespace actorkv {

namespace {

constexpr uint32_t kReadsBetweenChecks = 256;
constexpr size_t kMaxGaps = 1000;  // of a tree, at one depth
constexpr size_t kMaxDepth = 20;   // BTCURSOR_MAX_DEPTH of SQLite 3.40.1

constexpr int64_t kLeastRowid = std::numeric_limits<int64_t>::min();
constexpr int64_t kMostRowid = std::numeric_limits<int64_t>::max();

// A part as it is kept: the tree in the low bits, then these.
constexpr uint32_t kTreeMask = 0xffffff;
constexpr int kUseShift = 24;
constexpr uint32_t kUseMask = 7;
constexpr uint32_t kReachedBit = uint32_t{1} << 27;
constexpr uint32_t kLostBit = uint32_t{1} << 28;

constexpr size_t kPointerMapEntryBytes = 5;
constexpr size_t kSchemaColumns = 5;

// Adds a gap; where there are many already, it is made part of the last one.
void AddGap(const Gap& gap, std::vector<Gap>* gaps) {
  if (gaps->size() < kMaxGaps) {
    gaps->push_back(gap);
    return;
  }
  Gap& last = gaps->back();
  last.least_rowid = std::min(last.least_rowid, gap.least_rowid);
  last.most_rowid = std::max(last.most_rowid, gap.most_rowid);
}

SalvageTree SchemaTree() {
  SalvageTree tree;
  tree.item = {"table", "sqlite_schema", "sqlite_schema", 1, ""};
  tree.kind_known = true;
  tree.shape_asked = true;
  tree.has_shape = true;
  tree.shape.stored_count = kSchemaColumns;
  size_t index = 0;
  for (const char* name : {"type", "name", "tbl_name", "rootpage", "sql"}) {
    tree.shape.columns.push_back({name, index++, false, false, "null"});
  }
  return tree;
}

}  // namespace

Status PageMap::KeepOn() {
  return looks_++ % kReadsBetweenChecks == 0 ? pages_->KeepOn() : Status::Ok();
}

// --- Parts -------------------------------------------------------------------

bool PageMap::IsPage(PageNo pgno) const {
  return pgno != 0 && pgno <= pages_->page_count() &&
         pgno != LockPage(pages_->page_size());
}

bool PageMap::IsFresh(PageNo pgno) const {
  return IsPage(pgno) && (parts_[pgno] >> kUseShift & kUseMask) == 0;
}

bool PageMap::IsStray(PageNo pgno) const {
  return IsFresh(pgno) && (parts_[pgno] & kLostBit) == 0 &&
         KindOf(look_[pgno]) != 0;
}

bool PageMap::HasGap(uint32_t tree) const {
  return std::any_of(gaps_.begin(), gaps_.end(),
                     [&](const Gap& gap) { return gap.tree == tree; });
}

void PageMap::Take(PageNo pgno, PageUse use, uint32_t tree, bool is_reached) {
  parts_[pgno] = (parts_[pgno] & kLostBit) | tree |
                 uint32_t{static_cast<uint8_t>(use)} << kUseShift |
                 (is_reached ? kReachedBit : 0);
}

PagePart PageMap::PartOf(PageNo pgno) const {
  const uint32_t stored = parts_[pgno];
  PagePart part;
  part.use = static_cast<PageUse>(stored >> kUseShift & kUseMask);
  part.tree = stored & kTreeMask;
  part.is_reached = (stored & kReachedBit) != 0;
  part.is_readable = (stored & kLostBit) == 0;
  if (part.use == PageUse::kTree && part.is_readable) {
    const PageLook look = look_[pgno];
    part.is_readable = KindOf(look) != 0 && (look & kBadCells) == 0 &&
                       IsTable(look) == trees_[part.tree].is_table;
  }
  return part;
}

bool PageMap::HasRows(PageNo pgno) const {
  if ((parts_[pgno] & kLostBit) != 0) return false;
  return IsLeaf(look_[pgno]) || KindOf(look_[pgno]) == kIndexInterior;
}

const RowShape* PageMap::ShapeOf(uint32_t index) {
  SalvageTree& tree = trees_[index];
  if (!tree.shape_asked) {
    tree.shape_asked = true;
    const StoredItem* table = &tree.item;
    for (const SalvageTree& other : trees_) {
      if (tree.item.type == "index" && other.item.type == "table" &&
          other.item.name == tree.item.table) {
        table = &other.item;
      }
    }
    tree.has_shape = read_shape_(tree.item, *table, &tree.shape).ok();
    if (!tree.kind_known && tree.has_shape) {
      tree.is_table = tree.shape.has_rowids;
    }
  }
  return tree.has_shape ? &tree.shape : nullptr;
}

// --- The pages ---------------------------------------------------------------

// Trunks are a list, each with the numbers of more free pages (section 1.5).
Status PageMap::ReadFreeList() {
  std::string page(pages_->page_size(), '\0');
  free_list_is_whole_ = reader_.has_header();
  for (PageNo trunk = reader_.first_free_trunk(); trunk != 0;) {
    bool sound = IsFresh(trunk);
    if (sound) {
      if (Status s = KeepOn(); !s.ok()) return s;
      Take(trunk, PageUse::kFree, kNoTree, true);
      if (Status s = pages_->Read(trunk, page.data(), &sound); !s.ok()) {
        return s;
      }
    }
    if (!sound) {
      free_list_is_whole_ = false;
      return Status::Ok();
    }
    const uint32_t count =
        std::min(LoadBig32(page.data() + 4), reader_.usable_bytes() / 4 - 2);
    for (uint32_t i = 0; i < count; ++i) {
      const PageNo leaf = LoadBig32(page.data() + 8 + size_t{4} * i);
      if (IsFresh(leaf)) Take(leaf, PageUse::kFree, kNoTree, true);
    }
    trunk = LoadBig32(page.data());
  }
  return Status::Ok();
}

// With auto_vacuum the pages 2, 2 + step, ... map others to their parents; the
// one that would be the lock page is the page behind it (btree.c ptrmapPageno,
// 3.40.1).
void PageMap::TakePointerMap() {
  const PageNo lock = LockPage(pages_->page_size());
  if (lock <= pages_->page_count()) {
    Take(lock, PageUse::kLock, kNoTree, true);
  }
  if (!reader_.has_pointer_map()) return;
  const uint64_t step = reader_.usable_bytes() / kPointerMapEntryBytes + 1;
  for (uint64_t at = 2; at <= pages_->page_count(); at += step) {
    const auto pgno = static_cast<PageNo>(at == lock ? at + 1 : at);
    if (IsFresh(pgno)) Take(pgno, PageUse::kPointerMap, kNoTree, true);
  }
}

void PageMap::LookAt(PageNo pgno, const std::string& page) {
  next_[pgno] = LoadBig32(page.data());
  BtreePage parsed;
  // What a free page says was true once.
  if (!IsFresh(pgno) ||
      !BtreePage::Parse(pgno, page, reader_.usable_bytes(), &parsed).ok()) {
    return;
  }
  look_[pgno] = LookOf(parsed);
  for (uint32_t i = 0; i < parsed.cell_count(); ++i) {
    BtreeCell cell;
    if (!parsed.Cell(i, &cell).ok()) {
      look_[pgno] |= kBadCells;
    } else if (cell.overflow != 0 && chains_.size() < pages_->page_count()) {
      // In a sound database there are not more chains than pages.
      chains_.push_back({pgno, cell.overflow});
    }
  }
}

Status PageMap::ReadAll() {
  std::string page(pages_->page_size(), '\0');
  for (PageNo pgno = 1; pgno <= pages_->page_count(); ++pgno) {
    bool sound = false;
    if (Status s = KeepOn(); !s.ok()) return s;
    if (Status s = pages_->Read(pgno, page.data(), &sound); !s.ok()) return s;
    if (sound) {
      LookAt(pgno, page);
    } else {
      parts_[pgno] |= kLostBit;
    }
  }
  return Status::Ok();
}

// --- Trees -------------------------------------------------------------------

bool PageMap::IsOfKind(uint32_t index, PageLook look) {
  SalvageTree& tree = trees_[index];
  if (KindOf(look) == 0) return false;
  if (!tree.kind_known) {
    tree.kind_known = true;
    tree.is_table = IsTable(look);
  }
  return IsTable(look) == tree.is_table;
}

Status PageMap::Descend(const Visit& visit, std::vector<Visit>* next) {
  SalvagedPage page;
  bool found = false;
  if (Status s = KeepOn(); !s.ok()) return s;
  if (Status s = reader_.ReadPage(visit.pgno, &page, &found); !s.ok()) return s;
  Visit child = visit;
  ++child.depth;
  for (uint32_t i = 0; found && i < page.page.cell_count(); ++i) {
    BtreeCell cell;
    // A child whose cell cannot be read is a page that is not there.
    const bool ok = page.page.Cell(i, &cell).ok();
    child.pgno = ok ? cell.child : 0;
    if (ok && page.page.is_table()) child.most_rowid = cell.rowid;
    next->push_back(child);
    if (ok && page.page.is_table() && cell.rowid != kMostRowid) {
      child.least_rowid = cell.rowid + 1;
    }
    child.most_rowid = visit.most_rowid;
  }
  child.pgno = found ? page.page.right_child() : 0;
  next->push_back(child);
  return Status::Ok();
}

// A page that is lost, or is not what it should be, leaves a gap, unless it is
// a leaf: all leaves of a tree are at the same depth.
Status PageMap::Walk(uint32_t tree) {
  std::vector<Visit> next = {
      {trees_[tree].item.root, 1, kLeastRowid, kMostRowid}};
  std::vector<std::vector<Gap>> lost(kMaxDepth + 2);  // by depth
  size_t leaf_depth = kMaxDepth + 1;
  while (!next.empty()) {
    const Visit visit = next.back();
    next.pop_back();
    const bool fresh = IsFresh(visit.pgno);
    if (fresh) Take(visit.pgno, PageUse::kTree, tree, true);
    if (!fresh || (parts_[visit.pgno] & kLostBit) != 0 ||
        visit.depth > kMaxDepth || !IsOfKind(tree, look_[visit.pgno])) {
      AddGap({tree, visit.least_rowid, visit.most_rowid}, &lost[visit.depth]);
    } else if (IsLeaf(look_[visit.pgno])) {
      leaf_depth = visit.depth;
    } else if (Status s = Descend(visit, &next); !s.ok()) {
      return s;
    }
  }
  for (size_t depth = 1; depth < leaf_depth; ++depth) {
    gaps_.insert(gaps_.end(), lost[depth].begin(), lost[depth].end());
  }
  return Status::Ok();
}

Status PageMap::WalkFrom(size_t first) {
  for (size_t tree = first; tree < trees_.size(); ++tree) {
    if (Status s = Walk(static_cast<uint32_t>(tree)); !s.ok()) return s;
  }
  return Status::Ok();
}

// --- The schema --------------------------------------------------------------

// Without page 1 the encoding is found by the first text that makes sense.
bool PageMap::ParseItem(const std::vector<CutValue>& values, StoredItem* item) {
  const auto is_text = [&](size_t index) {
    return index < values.size() && values[index].lost_bytes == 0 &&
           values[index].value.kind == StoredValue::Kind::kText;
  };
  const auto text = [&](size_t index) {
    return reader_.Utf8Of(values[index].value.bytes);
  };
  if (values.size() != kSchemaColumns || !is_text(0) || !is_text(1) ||
      !is_text(2)) {
    return false;
  }
  const auto is_type = [&] {
    const std::string type = text(0);
    return type == "table" || type == "index" || type == "view" ||
           type == "trigger";
  };
  if (!is_type() && reader_.has_header()) return false;
  for (const TextEncoding encoding :
       {TextEncoding::kUtf16Le, TextEncoding::kUtf16Be, TextEncoding::kUtf8}) {
    if (is_type()) break;
    reader_.set_encoding(encoding);
  }
  if (!is_type()) return false;
  *item = {text(0), text(1), text(2), 0, is_text(4) ? text(4) : ""};
  const StoredValue& root = values[3].value;
  if (root.kind == StoredValue::Kind::kInteger && root.integer > 0 &&
      root.integer <= int64_t{pages_->page_count()}) {
    item->root = static_cast<PageNo>(root.integer);
  }
  return true;
}

Status PageMap::ReadItems(PageNo pgno, std::vector<StoredItem>* items,
                          bool* all_fit) {
  SalvagedPage page;
  bool found = false;
  if (Status s = KeepOn(); !s.ok()) return s;
  if (Status s = reader_.ReadPage(pgno, &page, &found); !s.ok()) return s;
  *all_fit = found && page.page.cell_count() > 0;
  for (uint32_t i = 0; found && i < page.page.cell_count(); ++i) {
    BtreeCell cell;
    std::string payload;
    std::vector<CutValue> values;
    StoredItem item;
    if (page.page.Cell(i, &cell).ok()) {
      if (Status s = reader_.ReadPayload(
              cell, [this](PageNo next) { return IsFresh(next); }, &payload);
          !s.ok()) {
        return s;
      }
    }
    if (!ReadCutRow(payload, &values).ok() || !ParseItem(values, &item)) {
      *all_fit = false;
    } else if (item.root != 0) {
      items->push_back(std::move(item));
    }
  }
  return Status::Ok();
}

void PageMap::AddTree(StoredItem item) {
  const bool is_known =
      std::any_of(trees_.begin(), trees_.end(), [&](const SalvageTree& tree) {
        return tree.item.root == item.root || tree.item.name == item.name;
      });
  if (is_known || trees_.size() >= kNoTree) return;
  SalvageTree tree;
  tree.is_table = item.type == "table";
  tree.item = std::move(item);
  trees_.push_back(std::move(tree));
}

Status PageMap::ReadSchema() {
  if (Status s = Walk(0); !s.ok()) return s;
  std::vector<StoredItem> items;
  for (PageNo pgno = 1; pgno <= pages_->page_count(); ++pgno) {
    const PagePart part = PartOf(pgno);
    if (part.use != PageUse::kTree || !HasRows(pgno)) continue;
    bool all_fit = false;
    if (Status s = ReadItems(pgno, &items, &all_fit); !s.ok()) return s;
  }
  for (StoredItem& item : items) AddTree(std::move(item));
  return WalkFrom(1);
}

Status PageMap::ReadStraySchema() {
  const size_t known = trees_.size();
  if (!HasGap(0)) return Status::Ok();
  for (PageNo pgno = 1; pgno <= pages_->page_count(); ++pgno) {
    if (!IsStray(pgno) || look_[pgno] != kTableLeaf) continue;
    bool all_fit = false;
    std::vector<StoredItem> items;
    if (Status s = ReadItems(pgno, &items, &all_fit); !s.ok()) return s;
    if (!all_fit) continue;
    Take(pgno, PageUse::kTree, 0, false);
    for (StoredItem& item : items) AddTree(std::move(item));
  }
  return WalkFrom(known);
}

// --- All of it ---------------------------------------------------------------

Status PageMap::Build() {
  const size_t size = size_t{pages_->page_count()} + 1;
  parts_.assign(size, kNoTree);
  look_.assign(size, 0);
  next_.assign(size, 0);
  trees_ = {SchemaTree()};
  if (pages_->page_count() == 0) return Status::Ok();
  if (Status s = reader_.Open(); !s.ok()) return s;
  if (Status s = ReadFreeList(); !s.ok()) return s;
  TakePointerMap();
  if (Status s = ReadAll(); !s.ok()) return s;
  if (Status s = ReadSchema(); !s.ok()) return s;
  TakeChains(true);
  if (Status s = ReadStraySchema(); !s.ok()) return s;
  TakeChains(true);
  if (Status s = TakeStrays(); !s.ok()) return s;
  TakeChains(false);
  return pages_->KeepOn();
}

std::string PartText(const PageMap& map, const PagePart& part) {
  std::string of;
  if (part.tree != kNoTree) {
    const StoredItem& item = map.trees()[part.tree].item;
    of = part.tree == 0 ? "schema" : item.type + " " + item.name;
  }
  switch (part.use) {
    case PageUse::kTree:
      return of;
    case PageUse::kOverflow:
      return of.empty() ? "overflow" : "overflow of " + of;
    case PageUse::kFree:
      return "free list";
    case PageUse::kPointerMap:
      return "pointer map";
    case PageUse::kLock:
      return "lock page";
    case PageUse::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace actorkv
