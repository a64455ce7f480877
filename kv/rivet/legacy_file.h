// LegacyFile: one SQLite file as the pairs of an actor hold it in layout 1.
// Knows its keys, its size and its holes; its content is for SQLite to know.
// Nothing is ever written.
//
//   key                                   value
//   [8][1][0] tag                         metadata, 10 bytes:
//                                           version:u16 = 1, size_bytes:u64
//   [8][1][1] tag index:u32 (big-endian)  chunk: the file at index * 4096
//
// Integers in values are little-endian.
//
// Invariants:
//  1. Holes are zeros: chunks that are not stored, and what a short chunk
//     lacks. Chunks past the size and bytes past 4096 of a chunk do not count.
//  2. The size is not trusted: no loop and no allocation is bounded by it, only
//     by what is asked for and by what is stored.
//  3. Without metadata there is no file, even where chunks exist: a close that
//     deletes a journal in steps removes the metadata first. The main file is
//     the exception: losing its metadata must not look like an empty database.

#ifndef ACTORKV_KV_RIVET_LEGACY_FILE_H_
#define ACTORKV_KV_RIVET_LEGACY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "kv/base/status.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: they are embedded in the keys of pairs.
enum class LegacyTag : uint8_t {
  kMain = 0,
  kJournal = 1,  // rollback journal
  kWal = 2,
  kShm = 3,  // never needed: SQLite makes it anew from the WAL
};

constexpr size_t kLegacyChunkBytes = 4096;
constexpr size_t kLegacyMetadataBytes = 10;
constexpr uint16_t kLegacyFileVersion = 1;

// The largest file, in bytes: keys of 32 bits cannot hold more, so a larger
// size is cut to this. The last two chunks are left out, so that SQLite's page
// count fits its 32 bits.
constexpr uint64_t kMaxLegacyFileBytes = uint64_t{0xfffffffe} << 12;

// Names the file: "main", "journal", "wal", "shm".
const char* LegacyTagName(LegacyTag tag);

std::string LegacyMetadataKey(LegacyTag tag);
std::string LegacyMetadataValue(uint64_t size_bytes);
std::string LegacyChunkKey(LegacyTag tag, uint32_t index);

// A LegacyFile belongs to one thread at a time.
class LegacyFile {
 public:
  // `pairs` must outlive the file.
  LegacyFile(PairReader* pairs, LegacyTag tag);

  // Reads the metadata. Errors, which name key and value: kCorruption for
  // metadata of a wrong length, and for a main file that has chunks but no
  // metadata; kNotSupported for another version.
  Status Open();

  LegacyTag tag() const { return tag_; }
  // False without metadata.
  bool exists() const { return exists_; }
  // The size that the metadata say; untrusted. 0 when the file does not exist.
  uint64_t size_bytes() const { return size_bytes_; }

  // Reads up to `size` bytes at `offset`; *copied is smaller at the end of the
  // file. Cheapest from front to back: one seek for each stored chunk.
  Status Read(uint64_t offset, size_t size, char* buffer, size_t* copied);

  // Finds the first chunk at or after `index` that is stored and inside the
  // size: *index, and the bytes that count of it. nullopt when there is none.
  struct Chunk {
    uint32_t index;
    size_t size_bytes;  // stored; at most 4096 and the end of the file
  };
  Status NextChunk(uint32_t index, std::optional<Chunk>* chunk);

  // Finds the first byte in [begin, end) that is a hole, or past the size;
  // *hole is `end` when all are stored. Stops at the first hole.
  Status FindHole(uint64_t begin, uint64_t end, uint64_t* hole);

 private:
  // Makes seen_ and next_ speak for `index`.
  Status Look(uint32_t index);
  // Returns the bytes of chunk `index` that lie inside the size.
  size_t BytesInside(uint32_t index) const;

  PairReader* const pairs_;
  const LegacyTag tag_;
  bool exists_ = false;
  uint64_t size_bytes_ = 0;

  // The answer of the last seek: no chunk is stored in [seen_from_,
  // next_index_), and chunk next_index_ is next_. Nothing is known while
  // seen_from_ is past next_index_.
  uint64_t seen_from_ = 1;
  uint64_t next_index_ = 0;  // 2^32: no more chunks
  std::string next_;
};

// Checks that nothing in `pairs`, in layout 1, is a database that is not
// understood, so that none is passed over as if there were none:
//  - a key [8] with another version than 1, whatever else there is;
//  - where there is no main file (`has_main`), any key that only looks like
//    one of a SQLite file, in either layout: another tag, length or kind.
// Errors, which name the first such key: kNotSupported for a version,
// kCorruption for the others.
Status CheckDatabaseKeys(PairReader* pairs, bool has_main);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_LEGACY_FILE_H_
