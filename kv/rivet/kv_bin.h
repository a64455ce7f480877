// kv.bin has the pairs of an actor in an archive.
//
//     entry   length:u32 big-endian | payload of `length` bytes
//     payload key:data | value:data                     (BARE, kv/rivet/bare.h)
//
// sqlite.bin has the same entries with other keys (kv/rivet/rivet_v2.h).

#ifndef ACTORKV_KV_RIVET_KV_BIN_H_
#define ACTORKV_KV_RIVET_KV_BIN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kv/files/byte_reader.h"
#include "kv/rivet/pair_limits.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

inline constexpr size_t kEntryLengthBytes = 4;
// The largest entry: two lengths of up to four bytes, and the largest pair that
// a store keeps.
inline constexpr size_t kMaxKvBinEntryBytes =
    kMaxStoredKeyBytes + kMaxStoredValueBytes + 8;

// KvBinEntry: one entry, and where its value lies in the file.
struct KvBinEntry {
  KeyValue pair;
  uint64_t value_offset = 0;
};

// Takes one entry off `reader`; *more is false at the end. Errors:
// kCorruption with the offset of what is wrong, kInvalidArgument for an entry
// of more than `limit` bytes.
Status TakeKvBinEntry(ByteReader* reader, size_t limit, KvBinEntry* entry,
                      bool* more);

// Reads a kv.bin. Next() fails as TakeKvBinEntry() does. Holds one entry in
// memory.
std::unique_ptr<PairSource> ReadKvBin(std::unique_ptr<ByteSource> source);

// Writes the file `path`, which is absolute; it appears with Finish().
// Errors: those of NewFile, kInvalidArgument for a pair that is too large to be
// read again.
Status WriteKvBin(const std::string& path, bool overwrite,
                  std::unique_ptr<PairSink>* sink);

// Encodes `key` and `value` as one entry, and appends it.
void AppendKvBinEntry(std::string_view key, std::string_view value,
                      std::string* out);
std::string EncodeKvBinEntry(std::string_view key, std::string_view value);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_KV_BIN_H_
