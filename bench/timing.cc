#include "bench/timing.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace actorkv::bench {

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

ThreadedCount RunThreads(int thread_count, double seconds,
                         const std::function<void(int)>& operation) {
  std::atomic<bool> begun{false};
  std::atomic<bool> over{false};
  std::atomic<uint64_t> op_count{0};
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(thread_count));
  for (int i = 0; i < thread_count; ++i) {
    threads.emplace_back([&, i] {
      while (!begun.load()) std::this_thread::yield();
      uint64_t done = 0;
      for (; !over.load(std::memory_order_relaxed); ++done) operation(i);
      op_count += done;
    });
  }
  const Stopwatch watch;
  begun = true;
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  over = true;
  for (std::thread& thread : threads) thread.join();
  return {op_count.load(), watch.seconds()};
}

}  // namespace actorkv::bench
