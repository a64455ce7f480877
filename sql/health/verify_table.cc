#include "sql/health/verify_table.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/inspect/verify.h"
#include "kv/inspect/version_check.h"
#include "sql/bind/table.h"
#include "sql/bind/target.h"
#include "sql/history/version.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(severity TEXT, actor TEXT, pgno INTEGER, txid INTEGER,"
    " detail TEXT, mend TEXT, target TEXT HIDDEN, point TEXT HIDDEN)";

enum ColumnIndex {
  kSeverity,
  kActor,
  kPgno,
  kTxid,
  kDetail,
  kMend,
  kTarget,
};

// VerifyStep does a piece of the work, as Verifier::Step() does.
using VerifyStep = std::function<Status(std::vector<Finding>*, bool*)>;

class VerifyRows : public RowSource {
 public:
  VerifyRows(Connection* connection, std::shared_ptr<Store> store,
             VerifyStep step)
      : connection_(connection),
        store_(std::move(store)),
        step_(std::move(step)) {}

  Status Next(bool* has_row) override {
    ++row_;
    // A sound store gives no row for a long time: each step is a chance to be
    // interrupted.
    while (row_ >= findings_.size() && !done_) {
      if (Status s = connection_->KeepOn(); !s.ok()) return s;
      row_ = 0;
      findings_.clear();
      if (Status s = step_(&findings_, &done_); !s.ok()) return s;
    }
    *has_row = row_ < findings_.size();
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    const Finding& finding = findings_[row_];
    switch (index) {
      case kSeverity:
        return result->Text(finding.is_warning ? "warning" : "error");
      case kActor:
        return result->TextOrNull(finding.actor);
      case kPgno:
        // Findings of records and of the store are of no page.
        return result->IntOrNull(finding.pgno);
      case kTxid:
        return result->IntOrNull(finding.txid.value);
      case kDetail:
        return result->ErrorText(finding.detail);
      case kMend:
        return result->Text(finding.mend);
      default:
        return;
    }
  }

 private:
  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const VerifyStep step_;
  std::vector<Finding> findings_;
  size_t row_ = 0;
  bool done_ = false;
};

// Shared, as a function has to be one that can be copied.
std::shared_ptr<WorkMeter> BeginVerify(const Target& target) {
  // NOLINTNEXTLINE(modernize-make-shared): a meter cannot be moved.
  return std::shared_ptr<WorkMeter>(
      new WorkMeter(target.BeginWork(WorkKind::kVerify)));
}

Status OpenVersionRows(Connection* connection, const Target& target,
                       const std::string& point,
                       std::unique_ptr<RowSource>* rows) {
  VersionSource source;
  if (target.actor.empty()) {
    return Status::InvalidArgument("a point is of one actor: name it");
  }
  if (Status s = FindVersion(target, point, &source); !s.ok()) return s;
  auto checker = std::make_shared<VersionChecker>(target.engine(), target.actor,
                                                  source.version);
  const std::shared_ptr<WorkMeter> work = BeginVerify(target);
  const Snapshot& snapshot = source.version->head.snapshot;
  work->Enter("pages", uint64_t{snapshot.page_count} * snapshot.page_size);
  checker->ShowIn(work.get());
  *rows = std::make_unique<VerifyRows>(
      connection, target.store,
      [work, checker, source](std::vector<Finding>* findings,
                              bool* done) -> Status {
        std::vector<Finding> found;
        checker->Step(&found, done);
        // What was found in a version that has expired meanwhile may be what
        // reclaim removed, so it is kept back until here.
        if (Status s = CheckRead(source); !s.ok()) return s;
        findings->insert(findings->end(), found.begin(), found.end());
        return Status::Ok();
      });
  return Status::Ok();
}

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  Target target;
  Status s =
      arguments[0].has_value()
          ? ResolveTarget(connection, *arguments[0], StoreUse::kRead, &target)
          : connection->OpenDefaultStore(StoreUse::kRead, &target.store);
  if (!s.ok()) return s;
  // A version of the past is checked by its pages and its digest alone; records
  // and chunks are the actor's, and are checked with its head.
  if (arguments[1].has_value()) {
    return OpenVersionRows(connection, target, *arguments[1], rows);
  }
  auto verifier = std::make_shared<Verifier>(target.store.get());
  if (arguments[0].has_value()) s = verifier->SelectActor(target.actor);
  if (!s.ok()) return s;
  const std::shared_ptr<WorkMeter> work = BeginVerify(target);
  verifier->ShowIn(work.get());
  *rows = std::make_unique<VerifyRows>(
      connection, target.store,
      [work, verifier](std::vector<Finding>* findings, bool* done) {
        verifier->Step(findings, done);
        return Status::Ok();
      });
  return Status::Ok();
}

constexpr TableSpec kVerify = {"actorkv_verify", kDeclaration, kTarget, 2,
                               OpenRows};

}  // namespace

int RegisterVerifyTable(Connection* connection) {
  return RegisterTables<kVerify>(connection);
}

}  // namespace actorkv
