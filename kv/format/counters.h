// Two counters of a SQLite database tell its versions apart: the change
// counter, by which a pager knows that its pages are stale, and the schema
// cookie, by which a connection knows that its schema is (SQLite database file
// format, section 1.3 "The Database Header": "File change counter", "Schema
// cookie"). SQLite asks only whether they differ, so that a value that comes a
// second time, with other pages or another schema, gives wrong rows without an
// error.
//
// Invariants, which vfs/actor/transaction.h and kv/history/restore.h keep with
// these:
//  1. A counter of an actor only goes up, and so do those of all actors that a
//     name has had one after the other, where the name is in the catalog.
//  2. It goes up by one, or to a value that was asked for up to
//     kMaxGivenCounter. So it is at most the larger of kUnknownCounter and the
//     actor's floor, plus the txid of the head, which goes up with every
//     commit as well: that bounds the counter of a page 1 that is damaged.

#ifndef ACTORKV_KV_FORMAT_COUNTERS_H_
#define ACTORKV_KV_FORMAT_COUNTERS_H_

#include <cstdint>

#include "kv/base/types.h"

namespace actorkv {

// The largest value that is taken because somebody asked for it, as `PRAGMA
// schema_version = N` and an imported file do. Above it there is room to count.
constexpr uint32_t kMaxGivenCounter = uint32_t{1} << 29;

// A value above any that counting from kMaxGivenCounter can have reached.
constexpr uint32_t kUnknownCounter = uint32_t{1} << 30;

// Returns the next value above `floor`: `given`, where that is above it and not
// above kMaxGivenCounter.
uint32_t NextCounter(uint32_t given, uint32_t floor);

// Returns a bound of the counters of an actor that began above `floor` and
// whose head is `txid`; TxId{}: that is not known either, and then the actor
// has fewer than 2^24 commits.
uint32_t UnknownCounter(uint32_t floor, TxId txid);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_COUNTERS_H_
