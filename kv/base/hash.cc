#include "kv/base/hash.h"

#include <xxhash.h>

// With this header the library asks the processor, once, which vector
// instructions it has, and XXH3 is as fast as it can be: the module is built
// for the oldest processor that it runs on. The header refuses to be compiled
// for others than x86, where the plain function has what every processor of
// the kind has (NEON, VSX).
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>
#endif

namespace actorkv {

uint64_t Hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace actorkv
