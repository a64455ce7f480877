// These make the database of a legacy actor, recovered from the pairs in its
// store: what a read-only open shows, and what a migration copies.

#ifndef ACTORKV_VFS_LEGACY_LEGACY_IMAGE_H_
#define ACTORKV_VFS_LEGACY_LEGACY_IMAGE_H_

#include <memory>
#include <string>

#include "kv/legacy/legacy_store.h"
#include "kv/process/open_wait.h"
#include "vfs/legacy/legacy_recovery.h"

namespace actorkv {

// Recovers the database, which of an opaque actor has no pages; *image keeps
// what it reads from. When the pairs are dropped under it, its reads fail: lost
// pages must not look like pages that were never written. Errors: those of
// Recover(), with the actor's name; kNotSupported when its pairs are of both
// layouts and contradict each other; kInvalidArgument when its SQLite pairs
// were dropped.
Status RecoverActor(const std::shared_ptr<Store>& store,
                    const LegacyActor& actor, const RecoveryOptions& options,
                    std::shared_ptr<RecoveredImage>* image);

// Makes the database in the pairs that the actor `name` came with, live or
// not: it needs neither the head nor a page of it. Errors: those of
// LoadKeptPairs() and RecoverActor().
Status OpenKeptImage(const std::shared_ptr<Store>& store,
                     const std::string& name,
                     std::shared_ptr<RecoveredImage>* image);

// Makes what a connection that opens the legacy actor `name` sees. While a
// migration is under way, `wait`, where there is one, waits for its end, and
// then this says so; without one it is the legacy form. *image stays null when
// the actor is live by then. Errors: kBusy; those of RecoverActor() and of
// wait->Pause().
Status OpenLegacyImage(const std::shared_ptr<Store>& store,
                       const std::string& name, const OpenWait* wait,
                       std::shared_ptr<RecoveredImage>* image);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_IMAGE_H_
