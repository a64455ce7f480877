#include "sql/health/doctor_table.h"

#include <memory>
#include <utility>
#include <vector>

#include "sql/bind/table.h"
#include "sql/health/doctor.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(severity TEXT, actor TEXT, pgno INTEGER, txid INTEGER,"
    " detail TEXT, mend TEXT, target TEXT HIDDEN)";

enum ColumnIndex {
  kSeverity,
  kActor,
  kPgno,
  kTxid,
  kDetail,
  kMend,
  kTarget,
};

class DoctorRows : public RowSource {
 public:
  explicit DoctorRows(std::vector<DoctorRow> rows) : rows_(std::move(rows)) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < rows_.size();
    if (*has_row) ++next_;
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    const DoctorRow& row = rows_[next_ - 1];
    switch (index) {
      case kSeverity:
        // A warning is of the store: no actor need have lost anything by it.
        if (row.finding.is_warning) return result->Text("warning");
        return result->Text(row.is_error ? "error" : "info");
      case kActor:
        return result->TextOrNull(row.finding.actor);
      case kPgno:
        // Page 0 is no page: the row is about the whole commit.
        return result->IntOrNull(row.finding.pgno);
      case kTxid:
        return result->IntOrNull(row.finding.txid.value);
      case kDetail:
        return result->ErrorText(row.finding.detail);
      case kMend:
        return result->TextOrNull(row.finding.mend);
      default:
        return;
    }
  }

 private:
  const std::vector<DoctorRow> rows_;
  size_t next_ = 0;
};

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  // The doctor is of one actor: to look for the newest sound commit of all
  // would read every version of everything.
  if (!arguments[0].has_value()) {
    return Status::InvalidArgument("it takes an actor: actorkv_doctor(actor)");
  }
  Target target;
  if (Status s =
          ResolveTarget(connection, *arguments[0], StoreUse::kRead, &target);
      !s.ok()) {
    return s;
  }
  std::vector<DoctorRow> found;
  // All the work is done before the first row: the advice at the end is what
  // the rows before it lead to.
  if (Status s = Doctor(connection, target, *arguments[0]).Run(&found);
      !s.ok()) {
    return s;
  }
  *rows = std::make_unique<DoctorRows>(std::move(found));
  return Status::Ok();
}

constexpr TableSpec kDoctor = {"actorkv_doctor", kDeclaration, kTarget, 1,
                               OpenRows};

}  // namespace

int RegisterDoctorTable(Connection* connection) {
  return RegisterTables<kDoctor>(connection);
}

}  // namespace actorkv
