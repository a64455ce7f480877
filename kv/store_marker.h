// The marker of a store's directory: the file actorkv.format, one line of
// text, "actorkv store, format 1". It is written before the database, so that
// a directory with a database and without a marker is somebody else's, and a
// store of a newer format is refused before anything in it is touched.

#ifndef ACTORKV_KV_STORE_MARKER_H_
#define ACTORKV_KV_STORE_MARKER_H_

#include <cstdint>
#include <string>

#include "kv/status.h"

namespace actorkv {

constexpr char kMarkerFileName[] = "actorkv.format";

// Writes the marker and makes it durable.
Status WriteMarker(const std::string& directory);

// Errors: kNotFound when there is no marker; kNotSupported for a newer format,
// naming it; kCorruption for anything else than a marker.
Status CheckMarker(const std::string& directory);

// What tells one directory from another that took its place under the same
// name: device and inode of the directory and of its marker.
struct StoreIdentity {
  uint64_t device = 0;
  uint64_t directory = 0;
  uint64_t marker = 0;  // 0: no marker

  friend bool operator==(const StoreIdentity& a, const StoreIdentity& b) {
    return a.device == b.device && a.directory == b.directory &&
           a.marker == b.marker;
  }
};

// Errors: kNotFound when there is no such directory; kInvalidArgument when it
// is a file.
Status ReadIdentity(const std::string& directory, StoreIdentity* identity);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_MARKER_H_
