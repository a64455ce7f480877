// What there is to say where a store is another process's, and that one was not
// to be reached by its socket.

#ifndef ACTORKV_KV_PROCESS_NOT_SERVED_H_
#define ACTORKV_KV_PROCESS_NOT_SERVED_H_

#include <string>

#include "kv/base/status.h"

namespace actorkv {

// `status`; of one that says that something is not allowed also whose the
// directory is, who may do what with it, and who asks.
Status NamingUsers(const std::string& directory, const Status& status);

// `owned`: kBusy, as the open for writing said it, with who has the store.
// `shared`: why it could not be shared with that one. Returns kBusy with both
// where it may be otherwise in a moment, as where the owner is starting or
// ending, and `shared` where waiting does not help. What is said of an owner
// that answers, or was seen not to, goes before what is known of it otherwise.
Status NotServed(const std::string& directory, const Status& owned,
                 const Status& shared);

// Whether `shared` says that nobody serves, and nothing else is wrong.
bool NobodyListens(const Status& shared);

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_NOT_SERVED_H_
