// The main function of all tests that use SQLite: every connection they open
// has actorkv, from the same objects as the module.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdio>

#include "ext/actorkv.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);

  sqlite3_auto_extension(reinterpret_cast<void (*)()>(sqlite3_actorkv_init));

  // The first connection registers the VFS with the process.
  sqlite3* db = nullptr;
  if (int code = sqlite3_open(":memory:", &db); code != SQLITE_OK) {
    std::fprintf(stderr, "actorkv did not register: %s\n", sqlite3_errmsg(db));
    return 1;
  }
  sqlite3_close(db);
  return RUN_ALL_TESTS();
}
