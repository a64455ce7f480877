// The known bugs of versions of SQLite, as far as they can damage a database.

#ifndef ACTORKV_SQL_ACTORS_KNOWN_BUGS_H_
#define ACTORKV_SQL_ACTORS_KNOWN_BUGS_H_

#include <vector>

namespace actorkv {

struct KnownBug {
  const char* name;
  const char* text;  // what it is, whether it reaches actors, what to do
};

// Returns the bugs of this version (SQLITE_VERSION_NUMBER).
std::vector<KnownBug> KnownBugsOf(int version);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_KNOWN_BUGS_H_
