// The files by which a directory is known to be a store.

#ifndef ACTORKV_KV_FILES_STORE_NAMES_H_
#define ACTORKV_KV_FILES_STORE_NAMES_H_

namespace actorkv {

// The marker (kv/files/store_marker.h).
inline constexpr char kMarkerFileName[] = "actorkv.format";
// Says who has the store open (kv/rocksdb/holder_file.h).
inline constexpr char kHolderFileName[] = "actorkv.pid";
// The socket at which the owner serves (kv/share/listener.h), and the beginning
// of the name of one that is being made.
inline constexpr char kSocketFileName[] = "actorkv.sock";

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_STORE_NAMES_H_
