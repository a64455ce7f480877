// Migrate() makes a legacy actor a live one.
//
//   legacy --> importing --> live
//                 |  ^
//                 v  |
//                failed
//
// A migration that died is followed by the next one: from time to time the
// record says up to which page a large database is in its stage, and that page
// is where the next one goes on.
//
// Steps, each timed in the actor's legacy record: what its keys are (layouts),
// recovery by SQLite (recover), the pages (copy), the commit. The record says
// which one it was in when it ended; the one that it is in now is shown by a
// WorkMeter (kv/base/work_meter.h), for which nothing has to be stored.
//
// Invariants:
//  1. The pairs are never changed, so a migration that ended anywhere can be
//     run again, and one that is done can be undone.
//  2. The database becomes visible with one commit, and that commit also says
//     in the record that the actor is live. Before it the actor is legacy.
//  3. Committed pages passed quick_check, of this migration or of the one that
//     it follows (pairs do not change), and the digest of the new head is that
//     of the pages that recovery gave.
//  4. One at a time works on an actor (kv/legacy/legacy_lease.h), whatever
//     processes share its store. A later one waits for the outcome.

#ifndef ACTORKV_VFS_MIGRATE_MIGRATION_H_
#define ACTORKV_VFS_MIGRATE_MIGRATION_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/legacy/legacy_lease.h"
#include "kv/legacy/legacy_store.h"

namespace actorkv {

// Takes the lease of the legacy actor `name`, and waits for whoever has it.
// Errors: those of LegacyLease::Acquire() but kBusy; of `keep_on`, which is
// asked now and then.
Status WaitForLease(const std::shared_ptr<Store>& store,
                    const std::string& name,
                    const std::function<Status()>& keep_on,
                    std::unique_ptr<LegacyLease>* lease);

// Says whether the migration of the actor makes a database of what it has.
// Errors: kInvalidArgument for an opaque actor that is not live: it has none,
// and who calls Migrate() for it puts its pairs into tables after that.
Status CheckMigratesAlone(const LegacyActor& actor);

struct MigrationResult {
  LegacyRecord record;      // as the migration left it
  uint64_t size_bytes = 0;  // of the database
};

// Migrates the actor `name`, or waits for whoever does. An actor that is live
// already is left alone. `keep_on` is asked now and then; an error of it ends
// the work, and the actor is as it was. Errors: kNotFound when there is no such
// actor, or it never was legacy; kNotSupported for pairs that contradict each
// other; those of Recover(). The actor's record then says failed, and why.
Status Migrate(const std::shared_ptr<Store>& store, const std::string& name,
               const std::function<Status()>& keep_on, MigrationResult* result);

// Migrates like Migrate(), as one of many: a success is on stable storage with
// the next synced commit of the store, or Engine::Sync(). A power loss before
// leaves the actor legacy, and the pairs as they are.
Status MigrateUnsynced(const std::shared_ptr<Store>& store,
                       const std::string& name,
                       const std::function<Status()>& keep_on,
                       MigrationResult* result);

// Says what a migration would do, without doing it: the repairs. Errors: as
// Migrate().
Status PlanMigration(const std::shared_ptr<Store>& store,
                     const LegacyActor& actor,
                     const std::function<Status()>& keep_on,
                     std::vector<std::string>* repairs);

}  // namespace actorkv

#endif  // ACTORKV_VFS_MIGRATE_MIGRATION_H_
