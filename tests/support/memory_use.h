// What the process has in memory, for tests that limit it.

#ifndef ACTORKV_TESTS_SUPPORT_MEMORY_USE_H_
#define ACTORKV_TESTS_SUPPORT_MEMORY_USE_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace actorkv {

// A line of /proc/self/status, in MiB.
inline double StatusMib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, name.size() + 1, name + ":") == 0) {
      return std::strtod(line.c_str() + name.size() + 1, nullptr) / 1024;
    }
  }
  return 0;
}

// Keeps the largest RssAnon that it saw since Restart().
class MemorySampler {
 public:
  MemorySampler() : thread_([this] { Run(); }) {}
  ~MemorySampler() {
    stop_ = true;
    thread_.join();
  }
  MemorySampler(const MemorySampler&) = delete;
  MemorySampler& operator=(const MemorySampler&) = delete;

  void Restart() { peak_mib_ = 0; }
  double peak_mib() const { return peak_mib_; }

 private:
  void Run() {
    while (!stop_) {
      peak_mib_ = std::max(peak_mib_.load(), StatusMib("RssAnon"));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  std::atomic<double> peak_mib_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MEMORY_USE_H_
