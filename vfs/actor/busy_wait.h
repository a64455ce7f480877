// The wait of a writer that found another one, inside the busy handler.
//
// An xLock(RESERVED) that finds the word of the actor taken says SQLITE_BUSY at
// once, as SQLite wants. SQLite unlocks and asks the busy handler, and that of
// sqlite3_busy_timeout() sleeps by xSleep of the VFS of main, in the same
// thread (main.c sqliteDefaultBusyCallback, 3.40.1). There the thread waits in
// the actor's queue (kv/store/writer_queue.h) instead. It comes back with the
// word offered to its connection; then SQLite takes a new snapshot, the newest
// one, and finds the word at xLock(RESERVED). To wait at xLock(RESERVED) would
// be of no use: the snapshot is stale by the end of the wait.
//
// The handler asks for 1 ms at first, then for 2, for 5 and so on, and adds up
// what it asked for, not what xSleep returns. A try that comes too early costs
// a new snapshot, and a request where another process owns the store: so a wait
// is no shorter than kLeastWaitUs, and what it was too long the next ones are
// too short. A timeout is longer by less than that.
//
// Without a busy handler nobody waits. One of the application tries again when
// it likes, and so does that of a connection whose main is of another VFS.
//
// Invariants:
//  1. A thread waits only for what it was refused last, within kRememberedUs,
//     and once: the next refusal makes it wait again.
//  2. What a thread remembers keeps nothing alive: once the file is closed, it
//     is not waited for.

#ifndef ACTORKV_VFS_ACTOR_BUSY_WAIT_H_
#define ACTORKV_VFS_ACTOR_BUSY_WAIT_H_

#include <cstdint>
#include <memory>

namespace actorkv {

class Writer;

// The busy handler follows a refusal at once. Whoever sleeps later than this
// sleeps for another reason, as by sqlite3_sleep().
inline constexpr int64_t kRememberedUs = 10000;

// Waits of a millisecond or two would be over before the turns of other writers
// are (WriterTimes).
inline constexpr int kLeastWaitUs = 10000;

// This thread was refused: the next sleep waits for `writer`'s turn.
void RememberBusy(const std::shared_ptr<Writer>& writer) noexcept;

// Sleeps for `microseconds`, or waits as long for the writer that this thread
// remembers. Returns how many have passed: fewer where the word was offered, or
// where waits of this thread for the same writer were too long before.
int SleepOrWait(int microseconds);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_BUSY_WAIT_H_
