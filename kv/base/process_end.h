// These functions let a process end while threads of it are at work in RocksDB.
//
// exit() runs its handlers, and destroys the static objects of all libraries,
// while other threads go on. A thread that is in RocksDB then ends in freed
// memory. So ours is a handler that closes every database before RocksDB's
// objects go (kv/process/store_registry.h). Handlers and objects go in the
// reverse order of their making, and RocksDB makes some of its objects as late
// as in an open or a flush: MakeRocksDbStatics() (kv/rocksdb/rocksdb_engine.h)
// has them made before the handler is registered.
//
// Stores have a gate of their own (kv/rocksdb/rocksdb_handle.h). Users of
// RocksDB beside them hold the one that is here.

#ifndef ACTORKV_KV_BASE_PROCESS_END_H_
#define ACTORKV_KV_BASE_PROCESS_END_H_

#include <chrono>
#include <string>

#include "kv/base/gate.h"
#include "kv/base/status.h"

namespace actorkv {

// Returns the error of whoever asks for a store while the process ends:
// kIOError "the process is ending: WHAT".
Status ProcessIsEnding(const std::string& what);

// Holds the gate for a use of RocksDB without a store. Errors: those of
// ProcessIsEnding(): then RocksDB must not be called any more, not even to free
// what it made.
Status UseRocksDb(const std::string& what, Gate::Hold* hold);

// Makes UseRocksDb() fail from then on. Waits until `give_up` for those who
// hold the gate: false when somebody still does.
bool EndUseOfRocksDb(std::chrono::steady_clock::time_point give_up);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_PROCESS_END_H_
