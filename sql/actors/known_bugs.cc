#include "sql/actors/known_bugs.h"

#include <initializer_list>

namespace actorkv {

namespace {

struct Range {
  int first;
  int fixed;  // the first version without the bug
};

struct Entry {
  KnownBug bug;
  // A fix that was carried back to older branches leaves several ranges.
  std::initializer_list<Range> ranges;
};

}  // namespace

std::vector<KnownBug> KnownBugsOf(int version) {
  static const Entry kEntries[] = {
      // https://sqlite.org/wal.html#walresetbug: all versions with a WAL up to
      // 3.51.2; fixed in 3.51.3, and on branches in 3.44.6 and 3.50.7.
      {{"wal_reset_bug",
        "a plain file in WAL mode can be damaged when several connections "
        "write and checkpoint it at once; actors have no WAL. Fixed in SQLite "
        "3.51.3, 3.50.7 and 3.44.6: https://sqlite.org/wal.html#walresetbug"},
       {{3007000, 3044006}, {3045000, 3050007}, {3051000, 3051003}}},
      // https://sqlite.org/releaselog/3_35_5.html
      {{"drop_column_bug",
        "ALTER TABLE DROP COLUMN can damage a database, an actor as well. "
        "Fixed in SQLite 3.35.5: https://sqlite.org/releaselog/3_35_5.html"},
       {{3035000, 3035005}}},
  };
  std::vector<KnownBug> found;
  for (const Entry& entry : kEntries) {
    for (const Range& range : entry.ranges) {
      if (version >= range.first && version < range.fixed) {
        found.push_back(entry.bug);
      }
    }
  }
  return found;
}

}  // namespace actorkv
