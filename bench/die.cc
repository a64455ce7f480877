#include "bench/die.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <system_error>

namespace actorkv::bench {

namespace {

struct Leftover {
  std::mutex mutex;
  std::string directory;
};

Leftover& GetLeftover() {
  static auto* const leftover = new Leftover;
  return *leftover;
}

}  // namespace

void RemoveOnDeath(const std::string& directory) {
  std::lock_guard<std::mutex> lock(GetLeftover().mutex);
  GetLeftover().directory = directory;
}

void Die(const std::string& message) {
  // Never released: a second thread that dies waits here for the end.
  GetLeftover().mutex.lock();
  std::fprintf(stderr, "actorkv_bench: %s\n", message.c_str());
  std::error_code ignored;
  if (!GetLeftover().directory.empty()) {
    std::filesystem::remove_all(GetLeftover().directory, ignored);
  }
  std::_Exit(1);
}

}  // namespace actorkv::bench
