// RocksDbEngine: the embedded engine, one RocksDB database per store.
//
// Only the files rocksdb_* beside it know RocksDB (7.8): _options, _keys
// (partitions to column families and prefixes), _open, _handle (reopening after
// a failed write), _reader, _status, _logger. This one puts them behind Engine.
//
// Physical keys: column family "default" holds catalog and actor partitions
// as kind(1) | id(8, big-endian) | key; column family "chunks" holds branch
// partitions as id(8, big-endian) | key.
//
// Invariants:
//  1. A commit that returned kDone with kSynced is on stable storage.
//  2. After a write whose outcome is unknown, no read and no commit is
//     answered before the database was closed and opened again: RocksDB may
//     hide a record from a live Get and show it after a reopen.
//  3. While it cannot be opened for writing (disk full), it is opened for
//     reading, so that reads go on; commits try again at most every
//     kReopenInterval and answer kNoSpace or kIOError until one succeeds.
//  4. Nothing is written once the path leads to another directory, or nowhere
//     (kFenced); reads go on in the one that was opened. A commit that SQLite
//     began before may still go there.
//  5. Guarded commits of one key are serial; commits that share no guarded
//     key never wait for each other's sync.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_ENGINE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_ENGINE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "kv/engine/engine.h"
#include "kv/engine/engine_home.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace actorkv {

// `directory` is absolute and has no links. Errors: kBusy when another process
// has it open for writing; kInvalidArgument for links in it; kCorruption;
// kNoSpace; kIOError.
Status OpenRocksDbEngine(const std::string& directory, OpenMode mode,
                         std::unique_ptr<Engine>* engine);

// Those of every engine of this kind.
EngineLimits RocksDbLimits();

// Has every static object made that RocksDB (7.8.3) makes during its work for
// us: see kv/rocksdb/rocksdb_use.h. Starts no thread, writes no file, and takes
// some milliseconds, by which the first open of a store is shorter.
void MakeRocksDbStatics();

// Whether RocksDB's static objects may wait for ever for threads when the
// process ends: a database was given up (kv/rocksdb/rocksdb_fence.h), or this
// is a child of fork() (kv/rocksdb/rocksdb_use.h).
bool RocksDbMayNotEnd();

// "7.8.3", of the library that is loaded.
std::string RocksDbVersion();

// Every database opened from now on reads and writes through `file_system`;
// nullptr: the operating system's. For fault tests.
void SetRocksDbFileSystemForTesting(
    std::shared_ptr<rocksdb::FileSystem> file_system);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_ENGINE_H_
