// StoreFileSystem makes and removes the files of a store for RocksDB: it lies
// between RocksDB and the operating system's file system.
//
// Invariants:
//  1. Nothing is made, renamed or removed while the directory holds another
//     store than the one that was opened (kv/files/opened_directory.h), where a
//     file may have the name of one of ours.
//  2. A new file has the access of the store's marker (kv/files/file_access.h)
//     before anything is written to it; a copy of the store (a checkpoint),
//     too, and its directory that of the store's.
//  3. Nothing is written through a link.
//  4. The lock of the database belongs to the open file, and a child of fork()
//     has no part in it (kv/files/lock_file.h). RocksDB's own one would go as
//     soon as any code of the process closes the file; and RocksDB keeps the
//     names that it locked in a static object, which a child inherits.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_STORE_FILES_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_STORE_FILES_H_

#include <rocksdb/file_system.h>

#include <memory>

#include "kv/files/opened_directory.h"

namespace actorkv {

std::shared_ptr<rocksdb::FileSystem> NewStoreFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base,
    std::shared_ptr<const OpenedDirectory> directory);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_STORE_FILES_H_
