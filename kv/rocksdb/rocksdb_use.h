// Whether RocksDB may be used: in a child of fork(), and while the process
// ends.
//
// exit() runs its handlers, and destroys the static objects of all libraries,
// while other threads go on. A thread that is in RocksDB then ends in freed
// memory. So ours is a handler that closes every database before RocksDB's
// objects go (kv/process/store_registry.h). Handlers and objects go in the
// reverse order of their making, and RocksDB makes some of its objects as late
// as in an open or a flush: MakeRocksDbStatics() (kv/rocksdb/rocksdb_engine.h)
// has them made before the handler is registered.
//
// Stores have a gate of their own (kv/rocksdb/rocksdb_handle.h). What uses
// RocksDB beside them holds the one that is here.
//
// A child of fork() has its parent's static objects as they were at that
// moment: a mutex of them, held by a thread that is not there, stays locked.
// They are held for a moment every few seconds, and nobody can ask. So before a
// child opens its first database it finds out by one in memory, in a thread
// that it can leave behind.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_USE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_USE_H_

#include <chrono>
#include <string>

#include "kv/base/gate.h"
#include "kv/base/status.h"

namespace actorkv {

// Is called before a database in `directory` is opened. Sees to its threads,
// and in a child of fork() to RocksDB's static objects. Errors: kNotSupported
// where those are of no use to this process; kIOError where the system has no
// thread.
Status PrepareUseOfRocksDb(const std::string& directory);

// Whether a process used RocksDB that this one was forked from: exit() must not
// destroy its static objects here, which wait for threads that are not there
// (rocksdb::Timer of 7.8.3 does, for ever).
bool ParentUsedRocksDb();

// For what uses RocksDB without a store. Errors: those of ProcessIsEnding():
// then RocksDB must not be called any more, not even to free what it made.
Status UseRocksDb(const std::string& what, Gate::Hold* hold);

// From now on UseRocksDb() fails. Waits for who holds it, until `give_up`:
// false when somebody still does.
bool EndUseOfRocksDb(std::chrono::steady_clock::time_point give_up);

// What a child of fork() tries RocksDB by; nullptr: a database in memory.
void SetRocksDbTrialForTesting(void (*trial)());

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_USE_H_
