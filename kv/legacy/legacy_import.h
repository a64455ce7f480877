// Legacy import: pairs come into the store, and become an actor.
//
// Invariants:
//  1. Until one engine commit names them, the pairs are in a partition that
//     nobody can reach. An import that ends before is dropped in the
//     background, after a crash by the next open of the store.
//  2. Pairs are stored as they are, byte for byte. A key that comes twice is
//     an error, with equal values too: such a source is not what it says.
//  3. Memory is bounded by a few batches, whatever the source says of its
//     sizes.
//
// A source without any pair is no error: it gives an actor that has nothing,
// with a warning.

#ifndef ACTORKV_KV_LEGACY_LEGACY_IMPORT_H_
#define ACTORKV_KV_LEGACY_LEGACY_IMPORT_H_

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "kv/base/work_meter.h"
#include "kv/engine/engine.h"
#include "kv/format/legacy_record.h"
#include "kv/pages/bulk_commits.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/pairs.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// Pairs are stored in batches of about this, and of this many.
constexpr size_t kMaxImportBatchPairs = 8192;

struct ImportSpec {
  std::string name;  // the actor's
  LegacyForm form = LegacyForm::kJsonLines;
  std::string metadata_json;
  // A function that is asked now and then; an error of it ends the import.
  std::function<Status()> keep_on;
};

class LegacyImport {
 public:
  explicit LegacyImport(std::shared_ptr<Store> store);
  ~LegacyImport();  // leaves pairs that were not published to be dropped
  LegacyImport(const LegacyImport&) = delete;
  LegacyImport& operator=(const LegacyImport&) = delete;

  // Has the work shown by a meter, which outlives this object.
  void ShowIn(WorkMeter* work) { work_ = work; }

  // Stores all pairs of `source`; to be called once. Errors: kAlreadyExists
  // when the name is taken; kInvalidArgument for a name that no actor can have,
  // a pair past Rivet's limits, a key that came before, each naming what and
  // how large; those of the source.
  Status ReadAll(const ImportSpec& spec, PairSource* source);

  // The record that will be stored of the actor; the caller may add warnings.
  LegacyRecord* record() { return &record_; }
  const LayoutReport& report() const { return report_; }

  // Makes the actor, in state legacy, durably. Errors: kAlreadyExists.
  Status Publish();

  // Adds pairs that come with a database, whose actor is live from the start,
  // to the commit that makes it, see CommitSpec::also. After that commit, or
  // one whose outcome is not known, Detach() must be called.
  void AddTo(const HeadState& made, Batch* batch);
  void Detach();

 private:
  Status CheckName(std::shared_ptr<const HeadState>* state) const;
  Status Begin();
  Status Add(const KeyValue& pair);
  Status CheckIsNewKey(const std::string& key);
  Status Flush();
  void Describe();
  void PutRecord(ActorId actor, Batch* batch);
  Status AfterUnknown(const CommitResult& result, ActorId actor);

  const std::shared_ptr<Store> store_;
  const std::unique_ptr<EngineReader> reader_;
  ImportSpec spec_;
  WorkMeter* work_ = nullptr;
  LegacyId legacy_;     // 0: not begun
  bool known_ = false;  // its import record is in the store, or may be
  LegacyRecord record_;
  LayoutReport report_;

  BulkCommits commits_;
  Batch batch_;
  std::set<std::string> batch_keys_;  // of batch_
  bool has_pairs_ = false;
  std::string largest_key_;  // the largest so far
};

// Does ReadAll() and Publish(). *record: what was stored of the actor.
Status ImportPairs(const std::shared_ptr<Store>& store, const ImportSpec& spec,
                   PairSource* source, LegacyRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_LEGACY_IMPORT_H_
