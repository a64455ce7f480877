// TablePairs: a live actor as pairs, with those that are not of its database
// taken from the rows of tables in it: of those that a migration made of its
// pairs (sql/migrate/placed_rows.h), or of Rivet's (sql/migrate/rivet_rows.h).
// Its database is what it has without these tables.

#ifndef ACTORKV_SQL_MIGRATE_TABLE_PAIRS_H_
#define ACTORKV_SQL_MIGRATE_TABLE_PAIRS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/legacy/image_pairs.h"
#include "kv/legacy/legacy_store.h"
#include "kv/legacy/pair_export.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/target.h"
#include "vfs/legacy/table_removal.h"

namespace actorkv {

// PairsFrom says where the pairs of an actor come from that are not of its
// database.
enum class PairsFrom {
  kStored,       // from what it came with
  kTables,       // 'tables': the rows of _actorkv_...
  kRivetTables,  // 'rivet-tables': the rows of _rivet_...
};

// Reads 'tables' or 'rivet-tables'. Errors: kInvalidArgument, naming them.
Status ParsePairsFrom(const std::string& text, PairsFrom* from);

class TablePairs {
 public:
  // A version of a live actor, and what it came with, if anything.
  struct Actor {
    Target target;
    std::shared_ptr<const HeadState> state;
    const LegacyActor* legacy = nullptr;
  };

  // Prepares the pairs of `actor`, which must stay as long as the object.
  // `keep_on` is asked now and then. Errors: kInvalidArgument where the tables
  // are not there; kNotSupported for rows that no pair can hold, naming them;
  // those of the database.
  static Status Open(const Actor& actor, PairsFrom from,
                     const std::function<Status()>& keep_on,
                     std::unique_ptr<TablePairs>* pairs);

  // The pairs that are not of the database, in the order of their keys. Next()
  // fails with kInvalidArgument for a row that is no pair, or one larger than
  // Rivet's limits, naming it.
  PairSource* others() { return others_.get(); }

  // The database; false: there is none, neither now nor when the actor came.
  bool has_database() const { return has_database_; }
  const ImagePages& pages() const { return pages_; }

  // All of it as one source, in the order of the keys. It takes others() away.
  std::unique_ptr<PairSource> TakeAll();

 private:
  TablePairs() = default;
  Status OpenRows(const Actor& actor, PairsFrom from);
  Status OpenPlaced(const Actor& actor);
  Status OpenRivet();
  Status RemoveRows(const Actor& actor, const std::function<Status()>& keep_on);

  Database database_;
  std::unique_ptr<LegacyPairs> stored_;
  std::unique_ptr<PairReader> view_;  // stored_ in layout 1
  std::unique_ptr<PairSource> others_;
  std::vector<SchemaTable> tables_;  // that others_ are of

  std::unique_ptr<ImagePairs> whole_;  // with the tables
  RemainingDatabase remaining_;
  bool has_database_ = true;
  ImagePages pages_;
  std::unique_ptr<ImagePairs> image_;  // without them
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_TABLE_PAIRS_H_
