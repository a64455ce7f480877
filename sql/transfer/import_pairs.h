// Import of an actor that comes as pairs: it becomes a legacy actor, or with a
// database of Rivet's next layout (sqlite.bin) a live one.

#ifndef ACTORKV_SQL_TRANSFER_IMPORT_PAIRS_H_
#define ACTORKV_SQL_TRANSFER_IMPORT_PAIRS_H_

#include <memory>
#include <string>

#include "kv/legacy/legacy_import.h"
#include "kv/rivet/container.h"
#include "sql/bind/connection.h"
#include "sql/transfer/import.h"

namespace actorkv {

class Store;

struct DumpFile {
  std::string path;  // absolute
  ContainerForm form = ContainerForm::kJsonLines;
  bool opaque = false;  // its keys mean nothing
};

// Imports a dump (JSON lines or kv.bin, gzip or not). Errors:
// kAlreadyExists; kInvalidArgument, kCorruption for what the file holds, also
// for no pair at all; kInterrupted; kNoSpace; kIOError; those of
// `find_target`. Nothing is left of a failed import.
Status ImportDump(Connection* connection, const FindTarget& find_target,
                  const DumpFile& dump, ImportedActor* imported);

// Imports pairs. Errors: those of kv/legacy/legacy_import.h.
Status ImportLegacy(const std::shared_ptr<Store>& store, const ImportSpec& spec,
                    PairSource* source, ImportedActor* imported);

// Imports pairs with the database in the file `sqlite_bin`, in one commit.
// Errors: also those of RivetV2Database::Open() and Recover().
Status ImportWithDatabase(const std::shared_ptr<Store>& store,
                          const ImportSpec& spec, PairSource* source,
                          const std::string& sqlite_bin,
                          ImportedActor* imported);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_IMPORT_PAIRS_H_
