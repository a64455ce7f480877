// Functions that learn about the files of a store's database, and change them,
// with system calls alone: what kind of directory it is, which files the
// database consists of. They know RocksDB's file names, not its API.

#ifndef ACTORKV_KV_ROCKSDB_DATABASE_FILES_H_
#define ACTORKV_KV_ROCKSDB_DATABASE_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

enum class DirectoryKind {
  kMissing,   // there is no such directory
  kFresh,     // nothing in it that could be data: a store may be made here
  kDatabase,  // has a CURRENT file
};

// Errors: kCorruption when database files are there without CURRENT: making a
// new database beside them would hide what they hold. kInvalidArgument when
// it holds foreign files: an existing directory must not turn into a store.
Status ClassifyDirectory(const std::string& directory, DirectoryKind* kind);

// *has_data: there is a table file, or a log with more than zeros in it.
Status HasData(const std::string& directory, bool* has_data);

// Says ok when the files of a store in the directory, its database's included,
// are plain files. Errors: kInvalidArgument for a link or a special file,
// named; kIOError.
Status CheckPlainFiles(const std::string& directory);

// DirectoryStamp: the files that a database consists of, but for its tables.
struct DirectoryStamp {
  struct File {
    std::string name;
    uint64_t inode;
    uint64_t size_bytes;
    int64_t mtime_ns;

    friend bool operator==(const File& a, const File& b) {
      return a.name == b.name && a.inode == b.inode &&
             a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns;
    }
  };
  std::vector<File> files;  // CURRENT, MANIFEST-*, *.log; sorted by name
};

// Errors: kNotFound when the directory or its CURRENT is not there; kIOError.
Status ReadStamp(const std::string& directory, DirectoryStamp* stamp);

// Returns true when the same files were there and nothing but records of logs
// changed, so that a database opened between the two stamps missed no file that
// was removed meanwhile.
bool SameFiles(const DirectoryStamp& before, const DirectoryStamp& after);

// Writes every *.log over itself and syncs it. After a failed fsync Linux
// marks the pages clean: they are readable but may never reach the disk, and
// a second fsync says nothing. Only writing them again makes them durable.
Status RewriteLogs(const std::string& directory);

// Removes files that a process left which died in a bulk load
// (kv/rocksdb/rocksdb_bulk.h). REQUIRES: the holder file is held.
void RemoveBulkLeftovers(const std::string& directory);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_DATABASE_FILES_H_
