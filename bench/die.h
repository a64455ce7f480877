// How a benchmark ends that went wrong: with a message, and without leaving
// its databases behind.

#ifndef ACTORKV_BENCH_DIE_H_
#define ACTORKV_BENCH_DIE_H_

#include <string>

namespace actorkv::bench {

// Die() will remove `directory`; empty: nothing.
void RemoveOnDeath(const std::string& directory);

[[noreturn]] void Die(const std::string& message);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_DIE_H_
