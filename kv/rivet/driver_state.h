// The files that RivetKit's file-system driver (the default of 2.0 to 2.2.1
// without an engine) keeps of an actor beside its database:
//
//     STORE/state/ID         state file: name and key of the actor; in 2.0 its
//                            pairs, too
//     STORE/databases/ID.db  SQLite: from 2.1.3 on the pairs, in a table kv; in
//                            2.0 whatever the user's own code put there
//     STORE/alarms/ID        when the actor is to be woken
//
// Files that are being written are called NAME.tmp.UUID, and do not count.
//
// State file, versioned BARE (kv/rivet/bare.h):
//
//     actor_id    str             16 hexadecimal digits
//     name        str
//     key         list<str>
//     pairs       list<{ key: data, value: data }>
//                 version 1: data, the value of the pair of key 1, instead
//     created_at  u64             milliseconds since 1970
//     version 3:  start, connectable, sleep, destroy: optional<u64> each
//
// Alarm file, versions 1 to 3: actor_id str, time uint, milliseconds since
// 1970.

#ifndef ACTORKV_KV_RIVET_DRIVER_STATE_H_
#define ACTORKV_KV_RIVET_DRIVER_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/files/byte_source.h"
#include "kv/rivet/archive_json.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

inline constexpr char kDriverStateName[] = "/state";
inline constexpr char kDriverDatabasesName[] = "/databases";
inline constexpr char kDriverAlarmsName[] = "/alarms";

// The parts of a key, and the name, have this many bytes at most, together.
inline constexpr size_t kMaxDriverNameBytes = size_t{64} << 10;

struct DriverState {
  std::string actor_id;
  std::string name;
  std::vector<std::string> key;
  uint64_t pair_count = 0;
  uint64_t created_at_ms = 0;
};

// Reads a whole state file, pair by pair, and forgets the pairs. Errors:
// kNotSupported for a version that is not known; kCorruption, with the byte;
// those of the source.
Status ReadDriverState(std::unique_ptr<ByteSource> source, DriverState* state);

// Gives the pairs of a state file. Next() fails as ReadDriverState() does.
std::unique_ptr<PairSource> DriverStatePairs(
    std::unique_ptr<ByteSource> source);

// Decodes an alarm file. Errors: kNotSupported, kCorruption.
Status DecodeDriverAlarm(std::string_view bytes, uint64_t* at_ms);

// Returns a key as one text, as Rivet's engine shows it: the parts joined by
// "/", in them "\\" for a backslash and "\/" for a slash; an empty part is
// "\0", an empty key "/".
std::string DriverKeyText(const std::vector<std::string>& key);

// Returns what an archive would say of the actor. A state file with pairs is of
// 2.0, which has the key as one part that is such a text already.
ActorMetadata DriverMetadata(const DriverState& state);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_DRIVER_STATE_H_
