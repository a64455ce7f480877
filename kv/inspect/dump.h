// Dump: every stored pair of the catalog, of an actor or of one partition, as
// people read it (kv/inspect/pair_text.h). What is damaged, or of no known
// kind, is a row like any other, with its problem.
//
// Of an actor: its entry in the catalog, its records, the pages of its
// branches, those of the branches that it began at, also of other actors, and
// its legacy pairs.
//
// Invariants:
//  1. The work goes in bounded pieces with bounded memory: what is remembered
//     from one to the next is a place, and the branches of others, which are
//     as many as an actor has ancestors.
//  2. Nothing is pinned, and no reader is held between two pieces. So rows are
//     not of one moment: what changes meanwhile may be seen or not.

#ifndef ACTORKV_KV_INSPECT_DUMP_H_
#define ACTORKV_KV_INSPECT_DUMP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/inspect/pair_text.h"

namespace actorkv {

struct DumpRow {
  Partition partition = CatalogPartition();
  std::string key;  // as text
  std::string raw_key;
  uint64_t value_bytes = 0;
  RecordText record;
};

class Dump {
 public:
  // Of the catalog; only keys whose text begins with `begin`. `store_path` is
  // for messages. The engine must outlive it.
  Dump(Engine* engine, std::string store_path, std::string begin);

  // Of the actor of this name instead; where there is none, of the partition
  // whose text this is. Before any Step(). Errors: kNotFound.
  Status Select(const std::string& name);

  // Does a piece of the work; adds to *rows. *done: there is no more. Errors:
  // of what cannot be read.
  Status Step(std::vector<DumpRow>* rows, bool* done);

 private:
  // What comes after a partition.
  enum class Next { kNothing, kRecords, kBranches, kOthers, kPairs };

  Status AddEntry(EngineReader* reader, const KeyValue& entry,
                  std::vector<DumpRow>* rows);
  void SelectActor(ActorId actor);
  Status GoOn(EngineReader* reader);
  Status NextBranch(EngineReader* reader);
  Status NextOther(EngineReader* reader);
  Status FindPairs(EngineReader* reader);
  Status NoteNamed(EngineReader* reader);
  Status NoteOther(EngineReader* reader, const BranchPoint& point);
  void Begin(Partition partition);
  Status ReadSome(EngineReader* reader, std::vector<DumpRow>* rows);

  Engine* const engine_;
  const std::string store_path_;
  const std::string begin_;
  Next next_ = Next::kNothing;
  std::optional<KeyValue> entry_;  // of the catalog, to be told first

  std::optional<Partition> partition_;  // being read
  std::string key_prefix_;              // of what is read of it
  std::string next_key_;

  ActorId actor_;
  std::string next_branch_key_;
  // Branches that have no record of the actor's, with the actor that has.
  std::map<BranchId, ActorId> others_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_DUMP_H_
