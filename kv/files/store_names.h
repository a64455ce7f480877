// The files by which a directory is known to be a store.

#ifndef ACTORKV_KV_FILES_STORE_NAMES_H_
#define ACTORKV_KV_FILES_STORE_NAMES_H_

#include <string>

namespace actorkv {

// The marker (kv/files/store_marker.h).
inline constexpr char kMarkerFileName[] = "actorkv.format";
// Says who has the store open (kv/rocksdb/holder_file.h).
inline constexpr char kHolderFileName[] = "actorkv.pid";
inline std::string HolderPathIn(const std::string& directory) {
  return directory + "/" + kHolderFileName;
}
// By which processes that share the store reach its owner
// (kv/share/listener.h); the name of one that is being made goes on after it.
inline constexpr char kSocketFileName[] = "actorkv.sock";

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_STORE_NAMES_H_
