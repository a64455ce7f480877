#include "sql/history/btree_reader.h"

#include <algorithm>

#include "kv/base/coding.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

namespace {

// Fields of the header of a database (SQLite database file format, section 1.3
// "The Database Header").
constexpr size_t kReservedBytesOffset = 20;
constexpr size_t kFreeTrunkOffset = 32;
constexpr size_t kLargestRootOffset = 52;  // not 0: auto_vacuum
constexpr size_t kEncodingOffset = 56;

constexpr size_t kNextPageBytes = 4;  // at the beginning of an overflow page
constexpr size_t kPointerMapEntryBytes = 5;

Status Damaged(const char* what, PageNo pgno) {
  return Status::Corruption(std::string(what) +
                            ": pgno=" + std::to_string(pgno));
}

}  // namespace

BtreeReader::BtreeReader(const VersionSource& source)
    : reader_(ReaderOf(source)) {}

Status BtreeReader::Open() {
  encoding_ = SQLITE_UTF8;
  if (page_count() == 0) return Status::Ok();
  PagePin pin;
  if (Status s = reader_->PinPage(1, &pin); !s.ok()) return s;
  const std::string_view page = pin->page();
  // The bytes that are reserved at the end of each page belong to extensions
  // and are in no cell (section 1.3, "Reserved bytes per page").
  usable_bytes_ = static_cast<uint32_t>(page.size()) -
                  static_cast<uint8_t>(page[kReservedBytesOffset]);
  first_free_trunk_ = LoadBig32(page.data() + kFreeTrunkOffset);
  has_pointer_map_ = LoadBig32(page.data() + kLargestRootOffset) != 0;
  // The encoding is 0 as long as the database is empty.
  const uint32_t encoding = LoadBig32(page.data() + kEncodingOffset);
  if (encoding > SQLITE_UTF16BE) return Damaged("text encoding", 1);
  if (encoding != 0) encoding_ = static_cast<int>(encoding);
  return Status::Ok();
}

Status BtreeReader::PinPage(PageNo pgno, PagePin* pin) {
  // A page that did not change is read from the version that has it in memory
  // already.
  const bool shared =
      twin_ != nullptr && pgno < changed_->size() && !(*changed_)[pgno];
  AddWork(work_, reader_->snapshot().page_size);
  return (shared ? twin_ : this)->reader_->PinPage(pgno, pin);
}

Status BtreeReader::ReadPage(PageNo pgno, PinnedBtreePage* page) {
  if (pgno == 0 || pgno > page_count() ||
      // SQLite never uses the page at the byte 2^30, on which its file locks
      // lie.
      pgno == LockPage(reader_->snapshot().page_size)) {
    return Damaged("a b-tree refers to a page that is not there", pgno);
  }
  PinnedBtreePage read;
  if (Status s = PinPage(pgno, &read.pin); !s.ok()) return s;
  if (Status s =
          BtreePage::Parse(pgno, read.pin->page(), usable_bytes_, &read.page);
      !s.ok()) {
    return s;
  }
  *page = std::move(read);
  return Status::Ok();
}

// --- Overflow ----------------------------------------------------------------

Status BtreeReader::ReadOverflow(PageNo pgno, PagePin* pin, PageNo* next) {
  if (pgno == 0 || pgno > page_count() ||
      pgno == LockPage(reader_->snapshot().page_size)) {
    return Damaged("a row goes on at a page that is not there", pgno);
  }
  if (Status s = PinPage(pgno, pin); !s.ok()) return s;
  *next = LoadBig32((*pin)->page().data());
  return Status::Ok();
}

// The size of a payload decides how far a chain is followed, so it must be one
// that the database has room for.
Status BtreeReader::CheckChain(const BtreeCell& cell) const {
  if (cell.payload_bytes <= uint64_t{page_count()} * usable_bytes_) {
    return Status::Ok();
  }
  return Damaged("a row is longer than the database, it goes on",
                 cell.overflow);
}

Status BtreeReader::ReadPayload(const BtreeCell& cell, std::string* payload) {
  if (Status s = CheckChain(cell); !s.ok()) return s;
  std::string read(cell.local);
  PageNo next = cell.overflow;
  while (read.size() < cell.payload_bytes) {
    PagePin pin;
    if (Status s = ReadOverflow(next, &pin, &next); !s.ok()) return s;
    const uint64_t size = std::min<uint64_t>(cell.payload_bytes - read.size(),
                                             usable_bytes_ - kNextPageBytes);
    read.append(pin->page().substr(kNextPageBytes, size));
  }
  *payload = std::move(read);
  return Status::Ok();
}

Status BtreeReader::FindOverflow(const BtreeCell& cell,
                                 std::vector<PageNo>* pages) {
  if (Status s = CheckChain(cell); !s.ok()) return s;
  pages->clear();
  PageNo next = cell.overflow;
  // Only the pages are wanted, but each has the number of the next one, so all
  // are read.
  uint64_t read = cell.local.size();
  while (read < cell.payload_bytes) {
    pages->push_back(next);
    PagePin pin;
    if (Status s = ReadOverflow(next, &pin, &next); !s.ok()) return s;
    read += usable_bytes_ - kNextPageBytes;
  }
  return Status::Ok();
}

// --- Trees -------------------------------------------------------------------

Status BtreeReader::AddChildren(const PinnedBtreePage& page, PageSet* pages,
                                std::vector<PageNo>* children) {
  for (uint32_t i = 0; i <= page.page.cell_count(); ++i) {
    PageNo child = page.page.right_child();
    if (i < page.page.cell_count()) {
      BtreeCell cell;
      if (Status s = page.page.Cell(i, &cell); !s.ok()) return s;
      child = cell.child;
    }
    if (child == 0 || child > page_count()) {
      return Damaged("a b-tree refers to a page that is not there", child);
    }
    // This also ends a tree that refers to itself.
    if ((*pages)[child]) return Damaged("a page is in a b-tree twice", child);
    (*pages)[child] = true;
    children->push_back(child);
  }
  return Status::Ok();
}

// Goes level by level: all leaves of a tree are at the same depth, so one page
// tells whether a level has the leaves, and these need not be read.
Status BtreeReader::FindTree(PageNo root, TreePages* tree) {
  TreePages found;
  found.pages.resize(size_t{page_count()} + 1);
  std::vector<PageNo> level;
  if (root != 0) {
    if (root > page_count()) return Damaged("root is not there", root);
    found.pages[root] = true;
    level.push_back(root);
  }
  while (!level.empty()) {
    if (++found.depth > kMaxBtreeDepth) {
      return Damaged("a b-tree is too deep", root);
    }
    // Any page of the level that can be read tells its kind: a damaged leaf is
    // of no concern here.
    PinnedBtreePage page;
    Status read = ReadPage(level[0], &page);
    for (size_t i = 1; i < level.size() && !read.ok(); ++i) {
      read = ReadPage(level[i], &page);
    }
    if (!read.ok()) return read;
    if (page.page.is_leaf()) break;
    std::vector<PageNo> children;
    for (const PageNo pgno : level) {
      if (Status s = ReadPage(pgno, &page); !s.ok()) return s;
      if (page.page.is_leaf()) return Damaged("a leaf is too high", pgno);
      if (Status s = AddChildren(page, &found.pages, &children); !s.ok()) {
        return s;
      }
    }
    level = std::move(children);
  }
  *tree = std::move(found);
  return Status::Ok();
}

// Trunks are a list, each with the numbers of more free pages (section 1.5 "The
// Freelist").
Status BtreeReader::AddFreePages(PageSet* pages) {
  if (page_count() == 0) return Status::Ok();
  if (pages->size() <= page_count()) pages->resize(size_t{page_count()} + 1);
  PageNo trunk = first_free_trunk_;
  // The count ends a damaged list that goes in a circle.
  for (PageNo count = 0; trunk != 0 && count < page_count(); ++count) {
    PagePin pin;
    PageNo next = 0;
    if (Status s = ReadOverflow(trunk, &pin, &next); !s.ok()) return s;
    (*pages)[trunk] = true;
    const char* const bytes = pin->page().data();
    const uint32_t leaves =
        std::min(LoadBig32(bytes + 4), usable_bytes_ / 4 - 2);
    for (uint32_t i = 0; i < leaves; ++i) {
      const PageNo leaf = LoadBig32(bytes + 8 + size_t{4} * i);
      if (leaf < pages->size()) (*pages)[leaf] = true;
    }
    trunk = next;
  }
  if (!has_pointer_map_) return Status::Ok();
  // With auto_vacuum the pages 2, 2 + step, ... map others to their parents;
  // the one that would be the lock page is the page behind it (btree.c
  // ptrmapPageno, 3.40.1).
  const uint64_t step = usable_bytes_ / kPointerMapEntryBytes + 1;
  for (uint64_t pgno = 2; pgno <= page_count(); pgno += step) {
    const bool moved = pgno == LockPage(reader_->snapshot().page_size);
    if (pgno + (moved ? 1 : 0) <= page_count()) {
      (*pages)[pgno + (moved ? 1 : 0)] = true;
    }
  }
  return Status::Ok();
}

// --- BtreeScan ---------------------------------------------------------------

Status BtreeScan::Descend(PageNo pgno) {
  const bool at_leaves = levels_.size() + 1 == tree_->depth;
  if (at_leaves && Has(*skip_, pgno)) return Status::Ok();
  Level level;
  if (Status s = reader_->ReadPage(pgno, &level.at); !s.ok()) return s;
  if (level.at.page.is_leaf() != at_leaves) {
    return Damaged("a b-tree is not balanced", pgno);
  }
  level.skip = Has(*skip_, pgno);
  levels_.push_back(std::move(level));
  return Status::Ok();
}

Status BtreeScan::Step(bool* found, BtreeCell* cell) {
  Level& level = levels_.back();
  const BtreePage& page = level.at.page;
  *found = false;
  if (page.is_leaf()) {
    if (level.next == page.cell_count()) {
      levels_.pop_back();
      return Status::Ok();
    }
    *found = true;
    return page.Cell(level.next++, cell);
  }
  if (!level.descended) {
    BtreeCell before;
    // The child before a row comes before the row; the right child comes after
    // the last one.
    before.child = page.right_child();
    level.descended = true;
    if (level.next < page.cell_count()) {
      if (Status s = page.Cell(level.next, &before); !s.ok()) return s;
    }
    return Descend(before.child);  // `level` is not valid any more
  }
  if (level.next == page.cell_count()) {
    levels_.pop_back();
    return Status::Ok();
  }
  // The row of an interior page of an index lies between two children.
  *found = !page.is_table() && !level.skip;
  level.descended = false;
  return page.Cell(level.next++, cell);
}

Status BtreeScan::Next(bool* found, BtreeCell* cell) {
  if (!begun_) {
    begun_ = true;
    if (root_ != 0) {
      if (Status s = Descend(root_); !s.ok()) return s;
    }
  }
  *found = false;
  while (!*found && !levels_.empty()) {
    if (Status s = Step(found, cell); !s.ok()) return s;
  }
  return Status::Ok();
}

}  // namespace actorkv
