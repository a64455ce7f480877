#include "kv/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace actorkv {

namespace internal {

uint64_t Hash64Portable(const char* bytes, size_t size, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, size, seed);
}

}  // namespace internal

namespace {

using HashFunction = uint64_t (*)(const char*, size_t, uint64_t);

// The processor is asked once, at the first hash: the module is built for the
// oldest one that it runs on.
HashFunction FastestHash() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return internal::Hash64Avx2;
#endif
  return internal::Hash64Portable;
}

}  // namespace

uint64_t Hash64(std::string_view bytes, uint64_t seed) {
  static const HashFunction kHash = FastestHash();
  return kHash(bytes.data(), bytes.size(), seed);
}

}  // namespace actorkv
