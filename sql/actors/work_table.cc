#include "sql/actors/work_table.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/process/running_work.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(what TEXT, actor TEXT, phase TEXT, done_bytes INTEGER,"
    " total_bytes INTEGER, rate_bytes_per_s INTEGER, started_at_ms INTEGER,"
    " pid INTEGER, store TEXT)";

enum ColumnIndex {
  kWhat,
  kActor,
  kPhase,
  kDoneBytes,
  kTotalBytes,
  kRate,
  kStartedAt,
  kPid,
  kStore,
};

// WorkRows takes all rows at once, so that rates are of one moment.
class WorkRows : public RowSource {
 public:
  explicit WorkRows(std::vector<WorkRow> rows)
      : rows_(std::move(rows)), now_ns_(SteadyNs()) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < rows_.size();
    if (*has_row) row_ = &rows_[next_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kWhat:
        return result->Text(WorkKindName(row_->what));
      case kActor:
        // The file may hold any bytes where somebody else wrote to it.
        if (row_->actor.empty()) return;
        return result->ErrorText(row_->actor);
      case kPhase:
        return result->TextOrNull(row_->phase);
      case kDoneBytes:
        return result->Int(row_->done_bytes);
      case kTotalBytes:
        return result->IntOrNull(row_->total_bytes);
      case kRate:
        return result->IntOrNull(row_->RateBytesPerSecond(now_ns_));
      case kStartedAt:
        return result->Int(row_->started_at_ms);
      case kPid:
        return result->Int(row_->pid);
      case kStore:
        return result->ErrorText(row_->store);
      default:
        return;
    }
  }

 private:
  const std::vector<WorkRow> rows_;
  const uint64_t now_ns_;
  size_t next_ = 0;
  const WorkRow* row_ = nullptr;
};

// The store is not opened: who looks is not to wait for what goes on in it.
Status OpenRows(Connection* connection, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  std::vector<WorkRow> work;
  if (Status s = ListWork(connection->DefaultStorePath(), &work); !s.ok()) {
    return s;
  }
  *rows = std::make_unique<WorkRows>(std::move(work));
  return Status::Ok();
}

constexpr TableSpec kWork = {"actorkv_work", kDeclaration, -1, 0, OpenRows};

}  // namespace

int RegisterWorkTable(Connection* connection) {
  return RegisterTables<kWork>(connection);
}

}  // namespace actorkv
