// Finds the rows in which two versions of a database differ by their pages:
// rows on pages that both versions share are not read.
//
// SQLite changes pages in place, so a page of a tree can change and the pages
// above it stay. So the interior pages of the trees are read, of which there
// is one for some hundred leaves, each once where both versions share it; and
// of the leaves those that differ.
//
// Rows are compared as they are stored: the column that ALTER TABLE ADD COLUMN
// gives to old rows is no difference.

#ifndef ACTORKV_SQL_HISTORY_VERSION_DIFF_H_
#define ACTORKV_SQL_HISTORY_VERSION_DIFF_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sql/history/btree_reader.h"

namespace actorkv {

// The rows of the older version of a table WITHOUT ROWID that may have changed
// are kept in memory, up to this: their keys and a hash each.
constexpr size_t kMaxKeptRowBytes = size_t{256} << 20;

// VersionPair has what is common to all tables of two versions.
class VersionPair {
 public:
  VersionPair(const VersionSource& from, const VersionSource& to)
      : from_source_(from), to_source_(to), from_(from), to_(to) {}

  // Finds the pages that differ; to be called first. Errors: those of
  // FindChangedPages().
  Status Open(const std::function<Status()>& keep_on);

  // Notes that the pages of this tree, of any table or index, are no overflow.
  // REQUIRES: Open() was ok. It must be called for every tree of both versions,
  // before the first diff.
  Status AddTree(bool is_from, PageNo root);

  BtreeReader* from() { return &from_; }
  BtreeReader* to() { return &to_; }
  const PageSet& changed() const { return changed_; }

  // Finds the pages, in both trees, whose rows are the same in both versions.
  Status FindCommon(const TreePages& from, const TreePages& to,
                    PageSet* common);

 private:
  Status DropOwned();
  Status ForgetOverflow(const BtreePage& page);
  Status DropOverwritten(PageNo pgno, PageSet* common);

  const VersionSource from_source_;
  const VersionSource to_source_;
  BtreeReader from_;
  BtreeReader to_;
  PageSet changed_;
  // These pages changed and are neither in a tree nor free in either version:
  // they are overflow in both, which SQLite may have written over in place
  // (btreeOverwriteContent of SQLite 3.40.1). Once owned_known_, those of rows
  // on changed pages are not among them.
  PageSet overwritten_;
  PageSet to_trees_;  // all pages of trees of the newer version
  bool owned_known_ = false;
};

enum class RowChange { kInsert, kDelete, kUpdate };

struct ChangedRow {
  RowChange change = RowChange::kInsert;
  int64_t rowid = 0;
  std::string key;  // WITHOUT ROWID: see BeginningOf()
};

// TableTrees says which trees of the versions are compared.
struct TableTrees {
  PageNo from_root = 0;  // 0: the version has no such table
  PageNo to_root = 0;
  size_t key_columns = 0;  // 0: a rowid table
};

class TableDiff {
 public:
  TableDiff(VersionPair* pair, const TableTrees& trees)
      : pair_(pair), trees_(trees) {}

  // Finds the trees; to be called first.
  Status Open();

  // Finds the next row that differs, in the order of rowids; in a table WITHOUT
  // ROWID those that the newer version has come first, then those that it has
  // not. *found is false after the last. Errors: kCorruption; kNotSupported
  // past kMaxKeptRowBytes.
  Status Next(bool* found, ChangedRow* row);

 private:
  struct Side {
    BtreeReader* reader = nullptr;
    TreePages tree;
    std::unique_ptr<BtreeScan> scan;
    bool found = false;
    bool wanted = true;  // go to the next cell first
    BtreeCell cell;
  };

  static Status Fetch(Side* side);
  Status SamePayload(bool* same);
  Status NextByRowid(bool* found, ChangedRow* row);
  Status KeepOldRows();
  Status KeyOf(const Side& side, std::string* key, uint64_t* hash);
  Status NextByKey(bool* found, ChangedRow* row);

  VersionPair* const pair_;
  const TableTrees trees_;
  PageSet common_;
  Side from_;
  Side to_;
  std::unordered_map<std::string, uint64_t> old_rows_;  // key to hash
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_VERSION_DIFF_H_
