// UndoMigration() makes a live actor the legacy actor again that it was. Its
// pairs were there all the time; only its head goes. The branch of the
// migration and its commits stay in the store.
//
// Or it makes it a legacy actor that has what it is now: with new pairs, which
// were read from its database. The commit that takes its head away gives it
// these, guarded by the head that they were read from, so the actor is one or
// the other, whatever happens; the old pairs are dropped in the background
// after it, and who reads them meanwhile is told (CheckPairsRemain(),
// kv/legacy/legacy_store.h). Forks and commits of the actor's past have pages,
// and no pairs, so they need none of these.

#ifndef ACTORKV_KV_LEGACY_LEGACY_UNDO_H_
#define ACTORKV_KV_LEGACY_LEGACY_UNDO_H_

#include <functional>
#include <string>

#include "kv/legacy/legacy_import.h"
#include "kv/legacy/legacy_store.h"

namespace actorkv {

struct UndoSpec {
  std::string name;
  // True: the migration is undone also when there were commits after it.
  bool discard = false;
  // The new pairs, read to the end, with ImportSpec::replaced; null: it goes
  // back to the old ones.
  LegacyImport* pairs = nullptr;
  TxId read_from;  // with new pairs: the head that they are
  // The cookie that a later database of this actor must exceed.
  std::function<uint32_t(const HeadState&)> schema_cookie;
};

// Undoes a migration, durably; nothing is half undone. An actor that is legacy
// already is left alone. Errors: kNotFound; kBusy when the actor is open,
// somebody is at work on it, or it was written since new pairs were read;
// kInvalidArgument when it cannot be: it was live from the start, its SQLite
// pairs were dropped, or commits followed.
Status UndoMigration(Store* store, const UndoSpec& spec);

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_LEGACY_UNDO_H_
