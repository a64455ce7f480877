// Of kv/hash.cc alone: XXH3 for processors with AVX2. Includes nothing that has
// code (see the source file).

#ifndef ACTORKV_KV_HASH_AVX2_H_
#define ACTORKV_KV_HASH_AVX2_H_

#include <stddef.h>
#include <stdint.h>

namespace actorkv {

// REQUIRES: x86-64, a processor that has AVX2.
uint64_t Hash64Avx2(const void* bytes, size_t size, uint64_t seed);

}  // namespace actorkv

#endif  // ACTORKV_KV_HASH_AVX2_H_
