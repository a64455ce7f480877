// What tests of legacy actors share: importing pairs in a few words, reading
// them back, and the records.

#ifndef ACTORKV_TESTS_SUPPORT_LEGACY_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_LEGACY_HARNESS_H_

#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/inspect/verify.h"
#include "kv/legacy/legacy_import.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/legacy/legacy_store.h"
#include "tests/support/map_pairs.h"
#include "tests/support/store_harness.h"

namespace actorkv {

inline ImportSpec SpecOf(const std::string& name) {
  ImportSpec spec;
  spec.name = name;
  return spec;
}

inline Status Import(const TestStore& store, const std::string& name,
                     const PairMap& pairs) {
  VectorSource source(pairs);
  LegacyRecord record;
  return ImportPairs(store.shared(), SpecOf(name), &source, &record);
}

inline Status Load(const TestStore& store, const std::string& name,
                   LegacyActor* actor) {
  return LoadLegacy(store->engine()->NewReader().get(), name, actor);
}

inline LegacyActor Loaded(const TestStore& store, const std::string& name) {
  LegacyActor actor;
  EXPECT_OK(Load(store, name, &actor));
  return actor;
}

inline PairMap StoredPairs(const TestStore& store, LegacyId legacy) {
  LegacyPairs pairs(store->engine(), legacy);
  return AllPairs(&pairs);
}

// Imports that ended badly and were not dropped yet.
inline size_t ImportRecordCount(const TestStore& store) {
  size_t count = 0;
  for (const KeyValue& pair : store.Scan(CatalogPartition())) {
    if (pair.key.substr(0, 1) == ImportPrefix()) ++count;
  }
  return count;
}

// "actor: what is wrong" for each finding; empty: the store is sound.
inline std::vector<std::string> Verified(const TestStore& store) {
  std::vector<Finding> findings;
  Verifier verifier(store.get());
  for (bool done = false; !done;) verifier.Step(&findings, &done);
  std::vector<std::string> details;
  details.reserve(findings.size());
  for (const Finding& finding : findings) {
    details.push_back(finding.actor + ": " + finding.detail);
  }
  return details;
}

// Commits two pages as the migration of the lease's actor.
inline Status Migrate(const TestStore& store, LegacyLease* lease) {
  TestTransaction transaction(store, lease->actor().name);
  transaction.Write(1, TestPage(kMinPageSize, 1, 1));
  transaction.Write(2, TestPage(kMinPageSize, 2, 1));
  std::vector<PendingCommit> commits = {transaction.Pending(7)};
  commits[0].spec.origin = Origin::kMigrate;
  commits[0].spec.also = [lease](const HeadState& made, Batch* batch) {
    lease->AddMigrated(
        made, [](LegacyRecord* record) { record->repairs = {"rolled back"}; },
        batch);
    return Status::Ok();
  };
  return CommitAll(store.get(), Durability::kSynced, &commits);
}

inline std::unique_ptr<LegacyLease> Lease(const TestStore& store,
                                          const std::string& name) {
  std::unique_ptr<LegacyLease> lease;
  EXPECT_OK(LegacyLease::Acquire(store.shared(), name, &lease));
  return lease;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_LEGACY_HARNESS_H_
