#include "kv/base/invariant.h"

#include <unistd.h>

#include <cstdlib>

namespace actorkv {

void EndOnBreach(const std::string& breach) {
  const std::string text = "actorkv: an invariant is broken: " + breach + "\n";
  // The process ends whether anybody can read the text or not.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, text.data(), text.size());
  std::abort();
}

}  // namespace actorkv
