// Legacy lease: the right to work on a legacy actor. It is a mark in the
// actor's legacy record, so there is no table of locks to grow or to clean.
//
// Invariants:
//  1. The mark is taken, kept and given back by commits that are guarded by the
//     record as the holder knows it. So one holder at a time changes the
//     record, and one that lost the lease changes nothing any more, its last
//     commit included.
//  2. A holder shows life by a heartbeat. A lease of another process is free
//     when the last one is kLeaseLimitUs old, or at once where its owner is
//     dead (Engine::IsAlive()).
//  3. The end of the object gives the lease back, whatever happened: in this
//     process even where that could not be stored.
//  4. Taking the lease, a heartbeat and giving it back are not synced. The
//     engine keeps the order of commits, so what is synced later has them; a
//     power loss before that takes the work as well, and its process.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_LEGACY_LEGACY_LEASE_H_
#define ACTORKV_KV_LEGACY_LEGACY_LEASE_H_

#include <functional>
#include <memory>
#include <string>

#include "kv/legacy/legacy_store.h"

namespace actorkv {

constexpr uint64_t kLeaseLimitUs = 30'000'000;
constexpr uint64_t kLeaseRenewUs = 5'000'000;

// Says ok when nobody has the lease. Errors: kBusy when somebody is at work on
// the actor, with whom and since when.
Status CheckLeaseIsFree(Store* store, const LegacyActor& actor);

class LegacyLease {
 public:
  using Change = std::function<void(LegacyRecord*)>;

  // Errors: those of LoadLegacy() and of CheckLeaseIsFree().
  static Status Acquire(const std::shared_ptr<Store>& store,
                        const std::string& name,
                        std::unique_ptr<LegacyLease>* lease);

  // Takes the lease, and stores the record as `change` makes it in the same
  // write: what the holder begins with.
  static Status Acquire(const std::shared_ptr<Store>& store,
                        const std::string& name, const Change& change,
                        std::unique_ptr<LegacyLease>* lease);
  ~LegacyLease();
  LegacyLease(const LegacyLease&) = delete;
  LegacyLease& operator=(const LegacyLease&) = delete;

  const LegacyActor& actor() const { return actor_; }
  const LegacyRecord& record() const { return actor_.record; }

  // Stores the record as `change` makes it, which is a heartbeat too. Errors:
  // kFenced when the lease was lost: nothing is to be done any more.
  Status Update(const Change& change);

  // Makes a heartbeat when the last one is older than kLeaseRenewUs; to be
  // called now and then. Errors: as Update().
  Status Renew();

  // Adds the end of a migration to the commit that makes `made`: the record
  // as `change` makes it, live and without a lease. See CommitSpec::also.
  void AddMigrated(const HeadState& made, const Change& change,
                   Batch* batch) const;

  // Gives the lease back, once, as the destructor does, with an outcome.
  Status Release();

 private:
  LegacyLease(std::shared_ptr<Store> store, LegacyActor actor);
  Status Write(const LegacyRecord& record, Durability durability);

  const std::shared_ptr<Store> store_;
  LegacyActor actor_;
  CommitId owner_ = {};
  bool held_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_LEGACY_LEASE_H_
