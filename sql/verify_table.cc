#include "sql/verify_table.h"

#include <memory>
#include <string>
#include <vector>

#include "kv/verify.h"
#include "sql/table.h"
#include "sql/target.h"

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

class VerifyRows : public RowSource {
 public:
  VerifyRows(Connection* connection, std::shared_ptr<Store> store)
      : connection_(connection),
        store_(std::move(store)),
        verifier_(store_.get()) {}

  Verifier* verifier() { return &verifier_; }

  Status Next(bool* has_row) override {
    ++row_;
    while (row_ >= findings_.size() && !done_) {
      if (Status s = connection_->KeepOn(); !s.ok()) return s;
      row_ = 0;
      findings_.clear();
      verifier_.Step(&findings_, &done_);
    }
    *has_row = row_ < findings_.size();
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    const Finding& finding = findings_[row_];
    switch (index) {
      case kSeverity:
        return result->Text("error");
      case kActor:
        return result->TextOrNull(finding.actor);
      case kPgno:
        return result->IntOrNull(finding.pgno);
      case kTxid:
        return result->IntOrNull(finding.txid.value);
      case kDetail:
        return result->Text(finding.detail);
      case kMend:
        return result->Text(finding.mend);
      default:
        return;
    }
  }

 private:
  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  Verifier verifier_;
  std::vector<Finding> findings_;
  size_t row_ = 0;
  bool done_ = false;
};

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  Target target;
  Status s =
      arguments[0].has_value()
          ? ResolveTarget(connection, *arguments[0], StoreUse::kRead, &target)
          : connection->OpenDefaultStore(StoreUse::kRead, &target.store);
  if (!s.ok()) return s;
  auto made = std::make_unique<VerifyRows>(connection, target.store);
  if (arguments[0].has_value()) s = made->verifier()->SelectActor(target.actor);
  if (!s.ok()) return s;
  *rows = std::move(made);
  return Status::Ok();
}

constexpr TableSpec kVerify = {"actorkv_verify", kDeclaration, kTarget, 1,
                               OpenRows};

}  // namespace

int RegisterVerifyTable(Connection* connection) {
  return RegisterTables<kVerify>(connection);
}

}  // namespace actorkv
