// ByteSource: bytes in their order, a piece at a time. It must not know what
// the bytes mean.

#ifndef ACTORKV_KV_FILES_BYTE_SOURCE_H_
#define ACTORKV_KV_FILES_BYTE_SOURCE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Puts up to `size` bytes, which is not 0, into `buffer`. *got is 0 only at
  // the end. Errors: kCorruption, kIOError.
  virtual Status Read(char* buffer, size_t size, size_t* got) = 0;
};

// Opens the bytes of a file as they are. Errors: kNotFound; kInvalidArgument
// when it is not a regular file; kIOError.
Status OpenFileBytes(const std::string& path,
                     std::unique_ptr<ByteSource>* source);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_BYTE_SOURCE_H_
