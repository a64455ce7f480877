// XXH3 for processors with AVX2: the same values in half the time. The file is
// one of its own, because it is compiled for them (CMakeLists.txt). It must
// make no function that other files have, too: the linker would take either.

#if defined(__x86_64__)

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>

namespace actorkv::internal {

uint64_t Hash64Avx2(const char* bytes, size_t size, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, size, seed);
}

}  // namespace actorkv::internal

#endif  // __x86_64__
