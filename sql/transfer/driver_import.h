// Import of the store of RivetKit's file-system driver: its actors under their
// ids, with name and key.

#ifndef ACTORKV_SQL_TRANSFER_DRIVER_IMPORT_H_
#define ACTORKV_SQL_TRANSFER_DRIVER_IMPORT_H_

#include <memory>
#include <string>

#include "sql/transfer/directory_import.h"

namespace actorkv {

// Errors: those of DriverStore::List().
Status OpenDriverImport(Connection* connection, std::shared_ptr<Store> store,
                        const std::string& path,
                        std::unique_ptr<DirectoryImport>* import);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_DRIVER_IMPORT_H_
