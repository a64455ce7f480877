#include "sql/history/restore_plan_table.h"

#include <memory>

#include "kv/history/restore_plan.h"
#include "sql/bind/table.h"
#include "sql/history/version.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(page_count INTEGER, changed_page_count INTEGER,"
    " bytes INTEGER, commit_count INTEGER, actor TEXT HIDDEN,"
    " point TEXT HIDDEN)";

enum ColumnIndex {
  kPageCount,
  kChangedPageCount,
  kBytes,
  kCommitCount,
  kActor
};

class PlanRow : public RowSource {
 public:
  explicit PlanRow(const RestorePlan& plan) : plan_(plan) {}

  // One row: a table, so that each number has a name.
  Status Next(bool* has_row) override {
    *has_row = !done_;
    done_ = true;
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kPageCount:
        return result->Int(plan_.page_count);
      case kChangedPageCount:
        return result->Int(plan_.changed_page_count);
      case kBytes:
        return result->Int(plan_.bytes);
      case kCommitCount:
        return result->Int(plan_.commit_count);
      default:
        return;
    }
  }

 private:
  const RestorePlan plan_;
  bool done_ = false;
};

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value() || !arguments[1].has_value()) {
    return Status::InvalidArgument(
        "it takes an actor and a point: actorkv_restore_plan(actor, point)");
  }
  Target target;
  VersionSource head;
  VersionSource version;
  RestorePlan plan;
  // Two versions may share few pages, and comparing them takes as long as
  // reading both.
  const auto keep_on = [connection] { return connection->KeepOn(); };
  Status s = ResolveTarget(connection, *arguments[0], StoreUse::kRead, &target);
  if (s.ok()) s = FindVersion(target, "head", &head);
  if (s.ok()) s = FindVersion(target, *arguments[1], &version);
  if (s.ok()) s = PlanRestore(head, version, keep_on, &plan);
  // The numbers count only where both versions were there until the end.
  if (s.ok()) s = CheckRead(head);
  if (s.ok()) s = CheckRead(version);
  if (!s.ok()) return s;
  *rows = std::make_unique<PlanRow>(plan);
  return Status::Ok();
}

constexpr TableSpec kRestorePlan = {"actorkv_restore_plan", kDeclaration,
                                    kActor, 2, OpenRows};

}  // namespace

int RegisterRestorePlanTable(Connection* connection) {
  return RegisterTables<kRestorePlan>(connection);
}

}  // namespace actorkv
