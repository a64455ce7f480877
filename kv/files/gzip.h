// UnpackGzip() gives what a gzip file (RFC 1952) unpacks to, as a ByteSource.

#ifndef ACTORKV_KV_FILES_GZIP_H_
#define ACTORKV_KV_FILES_GZIP_H_

#include <memory>
#include <string_view>

#include "kv/files/byte_source.h"

namespace actorkv {

// Returns true for the first bytes of a gzip file.
bool IsGzip(std::string_view bytes);

// Unpacks one gzip member after another. Reading fails with kCorruption when
// a member is cut short or damaged, or when something else follows one than
// zeros up to the end; the text has the offset in the packed file. Memory: one
// buffer and zlib's window, whatever the input.
std::unique_ptr<ByteSource> UnpackGzip(std::unique_ptr<ByteSource> packed);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_GZIP_H_
