// MemoryBytes(): a ByteSource over bytes in memory.

#ifndef ACTORKV_TESTS_SUPPORT_MEMORY_BYTES_H_
#define ACTORKV_TESTS_SUPPORT_MEMORY_BYTES_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "kv/files/byte_source.h"

namespace actorkv {

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : rest_(bytes) {}

  Status Read(char* buffer, size_t size, size_t* got) override {
    *got = std::min(size, rest_.size());
    if (*got > 0) std::memcpy(buffer, rest_.data(), *got);
    rest_.remove_prefix(*got);
    return Status::Ok();
  }

 private:
  std::string_view rest_;
};

// `bytes` must outlive the result.
inline std::unique_ptr<ByteSource> MemoryBytes(std::string_view bytes) {
  return std::make_unique<MemorySource>(bytes);
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MEMORY_BYTES_H_
