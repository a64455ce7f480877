#include "vfs/sqlite/btree_page.h"

#include <string>

#include "kv/base/coding.h"
#include "kv/format/database_header.h"

namespace actorkv {

namespace {

constexpr uint8_t kIndexInterior = 2;
constexpr uint8_t kTableInterior = 5;
constexpr uint8_t kIndexLeaf = 10;
constexpr uint8_t kTableLeaf = 13;

constexpr size_t kLeafHeaderBytes = 8;
constexpr size_t kInteriorHeaderBytes = 12;

uint32_t LoadBig16(const char* bytes) {
  return uint32_t{static_cast<uint8_t>(bytes[0])} << 8 |
         static_cast<uint8_t>(bytes[1]);
}

// Returns how much of a payload is on its page (section 1.6, "P", "X", "M" and
// "K").
uint64_t LocalBytes(uint64_t payload, uint64_t usable, bool is_table) {
  const uint64_t least = (usable - 12) * 32 / 255 - 23;
  const uint64_t most = is_table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
  if (payload <= most) return payload;
  const uint64_t wanted = least + (payload - least) % (usable - 4);
  return wanted <= most ? wanted : least;
}

}  // namespace

bool TakeVarint(std::string_view* bytes, uint64_t* value) {
  uint64_t taken = 0;
  for (size_t i = 0; i < 9 && i < bytes->size(); ++i) {
    const auto byte = static_cast<uint8_t>((*bytes)[i]);
    // The ninth byte of a varint has all its eight bits.
    if (i == 8) {
      taken = taken << 8 | byte;
    } else {
      taken = taken << 7 | (byte & 0x7f);
    }
    if (i == 8 || byte < 0x80) {
      bytes->remove_prefix(i + 1);
      *value = taken;
      return true;
    }
  }
  return false;
}

Status BtreePage::Damaged(const char* what) const {
  return Status::Corruption("b-tree page damaged, " + std::string(what) +
                            ": pgno=" + std::to_string(pgno_));
}

Status BtreePage::Parse(PageNo pgno, std::string_view page,
                        uint32_t usable_bytes, BtreePage* parsed) {
  BtreePage made;
  made.pgno_ = pgno;
  // The header of the database stands before the b-tree page 1.
  const size_t at = pgno == 1 ? kHeaderBytes : 0;
  // 480 is the least usable size that the file format allows.
  if (usable_bytes > page.size() || usable_bytes < 480) {
    return made.Damaged("usable size");
  }
  made.page_ = page.substr(0, usable_bytes);
  made.usable_bytes_ = usable_bytes;
  const auto kind = static_cast<uint8_t>(page[at]);
  if (kind != kIndexInterior && kind != kTableInterior && kind != kIndexLeaf &&
      kind != kTableLeaf) {
    return made.Damaged("no such kind of page");
  }
  made.is_leaf_ = kind == kIndexLeaf || kind == kTableLeaf;
  made.is_table_ = kind == kTableInterior || kind == kTableLeaf;
  made.cell_count_ = LoadBig16(page.data() + at + 3);
  made.cells_offset_ =
      at + (made.is_leaf_ ? kLeafHeaderBytes : kInteriorHeaderBytes);
  // Every offset that Cell() reads lies in the page after this.
  if (made.cells_offset_ + size_t{2} * made.cell_count_ > usable_bytes) {
    return made.Damaged("cell count");
  }
  if (!made.is_leaf_) made.right_child_ = LoadBig32(page.data() + at + 8);
  *parsed = made;
  return Status::Ok();
}

Status BtreePage::Cell(uint32_t index, BtreeCell* cell) const {
  // Cells lie anywhere on the page; the list behind the header has them in
  // order of their keys.
  const size_t offset =
      LoadBig16(page_.data() + cells_offset_ + size_t{2} * index);
  // A cell that overlaps the header or the list of offsets is none.
  if (offset < cells_offset_ + size_t{2} * cell_count_ ||
      offset >= page_.size()) {
    return Damaged("offset of a cell");
  }
  std::string_view rest = page_.substr(offset);
  BtreeCell made;
  if (!is_leaf_) {
    if (rest.size() < 4) return Damaged("child of a cell");
    made.child = LoadBig32(rest.data());
    rest.remove_prefix(4);
  }
  // Interior pages of a table have keys alone (section 1.6): the rows are on
  // its leaves.
  const bool has_payload = is_leaf_ || !is_table_;
  if (has_payload && !TakeVarint(&rest, &made.payload_bytes)) {
    return Damaged("payload size");
  }
  uint64_t rowid = 0;
  if (is_table_ && !TakeVarint(&rest, &rowid)) return Damaged("rowid");
  made.rowid = static_cast<int64_t>(rowid);
  if (has_payload) {
    const uint64_t local =
        LocalBytes(made.payload_bytes, usable_bytes_, is_table_);
    const bool overflows = local < made.payload_bytes;
    // The number of the first overflow page stands right behind the part that
    // is here.
    if (local + (overflows ? 4 : 0) > rest.size()) return Damaged("payload");
    made.local = rest.substr(0, local);
    if (overflows) made.overflow = LoadBig32(rest.data() + local);
  }
  *cell = made;
  return Status::Ok();
}

}  // namespace actorkv
