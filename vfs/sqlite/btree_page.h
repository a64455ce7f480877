// BtreePage: one page of a b-tree of a database (SQLite database file format,
// section 1.6 "B-tree Pages").
//
//   offset  bytes  field                                (page 1: from 100 on)
//        0      1  kind: 2, 5 interior and 10, 13 leaf of an index, a table
//        3      2  cell count
//        8      4  interior: the rightmost child
//   8 or 12    2n  offsets of the cells, in the order of their keys
//
//   cell of a     child(4)  payload size  rowid   payload  overflow page(4)
//   table leaf              varint        varint  *        where it is longer
//   table interior    *                   varint
//   index leaf              varint                *        where it is longer
//   index interior    *     varint                *        where it is longer
//
// Nothing on the page is trusted: every offset and size is checked, and what
// is wrong is kCorruption that names the page.

#ifndef ACTORKV_VFS_SQLITE_BTREE_PAGE_H_
#define ACTORKV_VFS_SQLITE_BTREE_PAGE_H_

#include <cstdint>
#include <string_view>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

struct BtreeCell {
  PageNo child = 0;            // the subtree before it; interior pages only
  int64_t rowid = 0;           // tables only
  uint64_t payload_bytes = 0;  // all of the row
  std::string_view local;      // the part of it on this page
  PageNo overflow = 0;         // where the rest begins; 0: no rest
};

class BtreePage {
 public:
  // `page` is the whole page and must outlive it; `usable_bytes` of it are
  // SQLite's.
  static Status Parse(PageNo pgno, std::string_view page, uint32_t usable_bytes,
                      BtreePage* parsed);

  bool is_leaf() const { return is_leaf_; }
  bool is_table() const { return is_table_; }
  uint32_t cell_count() const { return cell_count_; }
  PageNo right_child() const { return right_child_; }  // 0 on a leaf

  // REQUIRES: index < cell_count().
  Status Cell(uint32_t index, BtreeCell* cell) const;

 private:
  Status Damaged(const char* what) const;

  PageNo pgno_ = 0;
  std::string_view page_;
  uint32_t usable_bytes_ = 0;
  size_t cells_offset_ = 0;  // where the offsets of the cells begin
  uint32_t cell_count_ = 0;
  PageNo right_child_ = 0;
  bool is_leaf_ = false;
  bool is_table_ = false;
};

// Takes a varint of SQLite, 1 to 9 bytes, off the front of *bytes. False when
// it does not end there.
bool TakeVarint(std::string_view* bytes, uint64_t* value);

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_BTREE_PAGE_H_
