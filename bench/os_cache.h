// The operating system's cache of files.

#ifndef ACTORKV_BENCH_OS_CACHE_H_
#define ACTORKV_BENCH_OS_CACHE_H_

namespace actorkv::bench {

// Only root can.
bool CanDropCaches();

// Nothing of any file is in memory after it, but for what is not written yet.
void DropCaches();

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_OS_CACHE_H_
