// How a process ends while threads of it are at work in RocksDB.
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

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_USE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_USE_H_

#include <chrono>
#include <string>

#include "kv/base/gate.h"
#include "kv/base/status.h"

namespace actorkv {

// False in a child of fork() of a process that used RocksDB by then: its
// threads are not there, and static objects of it wait for them.
bool MayUseRocksDb();

// Before a database is opened. Errors: kNotSupported where that may not be.
Status NoteUseOfRocksDb(const std::string& what);

// For what uses RocksDB without a store. Errors: those of NoteUseOfRocksDb()
// and of ProcessIsEnding():
// then RocksDB must not be called any more, not even to free what it made.
Status UseRocksDb(const std::string& what, Gate::Hold* hold);

// From now on UseRocksDb() fails. Waits for who holds it, until `give_up`:
// false when somebody still does.
bool EndUseOfRocksDb(std::chrono::steady_clock::time_point give_up);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_USE_H_
