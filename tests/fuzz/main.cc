// The libFuzzer program: ACTORKV_FUZZ_TARGET names what it fuzzes
// (tests/fuzz/targets.h). `make fuzz` runs it for each.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <vector>

#include "tests/fuzz/sql_targets.h"
#include "tests/fuzz/targets.h"

namespace {

std::vector<actorkv::FuzzTarget> AllTargets() {
  std::vector<actorkv::FuzzTarget> targets(std::begin(actorkv::kFuzzTargets),
                                           std::end(actorkv::kFuzzTargets));
  targets.insert(targets.end(), std::begin(actorkv::kSqlFuzzTargets),
                 std::end(actorkv::kSqlFuzzTargets));
  return targets;
}

actorkv::FuzzTarget Target() {
  const char* name = std::getenv("ACTORKV_FUZZ_TARGET");
  for (const actorkv::FuzzTarget& target : AllTargets()) {
    if (name != nullptr && std::string_view(name) == target.name) {
      return target;
    }
  }
  std::fprintf(stderr, "ACTORKV_FUZZ_TARGET must be one of:");
  for (const actorkv::FuzzTarget& target : AllTargets()) {
    std::fprintf(stderr, " %s", target.name);
  }
  std::fprintf(stderr, "\n");
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const actorkv::FuzzTarget target = Target();
  target.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
