// IoCount: what the process asked of the disk. Syncs are counted by standing
// in for fsync and fdatasync, and for writes to files that were opened with
// O_DSYNC or O_SYNC, which SQLite, RocksDB and we call through the C library;
// they are carried out.

#ifndef ACTORKV_BENCH_IO_COUNT_H_
#define ACTORKV_BENCH_IO_COUNT_H_

#include <cstdint>

namespace actorkv::bench {

struct IoCount {
  uint64_t sync_count = 0;     // fsync, fdatasync, writes that wait
  uint64_t written_bytes = 0;  // given to write calls

  // Since the process began.
  static IoCount Now();
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_IO_COUNT_H_
