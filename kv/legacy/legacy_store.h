// Legacy store: reads and changes the legacy pairs of an actor, and its legacy
// record.

#ifndef ACTORKV_KV_LEGACY_LEGACY_STORE_H_
#define ACTORKV_KV_LEGACY_LEGACY_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "kv/engine/engine.h"
#include "kv/format/legacy_record.h"
#include "kv/legacy/pair_window.h"
#include "kv/rivet/pairs.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// An actor that has, or had, legacy pairs.
struct LegacyActor {
  std::string name;
  std::shared_ptr<const HeadState> head;  // with exists = false: none yet
  LegacyRecord record;
  std::string record_bytes;  // as stored

  ActorId actor() const { return head->entry.actor; }
};

// Loads an actor. A record beside a head that a migration made says live, even
// where the stored one does not say so yet. Errors: kNotFound when there is no
// such actor, or it has no legacy record; kCorruption.
Status LoadLegacy(EngineReader* reader, const std::string& name,
                  LegacyActor* legacy);

// Loads the name and the record alone, which say where the pairs are, also of
// an actor whose head is damaged; legacy->head stays null. Errors: kNotFound,
// with the same texts; kCorruption.
Status LoadKeptPairs(EngineReader* reader, const std::string& name,
                     LegacyActor* legacy);

// Sets *resumable where a migration of the actor died, and the next one can go
// on with this stage of it.
Status IsResumable(EngineReader* reader, ActorId actor, BranchId stage,
                   bool* resumable);

// Stores `record` in place of legacy->record, and makes it that. Errors:
// kConflict when somebody changed it since it was loaded.
Status UpdateLegacy(Store* store, const LegacyRecord& record,
                    LegacyActor* legacy,
                    Durability durability = Durability::kSynced);

// Checks that the pairs which `legacy` names are the actor's still, for whoever
// has read them to the end: they may have gone meanwhile, with the actor or
// because others took their place (kv/legacy/legacy_undo.h), and then what was
// read is not all of them. Errors: kNotFound, kBusy for the one and the other;
// kCorruption, kIOError.
Status CheckPairsRemain(Engine* engine, const LegacyActor& legacy);

// LegacyPairs: the pairs as they were imported. Each is verified as it is read.
class LegacyPairs : public PairReader {
 public:
  LegacyPairs(Engine* engine, LegacyId legacy);

  // Errors: kCorruption, naming the key; kIOError.
  Status Get(std::string_view key, std::optional<std::string>* value) override;
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override;

  // Calls `each` with all pairs, in the order of their keys, until it fails:
  // what reads all of them needs no search for each. The views are valid during
  // the call. Errors: as above; those of `each`.
  using Each =
      std::function<Status(std::string_view key, std::string_view value)>;
  Status ForEach(const Each& each);

 private:
  Status Decode(std::string_view stored_key, std::string_view stored,
                std::string_view* key, std::string_view* value) const;

  const LegacyId legacy_;
  const std::unique_ptr<EngineReader> reader_;
  PairWindow window_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_LEGACY_STORE_H_
