// Verifier: reads everything a store holds and reports what is wrong.
//
// For each actor, live or deleted:
//  - its records decode, and its head has the commit record that it says;
//  - every chunk of every branch, in all versions, verifies against its
//    checksum and its page hash, a delta together with its base;
//  - every page of the head is there, and the sum of the page hashes is the
//    head's digest;
//  - every legacy pair verifies, and there are as many as were imported. And
// every record of the catalog decodes. Losses that the engine knows of are told
// first, as warnings.
//
// The work goes in bounded pieces with bounded memory. Whatever cannot be read
// is a finding, and the work goes on with what comes next.

#ifndef ACTORKV_KV_INSPECT_VERIFY_H_
#define ACTORKV_KV_INSPECT_VERIFY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/work_meter.h"
#include "kv/format/legacy_record.h"
#include "kv/format/records.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/actor.h"
#include "kv/store/pins.h"

namespace actorkv {

class Store;

struct Finding {
  std::string actor;  // empty: the store
  PageNo pgno = 0;    // 0: not of one page
  TxId txid;          // 0: not of one commit
  std::string detail;
  std::string mend;
  bool is_warning = false;  // false: something cannot be read
};

// Names the calls that save what is left of a damaged actor. `actor` is a
// literal of SQL.
std::string SalvageCalls(const std::string& actor);

// Adds the losses that the engine knows of. Errors: kIOError.
Status AddEngineDamage(Engine* engine, std::vector<Finding>* findings);

class Verifier {
 public:
  explicit Verifier(Store* store);

  // Has it verify only the actor of this name, instead of the whole store.
  // REQUIRES: no Step() was done. Errors: kNotFound.
  Status SelectActor(const std::string& name);

  // Has the work shown by a meter, which outlives this object.
  void ShowIn(WorkMeter* work) { work_ = work; }

  // Does a piece of the work; adds to *findings. *done: there is no more.
  void Step(std::vector<Finding>* findings, bool* done);

 private:
  enum class Phase {
    kEngine,
    kCatalog,
    kRecords,
    kPairs,
    kChunks,
    kPages,
    kEnd
  };

  void StepEngine(std::vector<Finding>* findings);
  void StepCatalog(std::vector<Finding>* findings);
  void StepRecords(std::vector<Finding>* findings);
  void StepPairs(std::vector<Finding>* findings);
  void StepChunks(std::vector<Finding>* findings);
  void StepPages(std::vector<Finding>* findings);

  Status CheckCatalogEntry(const KeyValue& pair);
  Status CheckPoint(const KeyValue& pair);
  Status CheckHistoryRecord(const KeyValue& pair);
  Status CheckActorRecord(const KeyValue& pair, TxId* txid);
  Status CheckLegacyRecord(const KeyValue& pair);
  Status CheckPair(const KeyValue& pair);
  Status CheckChunk(const KeyValue& pair, PageNo* pgno, TxId* txid);
  Status CheckDelta(const ChunkId& id, const DecodedChunk& chunk);
  void BeginActor(const std::string& label, const ActorEntry& entry);
  void EndActor();
  void BeginPairs(std::vector<Finding>* findings);
  void EndPairs(std::vector<Finding>* findings);
  void BeginBranch();
  void BeginPages(std::vector<Finding>* findings);
  Status LoadHead();
  Status ReadHead(std::optional<std::string>* bytes);
  Status PinHead(const std::string& bytes);
  bool HeadExpired();
  Status CheckHeadCommit();
  void CheckDigest(std::vector<Finding>* findings);
  // Tells that what is left of the actor's database can be saved.
  void AddSalvage(const std::string& what, std::vector<Finding>* findings);
  void Report(const Status& status, PageNo pgno, TxId txid,
              std::vector<Finding>* findings);

  Store* const store_;
  const std::unique_ptr<EngineReader> reader_;
  WorkMeter* work_ = nullptr;
  Phase phase_ = Phase::kEngine;
  bool one_actor_ = false;
  std::string next_key_;  // in the partition that the phase scans

  std::string next_catalog_key_;
  std::string label_;  // the actor's name, or its id where it has none
  ActorId actor_;
  ActorState state_ = ActorState::kLive;  // as its entry says
  bool has_no_name_ = false;  // its name was taken again, or it is over
  bool has_head_ = false;
  Pin pin_;             // of the head
  uint64_t epoch_ = 0;  // at which it was there (CheckNotExpired())
  std::optional<LegacyRecord> legacy_;
  uint64_t pair_count_ = 0;
  bool pairs_lost_ = false;
  std::vector<BranchId> branches_;  // the actor's, still to be read
  BranchId branch_;

  Head head_;
  std::unique_ptr<BranchReader> pages_;
  PageNo next_page_ = 1;
  uint64_t digest_ = 0;
  bool pages_missing_ = false;
  std::string page_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_VERIFY_H_
