#include "vfs/sqlite/synchronous.h"

#include <charconv>
#include <cstring>

#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

namespace {

struct Word {
  const char* text;
  int level;
};

constexpr Word kWords[] = {{"off", 0},    {"no", 0},   {"false", 0},
                           {"on", 1},     {"yes", 1},  {"true", 1},
                           {"normal", 1}, {"full", 2}, {"extra", 3}};

}  // namespace

// The words and numbers are read as SQLite reads them (pragma.c getSafetyLevel,
// 3.40.1): the VFS has to know what the pager will do.
int ParseSynchronous(const char* value) {
  if (*value >= '0' && *value <= '9') {
    // SQLite takes the low byte of the number (of 0 where it is too large),
    // keeps it in three bits, plus one, and takes what falls out for OFF.
    int number = 0;
    (void)std::from_chars(value, value + std::strlen(value), number);
    const int masked = (number % 256 + 1) & 7;
    return masked == 0 ? 0 : masked - 1;
  }
  for (const Word& word : kWords) {
    if (sqlite3_stricmp(value, word.text) == 0) return word.level;
  }
  // NORMAL stands for any other word.
  return 1;
}

}  // namespace actorkv
