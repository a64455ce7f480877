// The end of legacy pairs that a migration made pages of.

#ifndef ACTORKV_KV_LEGACY_LEGACY_DROP_H_
#define ACTORKV_KV_LEGACY_LEGACY_DROP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

class Store;

// Removes the pairs of SQLite files, which are in the actor's database since
// its migration; the others stay. *bytes: of keys and values. `keep_on`
// is asked now and then; an error of it ends the work, which can be called
// again to go on. Errors: kNotFound; kInvalidArgument when the actor is not
// live, or is opaque; kBusy while somebody is at work on it.
Status DropLegacy(const std::shared_ptr<Store>& store, const std::string& name,
                  const std::function<Status()>& keep_on, uint64_t* bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_LEGACY_DROP_H_
