#include "vfs/actor/damage_notice.h"

#include <vector>

#include "kv/store/store.h"
#include "vfs/sqlite/sqlite_api.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

void TellDamage(Store* store) {
  if (!store->IsFirstToTell()) return;
  std::vector<EngineDamage> damages;
  // A list that cannot be read must not keep the store from being opened.
  NoteIgnored(store->engine()->ListDamage(&damages));
  for (const EngineDamage& damage : damages) {
    sqlite3_log(SQLITE_WARNING, "actorkv: %s: %s", damage.detail.c_str(),
                damage.mend.c_str());
  }
}

}  // namespace actorkv
