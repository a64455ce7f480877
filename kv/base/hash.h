// Hash64() is XXH3, the one hash of the store (xxHash 0.8, 64 bits). Its values
// are part of the format, and the same on every processor.

#ifndef ACTORKV_KV_BASE_HASH_H_
#define ACTORKV_KV_BASE_HASH_H_

#include <cstdint>
#include <string_view>

namespace actorkv {

uint64_t Hash64(std::string_view bytes, uint64_t seed);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_HASH_H_
