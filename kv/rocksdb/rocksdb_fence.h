// Fence: keeps a database that was given up from its files.
//
// Code of RocksDB through which an exception passed, as when memory ran out,
// leaves its locks and queues as they were at that moment. Such a database
// cannot even be closed: that would wait for ever, or stop at an assertion. So
// it is left in memory as it is, and its files go to the database that is
// opened in its place. The fence makes that safe.
//
// Invariants:
//  1. When Close() returned, nothing of the database changes a file or a name
//     any more, whatever its threads do: what they ask for fails. It reads on,
//     from files that it has open.
//  2. Its LOCK is free then, so that it can be taken anew.
//  3. Nothing is thrown out of the file system into RocksDB: memory that runs
//     out in there is an error of I/O, which RocksDB knows how to meet.
//
// Zeros that are on their way ahead of the end of a log (rocksdb_log_zeros.h)
// may still be written: they lie behind all that the log holds.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_FENCE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_FENCE_H_

#include <rocksdb/file_system.h>

#include <memory>
#include <shared_mutex>

namespace actorkv {

class Fence {
 public:
  // Waits for changes that are under way, and lets none begin any more.
  void Close() noexcept;

 private:
  friend class FencedFileSystem;
  friend class FencedFile;

  // Does `call`, which changes a file, and gives its status.
  template <typename Call>
  rocksdb::IOStatus Change(const Call& call) noexcept;

  std::shared_mutex mutex_;  // shared while something is changed
  bool is_closed_ = false;
  // The LOCK that RocksDB took, and the file system that frees it.
  rocksdb::FileSystem* locked_in_ = nullptr;
  rocksdb::FileLock* lock_ = nullptr;
};

// Makes a file system over `base` whose changes `fence` can cut off.
std::shared_ptr<rocksdb::FileSystem> NewFencedFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base,
    std::shared_ptr<Fence> fence);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_FENCE_H_
