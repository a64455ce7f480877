#include "bench/memory_use.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace actorkv::bench {

namespace {

// A line of /proc/self/status, in bytes. proc(5)
uint64_t StatusBytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(name + ":", 0) != 0) continue;
    return std::stoull(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

uint64_t GrowthOver(uint64_t begin, uint64_t end) {
  return end > begin ? end - begin : 0;
}

}  // namespace

uint64_t ResidentBytes() {
  malloc_trim(0);
  return StatusBytes("VmRSS");
}

uint64_t AnonymousBytes() {
  malloc_trim(0);
  return StatusBytes("RssAnon");
}

PeakGrowth::PeakGrowth() : begin_bytes_(ResidentBytes()) {
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM begins anew
}

uint64_t PeakGrowth::bytes() const {
  return GrowthOver(begin_bytes_, StatusBytes("VmHWM"));
}

}  // namespace actorkv::bench
