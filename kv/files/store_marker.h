// The marker of a store's directory: the file actorkv.format.
//
//     actorkv store, format 3
//     id 0123456789abcdef0123456789abcdef
//
// It is written before the database, so that a directory with a database and
// without a marker is somebody else's, and a store of a newer format is refused
// before anything in it is touched. The id is random, of this directory: a
// backup gets one of its own. A copy by other means carries it along, so that
// it says alone only what is certainly another store. A marker of format 1 is
// the first line, without an id; one of format 2 is as today.
//
// Invariants:
//  1. A marker that can be seen under its name is whole and on the disk.
//  2. A marker that another process made is not replaced: it may be at work
//     with it. Only who holds the store (kv/rocksdb/holder_file.h) raises the
//     format, and before the store record says so: what an older module would
//     misread is written after the marker that makes it refuse.

#ifndef ACTORKV_KV_FILES_STORE_MARKER_H_
#define ACTORKV_KV_FILES_STORE_MARKER_H_

#include <cstdint>
#include <string>

#include "kv/base/status.h"
#include "kv/files/file_access.h"
#include "kv/files/store_names.h"

namespace actorkv {

struct Marker {
  uint32_t format = 0;
  std::string id;  // 32 hexadecimal digits; empty in format 1

  friend bool operator==(const Marker& a, const Marker& b) {
    return a.format == b.format && a.id == b.id;
  }
};

// Makes a marker with a new id and makes it durable; one that is there stays.
// Errors: kNotFound (no such directory); kNoSpace; kIOError.
Status WriteMarker(const std::string& directory);

// Does the same with the access that the files of the store are to have.
Status WriteMarker(const std::string& directory, const FileAccess& access);

// Errors: kNotFound when there is no marker; kNotSupported for a newer format,
// naming it; kCorruption for anything else than a marker; kInvalidArgument for
// a link.
Status ReadMarker(const std::string& directory, Marker* marker);

// Reads the marker for its errors alone.
Status CheckMarker(const std::string& directory);

// Brings a marker of an older format to that of this module, with the id that
// it has, or else a new one. *raised: false where it has it already, or where
// there is none. REQUIRES: the store is held for writing. Errors: those of both
// above.
Status RaiseMarker(const std::string& directory, bool* raised);

// When something of the file changed last, in nanoseconds.
int64_t ChangedNs(const struct stat& file);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_STORE_MARKER_H_
