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
//  4. Of an opaque actor nothing looks into a key, here or later.
//
// A pair above the limits that the store's settings have is refused, with the
// import, or kept and counted where they say so.
//
// A source without any pair is no error: it gives an actor that has nothing,
// with a warning.

#ifndef ACTORKV_KV_LEGACY_LEGACY_IMPORT_H_
#define ACTORKV_KV_LEGACY_LEGACY_IMPORT_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kv/base/work_meter.h"
#include "kv/engine/engine.h"
#include "kv/format/legacy_record.h"
#include "kv/pages/bulk_commits.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/pair_limits.h"
#include "kv/rivet/pairs.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// Pairs are stored in batches of this many at most, and of about the size that
// the engine takes best (kv/engine/engine_limits.h, StageBatchLimit). Small
// pairs fill that with some 60,000.
constexpr size_t kMaxImportBatchPairs = 65536;

struct ImportSpec {
  std::string name;  // the actor's
  LegacyForm form = LegacyForm::kJsonLines;
  std::string metadata_json;
  // The pairs are not Rivet's: their keys mean nothing.
  bool opaque = false;
  // What is to be told of the source, beside the pairs.
  std::vector<std::string> notes;
  // The actor is there already, and the pairs are to take the place of those
  // that this record of it tells of, see AddReplacing(). Its limits are kept.
  const LegacyRecord* replaced = nullptr;
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
  // a pair past the limits, a key that came before, each naming where, what and
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

  // Adds to the batch that makes these pairs the actor's, in the place of
  // `old`, all but its legacy record: from then on nobody drops these, and the
  // background drops the old ones. Only that record, which the same batch
  // has, decides whose either are. After the commit, Detach(), and where it was
  // done DropReplaced().
  void AddReplacing(ActorId actor, LegacyId old, Batch* batch);
  void DropReplaced(LegacyId old);
  // Leaves the pairs of a commit that may still land: a restart finds out.
  void Keep() { known_ = false; }

 private:
  Status CheckName(std::shared_ptr<const HeadState>* state) const;
  Status Begin();
  Status LoadLimits();
  Status CheckSize(const KeyValue& pair);
  Status Add(const KeyValue& pair);
  Status CheckIsNewKey(const std::string& key);
  bool IsInBatch(const std::string& key) const;
  void PutInBatch(const KeyValue& pair, const std::string& stored);
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
  PairLimits limits_;
  bool keeps_oversized_ = false;
  LegacyRecord record_;
  LayoutReport report_;

  BulkCommits commits_;
  Batch batch_;
  // The keys of batch_, once one of them did not rise. While all rise the batch
  // itself is in their order.
  std::set<std::string> batch_keys_;
  bool has_pairs_ = false;
  std::string largest_key_;  // the largest so far
};

// Does ReadAll() and Publish(). *record: what was stored of the actor.
Status ImportPairs(const std::shared_ptr<Store>& store, const ImportSpec& spec,
                   PairSource* source, LegacyRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_LEGACY_IMPORT_H_
