// Clocks of workloads: a stopwatch, the median of latencies, and threads that
// begin together.

#ifndef ACTORKV_BENCH_TIMING_H_
#define ACTORKV_BENCH_TIMING_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace actorkv::bench {

class Stopwatch {
 public:
  Stopwatch() : start_(std::chrono::steady_clock::now()) {}
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_;
};

// Of an even count: the upper one of the middle. 0 of nothing.
double Median(std::vector<double> values);

struct ThreadedCount {
  uint64_t op_count = 0;
  double seconds = 0;
};

// Calls operation(thread number) over and over in each of `thread_count`
// threads for `seconds`. What is under way at the end is finished and counted.
ThreadedCount RunThreads(int thread_count, double seconds,
                         const std::function<void(int)>& operation);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_TIMING_H_
