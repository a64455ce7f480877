// PageMap: what each page of a damaged database is part of.
//
// It reads every page once, and some twice, and goes down what is left:
//  1. The list of free pages, as far as it goes.
//  2. The trees, from their roots: first the schema, then what that names.
//  Where
//     an interior page or a root is lost, so is the way to the pages below it.
//     Such a place is a gap: of a table with rowids it is known between which.
//  3. The chains of overflow pages, from the rows that have them.
//  4. Sound pages of trees to which nothing leads are matched with the gaps: by
//     the kind of page, the number of values in a row, and the rowids. A page
//     that fits the gaps of one table is taken for that table's; one that fits
//     those of several is nobody's. Rows of the schema tell themselves.
//
// Invariants:
//  1. A page has one part, the first that it was found for. So whatever a
//     damaged page says, the work comes to an end.
//  2. Memory: 9 bytes for each page, 8 for each row that overflows, and a
//     description of each table and index.
//
// It knows neither SQLite nor a store.

#ifndef ACTORKV_SQL_SALVAGE_PAGE_MAP_H_
#define ACTORKV_SQL_SALVAGE_PAGE_MAP_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sql/salvage/page_look.h"
#include "sql/salvage/row_shape.h"
#include "sql/salvage/stored_rows.h"

namespace actorkv {

enum class PageUse : uint8_t {
  kUnknown = 0,
  kTree = 1,
  kOverflow = 2,
  kFree = 3,        // on the list of free pages
  kPointerMap = 4,  // of auto_vacuum
  kLock = 5,
};

constexpr uint32_t kNoTree = 0xffffff;  // and the most trees that are known

struct PagePart {
  PageUse use = PageUse::kUnknown;
  uint32_t tree = kNoTree;  // among PageMap::trees()
  // False where it is missing or damaged, or where some of it cannot be read as
  // what it is part of.
  bool is_readable = true;
  // False where nothing leads to it, and it was told by what it looks like.
  bool is_reached = false;
};

// Gap: where the pages below a page of a tree cannot be found by it.
struct Gap {
  uint32_t tree = 0;
  int64_t least_rowid = 0;
  int64_t most_rowid = 0;
};

struct SalvageTree {
  StoredItem item;
  bool is_table = true;     // with rowids; false: index, or WITHOUT ROWID
  bool kind_known = false;  // is_table is
  bool shape_asked = false;
  bool has_shape = false;
  RowShape shape;
};

class PageMap {
 public:
  // Both must outlive it.
  PageMap(SalvagePages* pages, ShapeReader read_shape)
      : pages_(pages), reader_(pages), read_shape_(std::move(read_shape)) {}

  // Reads the database; to be called first. Errors: those of SalvagePages.
  Status Build();

  // These ask what was found. REQUIRES: Build() was ok.
  //
  // The first one is the schema table.
  const std::vector<SalvageTree>& trees() const { return trees_; }
  PagePart PartOf(PageNo pgno) const;
  // Returns true for a page that has rows, as far as it can be read.
  bool HasRows(PageNo pgno) const;
  // Returns how the rows of a tree are stored; null where its SQL is lost or
  // not understood.
  const RowShape* ShapeOf(uint32_t index);

  SalvagePages* pages() const { return pages_; }
  StoredRows* rows() { return &reader_; }

 private:
  struct Visit {
    PageNo pgno;
    size_t depth;  // of the root 1
    int64_t least_rowid;
    int64_t most_rowid;
  };
  // A row, by its page, that goes on at another page.
  struct Chain {
    PageNo pgno;
    PageNo first;
  };
  // The rows of a page to which nothing leads.
  struct Stray {
    bool is_leaf = false;
    bool is_table = false;
    bool has_rowids = false;  // the two that follow are there
    int64_t least_rowid = 0;
    int64_t most_rowid = 0;
    size_t most_values = 0;  // in a row; 0: not known
  };

  Status KeepOn();
  bool IsPage(PageNo pgno) const;
  bool IsFresh(PageNo pgno) const;  // a page that has no part yet
  bool IsStray(PageNo pgno) const;
  bool HasGap(uint32_t tree) const;
  void Take(PageNo pgno, PageUse use, uint32_t tree, bool is_reached);

  Status ReadFreeList();
  void TakePointerMap();
  Status ReadAll();
  void LookAt(PageNo pgno, const std::string& page);

  Status Walk(uint32_t tree);
  bool IsOfKind(uint32_t index, PageLook look);
  Status Descend(const Visit& visit, std::vector<Visit>* next);

  Status ReadSchema();
  Status ReadStraySchema();
  Status ReadItems(PageNo pgno, std::vector<StoredItem>* items, bool* all_fit);
  bool ParseItem(const std::vector<CutValue>& values, StoredItem* item);
  void AddTree(StoredItem item);
  Status WalkFrom(size_t first);

  void TakeChains(bool of_reached);
  Status TakeStrays();
  Status LookAtStray(PageNo pgno, Stray* stray);
  uint32_t FindTreeOf(const Stray& stray);
  bool Fits(const Stray& stray, const Gap& gap, bool exactly);

  SalvagePages* const pages_;
  StoredRows reader_;
  const ShapeReader read_shape_;
  uint32_t looks_ = 0;  // for KeepOn()
  std::vector<SalvageTree> trees_;
  std::vector<Gap> gaps_;
  bool free_list_is_whole_ = false;
  std::vector<uint32_t> parts_;  // by page: use, flags and tree
  std::vector<PageLook> look_;   // by page
  std::vector<PageNo> next_;     // by page: as an overflow page, the next one
  std::vector<Chain> chains_;
};

// Says what a page is part of: "table note", "index i", "overflow of table
// note", "schema", "free list", "pointer map", "overflow" or "unknown".
std::string PartText(const PageMap& map, const PagePart& part);

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_PAGE_MAP_H_
