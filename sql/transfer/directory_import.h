// Import of a directory of actors: an archive, the directory of Rivet's engine,
// or files as actorkv_export_all() writes them.

#ifndef ACTORKV_SQL_TRANSFER_DIRECTORY_IMPORT_H_
#define ACTORKV_SQL_TRANSFER_DIRECTORY_IMPORT_H_

#include <memory>
#include <string>

#include "kv/store/store.h"
#include "sql/bind/connection.h"
#include "sql/transfer/import.h"

namespace actorkv {

// DirectoryImport imports the actors of a directory, one after another.
class DirectoryImport {
 public:
  // Errors: kNotFound; kInvalidArgument when it is none of: an archive, the
  // directory of an engine, a directory of actors' files; kNotSupported.
  static Status Open(Connection* connection, std::shared_ptr<Store> store,
                     const std::string& path,
                     std::unique_ptr<DirectoryImport>* import);
  virtual ~DirectoryImport() = default;

  // Imports the next actor under its id; *more is false past the last. The next
  // call goes on behind it, whatever came of it. The result is not ok when
  // there is no going on.
  struct Outcome {
    std::string name;  // the actor's; of what is skipped, as it is called there
    bool skipped = false;  // it is no actor: the status says why
    Status status;
    ImportedActor imported;
  };
  virtual Status Next(Outcome* outcome, bool* more) = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_DIRECTORY_IMPORT_H_
