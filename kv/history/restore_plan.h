// RestorePlan: what a restore would change, without doing it.

#ifndef ACTORKV_KV_HISTORY_RESTORE_PLAN_H_
#define ACTORKV_KV_HISTORY_RESTORE_PLAN_H_

#include <cstdint>
#include <functional>

#include "kv/history/page_changes.h"

namespace actorkv {

struct RestorePlan {
  uint64_t page_count = 0;          // size of the database after it
  uint64_t changed_page_count = 0;  // pages that come, go or get other content
  uint64_t bytes = 0;               // size of these pages
  // Commits on the head's line that are not on the line of the point. They
  // stay restorable, as long as history does.
  uint64_t commit_count = 0;
};

// `head` and `version` are of the same actor. `keep_on` is asked now and then;
// an error of it ends the work. Errors: those of FindChangedPages().
Status PlanRestore(const VersionSource& head, const VersionSource& version,
                   const std::function<Status()>& keep_on, RestorePlan* plan);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_RESTORE_PLAN_H_
