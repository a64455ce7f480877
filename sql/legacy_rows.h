// LegacyWalk: the actors of a store that have a legacy record, in the order of
// their names. For tables that have a row for each.

#ifndef ACTORKV_SQL_LEGACY_ROWS_H_
#define ACTORKV_SQL_LEGACY_ROWS_H_

#include <memory>
#include <optional>
#include <string>

#include "kv/legacy_store.h"

namespace actorkv {

class LegacyWalk {
 public:
  // `only`: no other name is wanted.
  LegacyWalk(std::shared_ptr<Store> store, std::optional<std::string> only);

  const std::shared_ptr<Store>& store() const { return store_; }

  // The next one; *found is false past the last. Of an actor whose records are
  // damaged, so that it may be a legacy one, *damage says how, and only the
  // name is set; without `damage` it is passed over. Errors: kIOError.
  Status Next(LegacyActor* actor, bool* found, Status* damage = nullptr);

 private:
  const std::shared_ptr<Store> store_;
  const std::optional<std::string> only_;
  std::string next_name_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_LEGACY_ROWS_H_
