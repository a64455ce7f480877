// What crash and fault tests share: the life of a writer in a process of its
// own, from its start to its kill, and the power loss that may follow.
//
// The child reports by single bytes: kSaysBegan when it is about to write,
// kSaysCommitted after each COMMIT that added to what it counts, kSaysDone
// after other work that returned, kSaysFailed when anything failed that should
// not. What it wrote into the pipe outlives it, so the parent knows after the
// kill what was acknowledged.

#ifndef ACTORKV_TESTS_SUPPORT_CRASH_LIFE_H_
#define ACTORKV_TESTS_SUPPORT_CRASH_LIFE_H_

#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {

constexpr char kSaysBegan = 'b';
constexpr char kSaysCommitted = 'c';
constexpr char kSaysDone = 'd';
constexpr char kSaysFailed = 'x';

// What a child is told. No text in it has a newline.
struct LifePlan {
  std::string store;
  std::string ledger;  // of the file system that knows syncs; empty: none
  std::string synchronous = "FULL";
  std::string kind;  // for the child's test: what to do
  uint64_t seed = 0;
  bool direct_io = true;  // else the file system that knows syncs refuses it
};

// What is known of a life after its end.
struct Life {
  bool began = false;
  int64_t committed_count = 0;
  int64_t done_count = 0;
  bool failed = false;
};

// Runs the test `child` ("Suite.DISABLED_Name") in its own process, kills it
// at a random moment, and applies the power loss when the plan has a ledger.
Life LiveAndDie(const std::string& child, const LifePlan& plan,
                std::mt19937_64* rng);

// As above, but the kill comes after `acknowledged` reports.
Life LiveUntil(const std::string& child, const LifePlan& plan,
               int64_t acknowledged);

// Lives on the same store, one after the other; now and then a new store.
struct LifeSeries {
  std::string child;   // as above
  LifePlan plan;       // but for what each store and each life has of its own
  uint64_t lives = 0;  // fewer where every step is ten times slower
  bool loses_power = false;
  bool mixes_synchronous = false;  // FULL or NORMAL, another in each life
};

// Looks at the store after a life, and returns how many commits it has;
// `before` were there before that life.
using LifeCheck = std::function<int64_t(const LifePlan& plan, const Life& life,
                                        int64_t before)>;

// Until the series ends or a check fails the test. Returns the number of
// commits in all stores.
int64_t LiveAgainAndAgain(const LifeSeries& series, const LifeCheck& check);

// In the child: the plan, with the ledger's file system put in place.
LifePlan BeginLife();

// In the child: runs `sql`, and reports kSaysFailed and leaves on an error.
void MustRun(SqliteDb* db, const std::string& sql);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_CRASH_LIFE_H_
