// Files as bytes, packed or not.

#ifndef ACTORKV_KV_FILES_OPEN_BYTES_H_
#define ACTORKV_KV_FILES_OPEN_BYTES_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/files/byte_source.h"

namespace actorkv {

// The bytes of a file, unpacked where its first bytes say that it is gzip.
// *gzip says whether it is.
Status OpenBytes(const std::string& path, std::unique_ptr<ByteSource>* source,
                 bool* gzip);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_OPEN_BYTES_H_
