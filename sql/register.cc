#include "sql/register.h"

#include "sql/actor_functions.h"
#include "sql/actors_table.h"
#include "sql/backup_function.h"
#include "sql/commits_table.h"
#include "sql/connection.h"
#include "sql/diff_table.h"
#include "sql/doctor_table.h"
#include "sql/export_all_table.h"
#include "sql/hints_table.h"
#include "sql/history_functions.h"
#include "sql/import_all_table.h"
#include "sql/info_functions.h"
#include "sql/info_table.h"
#include "sql/kv_table.h"
#include "sql/metrics_table.h"
#include "sql/migrate_functions.h"
#include "sql/migrate_tables.h"
#include "sql/restore_like.h"
#include "sql/restore_plan_table.h"
#include "sql/restore_tables.h"
#include "sql/retention_functions.h"
#include "sql/transfer_functions.h"
#include "sql/verify_table.h"

namespace actorkv {

namespace {

using RegisterTheme = int (*)(Connection* connection);

constexpr RegisterTheme kThemes[] = {
    RegisterInfoFunctions,    RegisterInfoTable,
    RegisterActorsTable,      RegisterCommitsTable,
    RegisterVerifyTable,      RegisterTransferFunctions,
    RegisterActorFunctions,   RegisterBackupFunction,
    RegisterMigrateFunctions, RegisterMigrateTables,
    RegisterImportAllTable,   RegisterExportAllTable,
    RegisterKvTable,          RegisterHistoryFunctions,
    RegisterRestoreTables,    RegisterDiffTable,
    RegisterDoctorTable,      RegisterRestorePlanTable,
    RegisterRestoreLike,      RegisterRetentionFunctions,
    RegisterRetentionTables,  RegisterMetrics,
    RegisterHintsTable,
};

}  // namespace

int RegisterSql(sqlite3* db) {
  // A connection that has it already may be running a statement, as in SELECT
  // load_extension(...), and SQLite does not replace functions meanwhile.
  if (Connection::Of(db) != nullptr) return SQLITE_OK;
  auto* const connection = new Connection(db);
  connection->Ref();  // until all are registered
  int code = SQLITE_OK;
  for (RegisterTheme register_theme : kThemes) {
    if (code == SQLITE_OK) code = register_theme(connection);
  }
  Connection::Unref(connection);
  return code;
}

}  // namespace actorkv
