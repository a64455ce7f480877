// What a page looks like: the first byte of a page of a tree (SQLite file
// format, section 1.6), 0 for any other; and whether all its cells can be read.

#ifndef ACTORKV_SQL_SALVAGE_PAGE_LOOK_H_
#define ACTORKV_SQL_SALVAGE_PAGE_LOOK_H_

#include <cstdint>

#include "vfs/sqlite/btree_page.h"

namespace actorkv {

using PageLook = uint8_t;

constexpr PageLook kIndexInterior = 2;
constexpr PageLook kTableInterior = 5;
constexpr PageLook kIndexLeaf = 10;
constexpr PageLook kTableLeaf = 13;
constexpr PageLook kKindMask = 0x7f;
constexpr PageLook kBadCells = 0x80;  // beside the kind: some cannot be read

inline PageLook KindOf(PageLook look) { return look & kKindMask; }

inline bool IsLeaf(PageLook look) {
  return KindOf(look) == kTableLeaf || KindOf(look) == kIndexLeaf;
}

inline bool IsTable(PageLook look) {
  return KindOf(look) == kTableLeaf || KindOf(look) == kTableInterior;
}

inline PageLook LookOf(const BtreePage& page) {
  if (page.is_table()) return page.is_leaf() ? kTableLeaf : kTableInterior;
  return page.is_leaf() ? kIndexLeaf : kIndexInterior;
}

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_PAGE_LOOK_H_
