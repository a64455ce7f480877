// Catalog: the actors of a store by name.

#ifndef ACTORKV_KV_STORE_CATALOG_H_
#define ACTORKV_KV_STORE_CATALOG_H_

#include <functional>
#include <string>

#include "kv/base/types.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// The first actor whose name is at or after `name` (byte order), deleted ones
// included. *found is false past the last.
Status NextActor(Store* store, const std::string& name, bool* found,
                 std::string* next_name,
                 std::shared_ptr<const HeadState>* state);

// The name that sorts right after `name`.
std::string NameAfter(const std::string& name);

// Marks the actor as deleted. Its pages stay until history is reclaimed.
// *txid: of its head; 0 when that cannot be read, which does not keep an actor
// from being deleted. `schema_cookie` gives the cookie that a later actor of
// this name must exceed. Errors: kNotFound; kBusy when it is open.
Status DeleteActor(
    Store* store, const std::string& name,
    const std::function<uint32_t(const HeadState&)>& schema_cookie, TxId* txid);

// Errors: kNotFound; kAlreadyExists for the new name, also a deleted actor's;
// kBusy when one of the two is open; kInvalidArgument for a name that no actor
// can have.
Status RenameActor(Store* store, const std::string& name,
                   const std::string& new_name);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_CATALOG_H_
