// Hash64() is XXH3, the one hash of the store (xxHash 0.8, 64 bits). Its values
// are part of the format.

#ifndef ACTORKV_KV_BASE_HASH_H_
#define ACTORKV_KV_BASE_HASH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace actorkv {

uint64_t Hash64(std::string_view bytes, uint64_t seed);

namespace internal {

// These are two ways to the same value. The second is for processors with AVX2,
// and is not there on other architectures.
uint64_t Hash64Portable(const char* bytes, size_t size, uint64_t seed);
uint64_t Hash64Avx2(const char* bytes, size_t size, uint64_t seed);

}  // namespace internal

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_HASH_H_
