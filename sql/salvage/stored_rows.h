// StoredRows: the rows of a damaged database as they are stored, page by page,
// whole or as much of them as is there.
//
// Nothing that a page says is trusted. Belongs to one thread at a time.

#ifndef ACTORKV_SQL_SALVAGE_STORED_ROWS_H_
#define ACTORKV_SQL_SALVAGE_STORED_ROWS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "sql/history/row_format.h"
#include "sql/salvage/row_shape.h"
#include "sql/salvage/salvage_pages.h"
#include "vfs/sqlite/btree_page.h"

namespace actorkv {

enum class TextEncoding : uint8_t { kUtf8 = 1, kUtf16Le = 2, kUtf16Be = 3 };

// A page of a tree, in memory of its own.
struct SalvagedPage {
  std::string bytes;
  BtreePage page;
};

class StoredRows {
 public:
  // `pages` must outlive it.
  explicit StoredRows(SalvagePages* pages) : pages_(pages) {}

  // Reads what page 1 says of all pages; to be called first. Where it is lost,
  // no bytes of a page are taken to be reserved, and text to be UTF-8.
  Status Open();

  // Returns false where page 1 is lost.
  bool has_header() const { return has_header_; }
  uint32_t usable_bytes() const { return usable_bytes_; }
  PageNo first_free_trunk() const { return first_free_trunk_; }
  bool has_pointer_map() const { return has_pointer_map_; }
  TextEncoding encoding() const { return encoding_; }
  void set_encoding(TextEncoding encoding) { encoding_ = encoding; }

  // Reads a page of a tree. *found is false where it is none, or not sound.
  Status ReadPage(PageNo pgno, SalvagedPage* page, bool* found);

  // Reads the payload of a cell, as much of it as is there: `may_follow` says
  // whether a page can be a part of it, so that another one that came to its
  // place is not. Errors: those of SalvagePages.
  Status ReadPayload(const BtreeCell& cell,
                     const std::function<bool(PageNo)>& may_follow,
                     std::string* payload);

  // Returns text of the database as UTF-8, or as it is where it is not text.
  std::string Utf8Of(std::string_view text) const;

  // Makes the row a JSON object; an array where `shape` is null. *json is empty
  // where not even the header of the row is there.
  void MakeJson(const RowShape* shape, int64_t rowid, std::string_view payload,
                std::string* json) const;

 private:
  std::string ValueJson(const CutValue& value, bool is_real) const;

  SalvagePages* const pages_;
  bool has_header_ = false;
  uint32_t usable_bytes_ = 0;
  PageNo first_free_trunk_ = 0;
  bool has_pointer_map_ = false;
  TextEncoding encoding_ = TextEncoding::kUtf8;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_STORED_ROWS_H_
