// DriverStore: the actors in the store of RivetKit's file-system driver, by
// their files (kv/rivet/driver_state.h).

#ifndef ACTORKV_KV_RIVET_DRIVER_STORE_H_
#define ACTORKV_KV_RIVET_DRIVER_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/rivet/driver_state.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

struct DriverActor {
  std::string id;
  bool has_state = false;     // STORE/state/ID
  bool has_database = false;  // STORE/databases/ID.db
};

class DriverStore {
 public:
  // `path`: of the store.
  explicit DriverStore(std::string path) : path_(std::move(path)) {}

  // Lists the actors in the order of their ids. Errors: kInvalidArgument past
  // kMaxListBytes (kv/rivet/archive_layout.h); kIOError.
  Status List(std::vector<DriverActor>* actors) const;

  // Reads the state file of an actor that has one. Errors: those of
  // ReadDriverState(), with the path.
  Status ReadState(const std::string& id, DriverState* state) const;

  // Opens the pairs in the state file, with its path in errors.
  Status OpenStatePairs(const std::string& id,
                        std::unique_ptr<PairSource>* pairs) const;

  // Reads when the actor is to be woken, in ms; nullopt: never. Errors:
  // kNotSupported, kCorruption, kIOError, with the path.
  Status ReadAlarm(const std::string& id, std::optional<uint64_t>* at_ms) const;

  std::string DatabasePath(const std::string& id) const;

 private:
  const std::string path_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_DRIVER_STORE_H_
