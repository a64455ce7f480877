#include "sql/register.h"

#include <functional>
#include <string>

#include "kv/process/store_registry.h"
#include "sql/actors/actor_functions.h"
#include "sql/actors/actors_table.h"
#include "sql/actors/events_table.h"
#include "sql/actors/hints_table.h"
#include "sql/actors/info_functions.h"
#include "sql/actors/info_table.h"
#include "sql/actors/metrics_table.h"
#include "sql/actors/retention_functions.h"
#include "sql/actors/serve_function.h"
#include "sql/actors/sessions_table.h"
#include "sql/actors/work_table.h"
#include "sql/bind/connection.h"
#include "sql/bind/owner_call.h"
#include "sql/health/doctor_table.h"
#include "sql/health/dump_table.h"
#include "sql/health/verify_table.h"
#include "sql/history/commits_table.h"
#include "sql/history/diff_table.h"
#include "sql/history/history_functions.h"
#include "sql/history/restore_like.h"
#include "sql/history/restore_plan_table.h"
#include "sql/history/restore_tables.h"
#include "sql/migrate/kv_table.h"
#include "sql/migrate/migrate_functions.h"
#include "sql/migrate/migrate_tables.h"
#include "sql/migrate/queue_tables.h"
#include "sql/salvage/salvage_tables.h"
#include "sql/transfer/backup_function.h"
#include "sql/transfer/export_all_table.h"
#include "sql/transfer/import_all_table.h"
#include "sql/transfer/pair_functions.h"
#include "sql/transfer/pairs_table.h"
#include "sql/transfer/transfer_functions.h"

namespace actorkv {

namespace {

using RegisterTheme = int (*)(Connection* connection);

// The order does not matter: themes do not know each other, and names are
// unique.
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
    RegisterHintsTable,       RegisterDumpTable,
    RegisterEventsTable,      RegisterQueueTables,
    RegisterSalvageTables,    RegisterPairFunctions,
    RegisterPairsTable,       RegisterWorkTable,
    RegisterSessionsTable,    RegisterServeFunction,
};

Status CallForOther(const std::string& store_path, const CallSpec& call,
                    const std::function<Status(const ShareServer::Row&)>& add,
                    const std::function<Status()>& keep_on) {
  return RunForOther(RegisterSql, store_path, call, add, keep_on);
}

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

void ServeCalls() {
  StoreRegistry::SetCallFunction(CallForOther);
  SetSqliteVersion(sqlite3_libversion());
}

}  // namespace actorkv
