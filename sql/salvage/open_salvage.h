// OpenSalvagePages() opens what there is of an actor: the pages of a version of
// a live one, or of the main file of a legacy one as it stands. No journal is
// played back and no WAL applied there.

#ifndef ACTORKV_SQL_SALVAGE_OPEN_SALVAGE_H_
#define ACTORKV_SQL_SALVAGE_OPEN_SALVAGE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kv/legacy/legacy_store.h"
#include "kv/store/actor.h"
#include "kv/store/pins.h"
#include "sql/bind/target.h"
#include "sql/salvage/salvage_pages.h"

namespace actorkv {

// SalvageSource says whose pages they are: those of a version with its pin, or
// of a legacy actor, which has no version.
struct SalvageSource {
  std::shared_ptr<Store> store;
  std::shared_ptr<const HeadState> version;
  std::optional<LegacyActor> legacy;  // counts where no version exists
  std::shared_ptr<const Pin> pin;     // released before the store goes
};

// Opens the pages. `keep_on` is what SalvagePages::KeepOn() asks, and is asked
// while this looks at what is stored of a legacy actor. Errors: kCorruption
// where a legacy actor has a database and no chunk of it; kNotSupported where
// its pairs of two layouts contradict each other; that of `keep_on`.
Status OpenSalvagePages(const SalvageSource& source,
                        std::function<Status()> keep_on,
                        std::unique_ptr<SalvagePages>* pages);

// Opens the pages of the actor that `argument` names, at a point. Errors: also
// those of ResolveTarget() and FindVersion(); a legacy actor has no point but
// the head.
Status OpenSalvagePages(Connection* connection, const std::string& argument,
                        const std::string& point,
                        std::unique_ptr<SalvagePages>* pages);

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_OPEN_SALVAGE_H_
