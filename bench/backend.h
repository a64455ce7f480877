// Backend: the ways to keep a database that are compared.
//
//   unix WAL     the VFS that SQLite has, one file a database,
//   unix DELETE  journal_mode=WAL or DELETE
//   actorkv      our VFS, all databases of a workload as actors of one store
//
// All with synchronous=FULL. None pays for the others: the SQL of actorkv is
// registered with connections to actors only.

#ifndef ACTORKV_BENCH_BACKEND_H_
#define ACTORKV_BENCH_BACKEND_H_

#include <cstddef>
#include <string>

#include "bench/connection.h"

namespace actorkv::bench {

class Backend {
 public:
  enum class Kind { kUnixWal, kUnixDelete, kActorkv };
  static constexpr int kKindCount = 3;

  // Databases will be in `directory`, which exists.
  Backend(Kind kind, std::string directory);

  // For names of benchmarks and files: without blanks.
  const char* name() const { return NameOf(kind_); }
  static const char* NameOf(Kind kind);
  Kind kind() const { return kind_; }
  const std::string& directory() const { return directory_; }

  // Call before the backend is used and another one was.
  void Activate() const;

  // A new, empty database; durable commits.
  Connection Create(const std::string& database) const;

  // The same without durable commits, to fill it quickly.
  Connection CreateUnsynced(const std::string& database) const;

  // A database that exists, as an application opens it.
  Connection Open(const std::string& database) const;

  // The same by an application that needs no SQL functions of ours.
  Connection OpenBare(const std::string& database) const;

  // Sets what an open connection does not have of itself: durable commits.
  void MakeDurable(Connection* connection) const;

  // Its name, as an application in any process opens it.
  std::string UriOf(const std::string& database) const {
    return PathOf(database);
  }

  void Remove(const std::string& database) const;

  // Everything is on the disk and nothing is kept in memory by the process.
  // REQUIRES: no connection is open.
  void Settle() const;

  // The directory of the store. REQUIRES: actorkv.
  std::string StorePath() const { return directory_ + "/store"; }

 private:
  std::string PathOf(const std::string& database) const;
  void SetJournalMode(Connection* connection) const;

  Kind kind_;
  std::string directory_;
};

// Bounds actorkv's page cache while it lives. One at a time.
class CacheLimit {
 public:
  explicit CacheLimit(size_t bytes);
  ~CacheLimit();
  CacheLimit(const CacheLimit&) = delete;
  CacheLimit& operator=(const CacheLimit&) = delete;

 private:
  const size_t previous_bytes_;
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_BACKEND_H_
