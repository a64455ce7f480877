// XXH3 with wider registers than every x86-64 has. Compiled for processors with
// AVX2, so nothing may be in this file that others share, such as a template:
// the linker keeps one copy of each.

#include "kv/hash_avx2.h"

#if defined(__x86_64__)

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace actorkv {

uint64_t Hash64Avx2(const void* bytes, size_t size, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, size, seed);
}

}  // namespace actorkv

#endif  // defined(__x86_64__)
