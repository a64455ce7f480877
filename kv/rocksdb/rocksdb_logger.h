// RocksDB's own messages go to the file LOG in the store's directory: warnings
// and errors only, never more than kMaxLogFileBytes.
//
// RocksDB's own logger must not be used: after one failed write to its file
// (a full disk) the next message fails an assertion, and Debian's library is
// built with assertions, so it would abort the process that loaded us.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_LOGGER_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_LOGGER_H_

#include <rocksdb/env.h>

#include <cstddef>
#include <memory>
#include <string>

namespace actorkv {

inline constexpr size_t kMaxLogFileBytes = size_t{1} << 20;

// Errors of the file are ignored: a message is not worth a commit.
std::shared_ptr<rocksdb::Logger> NewFileLogger(const std::string& directory);

// Drops all messages: readers beside a writer leave the LOG to it.
std::shared_ptr<rocksdb::Logger> NewSilentLogger();

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_LOGGER_H_
