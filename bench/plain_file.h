// Plain database files and copies of them: what goes into a store, comes out
// of it, and is compared with.

#ifndef ACTORKV_BENCH_PLAIN_FILE_H_
#define ACTORKV_BENCH_PLAIN_FILE_H_

#include <cstdint>
#include <string>

#include "bench/connection.h"

namespace actorkv::bench {

// Makes a plain database of `size_bytes` or a little more: the rows of
// bench/rows.h, from a fixed seed.
void MakePlainDatabase(const std::string& path, uint64_t size_bytes);

// cp and fsync, with the kernel's own copy.
void CopyFile(const std::string& from, const std::string& to);

// SQLite's backup API from `from` to a new plain file, durable.
void BackUpTo(const std::string& path, const Connection& from);

// As a literal of SQL.
std::string Quoted(const std::string& text);

// In megabytes of 10^6 bytes.
double FileMegabytes(const std::string& path);

// What the files of a directory take on the disk, in bytes.
uint64_t DiskBytes(const std::string& directory);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_PLAIN_FILE_H_
