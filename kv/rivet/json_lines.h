// The flat dump of an actor: one pair a line, as JSON.
//
//     {"k":"<key, hexadecimal>","v":"<value, hexadecimal>"}
//
// A line may have spaces, and its members in either order; nothing else is
// let pass, because what is not understood would be lost. The last line may
// lack its newline, and empty lines may follow it. A byte order mark before the
// first line is passed over.

#ifndef ACTORKV_KV_RIVET_JSON_LINES_H_
#define ACTORKV_KV_RIVET_JSON_LINES_H_

#include <cstddef>
#include <memory>
#include <string>

#include "kv/files/byte_source.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

// The limit of a line, in bytes; the largest pair that a store keeps takes half
// of it.
inline constexpr size_t kMaxJsonLineBytes = size_t{32} << 20;

// Reads a dump. Next() fails with kInvalidArgument, naming the line, for what
// is no such line, and for a pair that no store can keep (kStoredPairLimits).
// Holds one line in memory.
std::unique_ptr<PairSource> ReadJsonLines(std::unique_ptr<ByteSource> source);

// Writes the file `path`, which is absolute; it appears with Finish().
// Errors: those of NewFile.
Status WriteJsonLines(const std::string& path, bool overwrite,
                      std::unique_ptr<PairSink>* sink);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_JSON_LINES_H_
