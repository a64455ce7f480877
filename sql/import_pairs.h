// Import of actors that come as pairs: dumps, archives, the directory of
// Rivet's engine. They become legacy actors; those of an archive that have a
// database of Rivet's next layout (sqlite.bin) are live at once.

#ifndef ACTORKV_SQL_IMPORT_PAIRS_H_
#define ACTORKV_SQL_IMPORT_PAIRS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kv/container.h"
#include "kv/legacy_record.h"
#include "kv/store.h"
#include "sql/connection.h"

namespace actorkv {

struct ImportedActor {
  LegacyState state = LegacyState::kLegacy;
  uint64_t bytes = 0;  // of keys and values, and of a sqlite.bin's pages
  // Of the database; of a legacy one as its metadata say. 0: none.
  uint64_t page_count = 0;
};

// Imports the dump `path` (JSON lines or kv.bin, gzip or not) as `actor`, as in
// ResolveTarget(); its store is made where it is missing. Errors:
// kAlreadyExists; kInvalidArgument, kCorruption for what the file holds;
// kInterrupted; kNoSpace; kIOError. Nothing is left of a failed import.
Status ImportDump(Connection* connection, const std::string& actor,
                  const std::string& path, ContainerForm form,
                  ImportedActor* imported);

// The actors of a directory, one after another.
class DirectoryImport {
 public:
  // Errors: kNotFound; kInvalidArgument when it is neither an archive nor the
  // directory of an engine; kNotSupported.
  static Status Open(Connection* connection, std::shared_ptr<Store> store,
                     const std::string& path,
                     std::unique_ptr<DirectoryImport>* import);
  virtual ~DirectoryImport() = default;

  // Imports the next actor under its id. *name: the id; *more is false past
  // the last. *outcome: what came of it; the next call goes on behind it. The
  // result is not ok when there is no going on.
  virtual Status Next(std::string* name, bool* more, ImportedActor* imported,
                      Status* outcome) = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_IMPORT_PAIRS_H_
