// Notebook: what a writer of one actor does until it is killed, and the oracle
// that looks at what is left.
//
// The writer adds notes 1, 2, 3 ..., each with a text that follows from its
// number. Now and then the same transaction rewrites a large table with that
// number (more than a transaction keeps in memory, so it is staged), vacuums,
// or changes the page size. So the oracle can tell from the content alone
// which commit it sees, and whether it sees all of it.

#ifndef ACTORKV_TESTS_CRASH_NOTEBOOK_H_
#define ACTORKV_TESTS_CRASH_NOTEBOOK_H_

#include <cstdint>
#include <string>

#include "tests/support/crash_life.h"

namespace actorkv {

// The child: writes until it is killed.
void WriteNotes(const LifePlan& plan);

// The number of notes, which are 1..n without a gap. Fails the test when
// anything but a whole commit is seen. 0 also when the actor does not exist.
int64_t CheckNotes(const std::string& store);

// Checks that what `life` acknowledged is there, and at most the commit that
// was under way more; `before` notes were there before it. Returns what is
// there.
int64_t CheckNothingLost(const LifePlan& plan, const Life& life,
                         int64_t before);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_CRASH_NOTEBOOK_H_
