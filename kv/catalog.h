// Catalog: the actors of a store by name.

#ifndef ACTORKV_KV_CATALOG_H_
#define ACTORKV_KV_CATALOG_H_

#include <string>

#include "kv/actor.h"
#include "kv/store.h"

namespace actorkv {

// The first actor whose name is at or after `name` (byte order), deleted ones
// included. *found is false past the last.
Status NextActor(Store* store, const std::string& name, bool* found,
                 std::string* next_name,
                 std::shared_ptr<const HeadState>* state);

// The name that sorts right after `name`.
std::string NameAfter(const std::string& name);

// Marks the actor as deleted. Its pages stay until history is reclaimed.
// *txid: of its head. `cookie_floor`: the schema cookie that a later actor of
// this name must exceed. Errors: kNotFound; kBusy when it is open.
Status DeleteActor(Store* store, const std::string& name, uint32_t cookie_floor,
                   TxId* txid);

// Errors: kNotFound; kAlreadyExists for the new name, also a deleted actor's;
// kBusy when one of the two is open; kInvalidArgument for a name that no actor
// can have.
Status RenameActor(Store* store, const std::string& name,
                   const std::string& new_name);

}  // namespace actorkv

#endif  // ACTORKV_KV_CATALOG_H_
