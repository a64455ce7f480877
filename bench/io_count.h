// IoCount: what the process asked of the disk. The syncs are counted by
// standing in for fsync and fdatasync, which SQLite and RocksDB call through
// the C library; they are carried out.

#ifndef ACTORKV_BENCH_IO_COUNT_H_
#define ACTORKV_BENCH_IO_COUNT_H_

#include <cstdint>

namespace actorkv::bench {

struct IoCount {
  uint64_t sync_count = 0;     // fsync and fdatasync
  uint64_t written_bytes = 0;  // given to write calls

  // Since the process began.
  static IoCount Now();
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_IO_COUNT_H_
