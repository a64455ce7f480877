// Restore points: names for commits, which keep them restorable.

#ifndef ACTORKV_KV_HISTORY_RESTORE_POINTS_H_
#define ACTORKV_KV_HISTORY_RESTORE_POINTS_H_

#include <cstdint>
#include <string>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/format/history_records.h"

namespace actorkv {

class Store;

// Gives the head of `actor` a name, durably. `ttl_ms`: how long, 0 for ever.
// Errors: kNotFound; kInvalidArgument for a legacy actor, a name that no
// restore point can have, or more than 100 years; kAlreadyExists; kNoSpace;
// kIOError.
Status MakeRestorePoint(Store* store, const std::string& actor,
                        const std::string& name, uint64_t ttl_ms, TxId* txid);

// Takes the name away; its commit stays as long as others keep it. *txid: of
// that commit. Errors: kNotFound when there is no such actor or name.
Status DropRestorePoint(Store* store, const std::string& actor,
                        const std::string& name, TxId* txid);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_RESTORE_POINTS_H_
