#include "sql/transfer/pair_functions.h"

#include <memory>
#include <string>

#include "kv/base/metrics.h"
#include "kv/legacy/legacy_import.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"
#include "sql/transfer/pair_set.h"
#include "vfs/sqlite/file_methods.h"
#include "vfs/sqlite/last_error.h"

namespace actorkv {

namespace {

// ---- actorkv_pair_set() ----------------------------------------------------

constexpr char kPairSetName[] = "actorkv_pair_set";

ErrorOwner OwnerOf(sqlite3_context* context) {
  return {sqlite3_context_db_handle(context), {}};
}

void SetError(sqlite3_context* context, int code) {
  if (code == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(context);
  } else if (code != SQLITE_OK) {
    sqlite3_result_error_code(context, code);
  }
}

constexpr int kSlotBytes = sizeof(void*);

// SQLite keeps so many bytes for each group, zeros at first.
PairSet** SlotOf(sqlite3_context* context, int bytes) {
  return static_cast<PairSet**>(sqlite3_aggregate_context(context, bytes));
}

int Step(sqlite3_context* context, int arg_count, sqlite3_value** args) {
  if (arg_count < 2 || arg_count > 3) {
    sqlite3* const db = sqlite3_context_db_handle(context);
    std::string text;
    ReportCallError(
        {kPairSetName, db, Connection::Of(db)},
        Status::InvalidArgument("wrong number of arguments, write "
                                "actorkv_pair_set(key, value [, 'opaque'])"),
        &text);
    sqlite3_result_error(context, text.c_str(), -1);
    return SQLITE_OK;
  }
  PairSet** const slot = SlotOf(context, kSlotBytes);
  if (slot == nullptr) return SQLITE_NOMEM;
  if (*slot == nullptr) *slot = new PairSet;
  (*slot)->Add(arg_count, args);
  return SQLITE_OK;
}

void StepCallback(sqlite3_context* context, int arg_count,
                  sqlite3_value** args) {
  SetError(context, Guard([&] { return Step(context, arg_count, args); },
                          [&] { return OwnerOf(context); }));
}

void DropPairSet(void* set) { delete static_cast<PairSet*>(set); }

// Is called for each group that was begun, also where the query failed; then
// SQLite drops the result at once.
int Finish(sqlite3_context* context) {
  PairSet** const slot = SlotOf(context, 0);
  PairSet* set = slot == nullptr ? nullptr : *slot;
  if (slot != nullptr) *slot = nullptr;
  if (set == nullptr) set = new PairSet;
  sqlite3_result_pointer(context, set, PairSet::kType, DropPairSet);
  return SQLITE_OK;
}

void FinalCallback(sqlite3_context* context) {
  SetError(context, Guard([&] { return Finish(context); },
                          [&] { return OwnerOf(context); }));
}

// Flags as those of the functions (sql/bind/function.h).
int RegisterPairSet(Connection* connection) {
  constexpr int kAnyCount = -1;
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC;
  return sqlite3_create_function_v2(connection->db(), kPairSetName, kAnyCount,
                                    kFlags, nullptr, nullptr, StepCallback,
                                    FinalCallback, nullptr);
}

// ---- actorkv_import_pairs() ------------------------------------------------

Status Import(Call* call, const std::string& actor, PairSet* set,
              LegacyRecord* record) {
  Target target;
  std::unique_ptr<PairSource> pairs;
  if (Status s = set->status(); !s.ok()) {
    Add(Metric::kRefusedPairs);
    return s.WithContext("importing actor=" + actor);
  }
  Connection* const connection = call->connection();
  if (Status s = ResolveTarget(connection, actor, StoreUse::kCreate, &target);
      !s.ok()) {
    return s;
  }
  if (Status s = set->Open(&pairs); !s.ok()) {
    return s.WithContext("importing actor=" + actor);
  }
  ImportSpec spec;
  spec.name = target.actor;
  spec.form = LegacyForm::kRows;
  spec.opaque = set->opaque();
  spec.keep_on = [connection] { return connection->KeepOn(); };
  return ImportPairs(target.store, spec, pairs.get(), record);
}

Status RunImportPairs(Call* call) {
  std::string actor;
  LegacyRecord record;
  if (Status s = call->Text(0, "actor", &actor); !s.ok()) return s;
  auto* const set = static_cast<PairSet*>(call->Pointer(1, PairSet::kType));
  if (set == nullptr) {
    return Status::InvalidArgument(
        "the pairs are no set of a query: write SELECT "
        "actorkv_import_pairs(actor, actorkv_pair_set(key, value)) FROM ...: "
        "actor=" +
        actor);
  }
  if (Status s = Import(call, actor, set, &record); !s.ok()) return s;
  call->result().Int(record.pair_count);
  return Status::Ok();
}

constexpr FunctionSpec kImportPairs = {
    "actorkv_import_pairs",
    "actor, actorkv_pair_set(key, value [, 'opaque'])",
    2,
    2,
    Effects::kStore,
    RunImportPairs};

}  // namespace

int RegisterPairFunctions(Connection* connection) {
  const int code = RegisterPairSet(connection);
  if (code != SQLITE_OK) return code;
  return RegisterFunctions<kImportPairs>(connection);
}

}  // namespace actorkv
