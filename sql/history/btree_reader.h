// Reads the b-trees of one version of a database, without SQLite: to find the
// rows that differ between two versions, and what a damaged page is part of.
//
// It reads what SQLite wrote and trusts nothing of it. Errors are kCorruption,
// naming the page.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_SQL_HISTORY_BTREE_READER_H_
#define ACTORKV_SQL_HISTORY_BTREE_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/base/work_meter.h"
#include "kv/history/page_changes.h"
#include "vfs/sqlite/btree_page.h"

namespace actorkv {

constexpr size_t kMaxBtreeDepth = 20;  // BTCURSOR_MAX_DEPTH of SQLite 3.40.1

// A page of a b-tree, in memory that stays.
struct PinnedBtreePage {
  PagePin pin;
  BtreePage page;
};

// The pages of one tree but those of overflow.
struct TreePages {
  size_t depth = 0;  // of the leaves; the root is at 1. 0: no tree
  PageSet pages;
};

class BtreeReader {
 public:
  explicit BtreeReader(const VersionSource& source);

  // Reads the header of the database; to be called first. A database without
  // pages is ok.
  Status Open();

  // Pages of `twin`, another version, that are not in `changed` are the same
  // in this one, and are read there from now on: it may have them in memory.
  // Both must outlive this reader.
  void ShareWith(BtreeReader* twin, const PageSet* changed) {
    twin_ = twin;
    changed_ = changed;
  }

  // Has the pages that are read added to a meter, which outlives this reader.
  void ShowIn(WorkMeter* work) { work_ = work; }

  PageNo page_count() const { return reader_->snapshot().page_count; }
  // Returns the encoding of its text: SQLITE_UTF8, SQLITE_UTF16LE or
  // SQLITE_UTF16BE.
  int encoding() const { return encoding_; }

  Status ReadPage(PageNo pgno, PinnedBtreePage* page);

  // Reads the whole payload of a cell. REQUIRES: the cell has one.
  Status ReadPayload(const BtreeCell& cell, std::string* payload);

  // Finds the pages on which the part of the payload lies that is not local, in
  // order.
  Status FindOverflow(const BtreeCell& cell, std::vector<PageNo>* pages);

  // Finds every page of the tree at `root`, of which only the interior ones are
  // read. 0 is the tree without pages.
  Status FindTree(PageNo root, TreePages* tree);

  // Adds the pages that are free, and those that map pages to their parents
  // (auto_vacuum), to the set.
  Status AddFreePages(PageSet* pages);

 private:
  Status PinPage(PageNo pgno, PagePin* pin);
  Status ReadOverflow(PageNo pgno, PagePin* pin, PageNo* next);
  Status CheckChain(const BtreeCell& cell) const;
  Status AddChildren(const PinnedBtreePage& page, PageSet* pages,
                     std::vector<PageNo>* children);

  const std::unique_ptr<BranchReader> reader_;
  WorkMeter* work_ = nullptr;
  BtreeReader* twin_ = nullptr;
  const PageSet* changed_ = nullptr;
  uint32_t usable_bytes_ = 0;
  int encoding_ = 0;
  PageNo first_free_trunk_ = 0;
  bool has_pointer_map_ = false;
};

// BtreeScan goes through the rows of one tree, in the order of their keys.
class BtreeScan {
 public:
  // Passes over the rows on pages of `skip`; leaves among them are not read.
  // All must outlive it. REQUIRES: `tree` is the tree at `root`.
  BtreeScan(BtreeReader* reader, PageNo root, const TreePages* tree,
            const PageSet* skip)
      : reader_(reader), root_(root), tree_(tree), skip_(skip) {}

  // Goes to the next row. The cell's memory stays until the next call.
  Status Next(bool* found, BtreeCell* cell);

 private:
  struct Level {
    PinnedBtreePage at;
    uint32_t next = 0;       // cell
    bool descended = false;  // into the child of that cell
    bool skip = false;
  };

  Status Descend(PageNo pgno);
  // Takes a row of the innermost level; *found is false where that has none
  // now.
  Status Step(bool* found, BtreeCell* cell);

  BtreeReader* const reader_;
  const PageNo root_;
  const TreePages* const tree_;
  const PageSet* const skip_;
  std::vector<Level> levels_;
  bool begun_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_BTREE_READER_H_
