#include "sql/health/damage.h"

#include <utility>

namespace actorkv {

void DamageReport::Load() {
  Database db;
  std::vector<SchemaItem> items;
  // Nothing here is an error: it is advice about a database that is damaged,
  // and what cannot be read makes the advice shorter.
  if (!reader_.Open().ok()) return;
  // A list of free pages that is damaged gives those that were found before.
  static_cast<void>(reader_.AddFreePages(&free_).ok());
  if (!OpenVersion(target_, *source_.version, &db).ok()) return;
  if (!ReadSchema(db.get(), &items).ok()) return;
  has_schema_ = true;
  for (SchemaItem& item : items) {
    // Views, triggers and virtual tables have no pages.
    if (item.root == 0) continue;
    Tree tree;
    // A tree that cannot be followed to its end has the pages that were found:
    // a page that is in none of the others may be in it.
    tree.complete = reader_.FindTree(item.root, &tree.pages).ok();
    tree.item = std::move(item);
    trees_.push_back(std::move(tree));
  }
}

std::string DamageReport::Salvage(PageNo pgno) const {
  if (!has_schema_) {
    return "the schema cannot be read, so no table can: restore, or save the "
           "rows "
           "of no known table";
  }
  if (pgno == 0) return "every table can be tried; restore what fails";
  if (Has(free_, pgno)) {
    return "the page is free: every row can be read";
  }
  std::string broken;
  for (const Tree& tree : trees_) {
    const std::string name = tree.item.type + " " + tree.item.name;
    if (!tree.complete) {
      broken += (broken.empty() ? "" : ", ") + name;
      continue;
    }
    if (!Has(tree.pages.pages, pgno)) continue;
    if (tree.item.type == "index") {
      return "part of " + name + ": no row is lost, read " + tree.item.table +
             " with NOT INDEXED";
    }
    return "part of " + name + ", one of " +
           std::to_string(CountPages(tree.pages.pages)) +
           " pages: the rows on the others can be read, by ranges of the key";
  }
  if (!broken.empty()) {
    return "part of one of these, whose pages cannot all be found: " + broken +
           "; other tables can be read";
  }
  return "part of a long row (overflow): every other row can be read";
}

}  // namespace actorkv
