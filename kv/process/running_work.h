// What is worked on now, by this process in all its stores and by the process
// that writes to one of them.

#ifndef ACTORKV_KV_PROCESS_RUNNING_WORK_H_
#define ACTORKV_KV_PROCESS_RUNNING_WORK_H_

#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/work_meter.h"
#include "kv/legacy/legacy_store.h"

namespace actorkv {

// Sets *rows to the work of this process, the oldest first, and behind it that
// of another process that has the store at `place` open for writing (empty: no
// store). Opens no store. Errors: kIOError; those of FindHome().
Status ListWork(const std::string& place, std::vector<WorkRow>* rows);

// Names the phase of a migration in the store at `place`: that of the one that
// is under way, whoever does it, or the last one of which the record tells.
std::string MigrationPhase(const std::string& place, const LegacyActor& actor);

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_RUNNING_WORK_H_
