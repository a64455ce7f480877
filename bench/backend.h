// Backend: the two ways to keep a database that are compared.
//
//   unix     the VFS that SQLite has, journal_mode=WAL, one file a database
//   actorkv  our VFS, all databases of a workload as actors of one store
//
// Both with synchronous=FULL. Neither pays for the other: the SQL of actorkv
// is registered with connections to actors only.

#ifndef ACTORKV_BENCH_BACKEND_H_
#define ACTORKV_BENCH_BACKEND_H_

#include <string>

#include "bench/connection.h"

namespace actorkv::bench {

class Backend {
 public:
  enum class Kind { kUnixWal, kActorkv };

  // Databases will be in `directory`, which exists.
  Backend(Kind kind, std::string directory);

  const char* name() const;
  Kind kind() const { return kind_; }
  const std::string& directory() const { return directory_; }

  // Call before the backend is used and the other one was.
  void Activate() const;

  // A new, empty database; durable commits.
  Connection Create(const std::string& database) const;

  // The same without durable commits, to fill it quickly.
  Connection CreateUnsynced(const std::string& database) const;

  // A database that exists, as an application opens it.
  Connection Open(const std::string& database) const;

  // Sets what an open connection does not have of itself: durable commits.
  void MakeDurable(Connection* connection) const;

  void Remove(const std::string& database) const;

  // Everything is on the disk and nothing is kept in memory by the process.
  // REQUIRES: no connection is open.
  void Settle() const;

 private:
  std::string PathOf(const std::string& database) const;

  Kind kind_;
  std::string directory_;
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_BACKEND_H_
