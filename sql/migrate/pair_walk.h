// PairWalk: the pairs of the actors of a store, for tables that show them:
// those that an actor came with, and behind them the rows of Rivet's tables in
// a live one (sql/migrate/rivet_rows.h). Nothing is listed ahead.

#ifndef ACTORKV_SQL_MIGRATE_PAIR_WALK_H_
#define ACTORKV_SQL_MIGRATE_PAIR_WALK_H_

#include <memory>
#include <optional>
#include <string>

#include "kv/legacy/legacy_store.h"
#include "kv/rivet/merged_pairs.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/actor_walk.h"
#include "sql/migrate/rivet_rows.h"

namespace actorkv {

struct PairWalkSpec {
  RivetPart part = RivetPart::kAll;  // kAll: as they are stored, else layout 1
  std::string prefix;                // of the keys that are wanted
};

class PairWalk {
 public:
  // With `only` no other actor is found.
  PairWalk(std::shared_ptr<Store> store, std::optional<std::string> only,
           PairWalkSpec spec)
      : spec_(std::move(spec)), walk_(std::move(store), std::move(only)) {}

  // Goes to the next pair. *new_actor: it is the first of an actor, or of its
  // tables. Actors that cannot be read, and databases that cannot be opened,
  // are passed over; actorkv_verify tells of them. Errors: kBusy, where other
  // pairs took the place of an actor's while these were read; kIOError; those
  // of the pairs, naming the actor.
  Status Next(bool* has_pair, bool* new_actor);

  const std::string& name() const { return walk_.name(); }
  const KeyValue& pair() const { return pair_; }
  // What the actor came with; null: the pair is a row of Rivet's tables.
  const LegacyActor* legacy() const {
    return from_tables() ? nullptr : &legacy_;
  }
  bool from_tables() const { return database_ != nullptr; }
  // The keys of the pairs mean nothing.
  bool opaque() const { return !from_tables() && legacy_.record.opaque(); }
  Engine* engine() const { return walk_.engine(); }

  // The row that no pair can hold, where this is one: it comes with the pairs
  // of kAll, behind the tables' others, and pair() has nothing.
  const std::optional<UnmappedRow>& unmapped() const { return unmapped_; }

  // Reads the value of a key of layout 1, of this actor, from where its pair
  // is.
  Status Get(const std::string& key, std::optional<std::string>* value);

 private:
  // Goes on to what comes next: the next actor's stored pairs, or this one's
  // tables. *more is false past the last.
  Status Begin(bool* more);
  Status BeginStored(bool* has);
  Status BeginTables(bool* has);
  Status NextUnmapped(bool* has);
  Status NextInPlace(bool* has);

  const PairWalkSpec spec_;
  ActorWalk walk_;
  bool stored_done_ = true;  // of the actor of walk_

  LegacyActor legacy_;
  std::unique_ptr<LegacyPairs> stored_;
  std::unique_ptr<PairReader> view_;
  Database database_;
  std::optional<RivetSchema> schema_;
  std::unique_ptr<PairSource> pairs_;
  std::unique_ptr<UnmappedRows> unmapped_rows_;

  KeyValue pair_;
  std::optional<UnmappedRow> unmapped_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_PAIR_WALK_H_
