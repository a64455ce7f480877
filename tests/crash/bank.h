// Bank: transactions over three attached actors until the writer is killed,
// and the oracle. Each moves money between two of the actors and counts in all
// three; some also rewrite a large table in one of them, so that one part of
// the transaction is staged. The sum of all money never changes, and the three
// counts are equal: anything else is a torn transaction.
//
// SQLite commits over several databases in two ways, by what `main` is
// (vfs/actor/commit_group.h): with a super-journal under an actor, without one
// under a database in memory. LifePlan::kind chooses.

#ifndef ACTORKV_TESTS_CRASH_BANK_H_
#define ACTORKV_TESTS_CRASH_BANK_H_

#include <cstdint>
#include <string>

#include "tests/support/crash_life.h"

namespace actorkv {

constexpr char kMainIsActor[] = "actor";
constexpr char kMainIsMemory[] = "memory";

// The child: makes the bank where there is none, then transfers until it is
// killed.
void TransferMoney(const LifePlan& plan);

// The number of transactions there were, from 1 (its founding). 0: no bank.
// Fails the test when the actors are not of one transaction.
int64_t CheckBank(const LifePlan& plan);

// As CheckNothingLost() in tests/crash/notebook.h.
int64_t CheckNoTransferLost(const LifePlan& plan, const Life& life,
                            int64_t before);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_CRASH_BANK_H_
