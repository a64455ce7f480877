#include "bench/os_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include "bench/die.h"

namespace actorkv::bench {

namespace {

constexpr char kDropCaches[] = "/proc/sys/vm/drop_caches";

}  // namespace

bool CanDropCaches() { return access(kDropCaches, W_OK) == 0; }

void DropCaches() {
  const int file = open(kDropCaches, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, "3", 1) != 1) Die("cannot drop caches");
  close(file);
}

}  // namespace actorkv::bench
