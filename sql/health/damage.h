// DamageReport says what a damaged page of a database is part of, and what can
// be read without it.

#ifndef ACTORKV_SQL_HEALTH_DAMAGE_H_
#define ACTORKV_SQL_HEALTH_DAMAGE_H_

#include <string>
#include <vector>

#include "sql/history/btree_reader.h"
#include "sql/history/version.h"

namespace actorkv {

class DamageReport {
 public:
  // Both must outlive it.
  DamageReport(const Target& target, const VersionSource& source)
      : target_(target), source_(source), reader_(source) {}

  // Reads the schema and the interior pages of all trees, as far as they can be
  // read; to be called first.
  void Load();

  // Says what the page is part of, and what that means. 0: no page in
  // particular.
  std::string Salvage(PageNo pgno) const;

 private:
  struct Tree {
    SchemaItem item;
    TreePages pages;
    bool complete = false;
  };

  const Target& target_;
  const VersionSource& source_;
  BtreeReader reader_;
  bool has_schema_ = false;
  std::vector<Tree> trees_;
  PageSet free_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_HEALTH_DAMAGE_H_
