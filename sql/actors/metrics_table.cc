#include "sql/actors/metrics_table.h"

#include <memory>
#include <vector>

#include "kv/inspect/metrics_report.h"
#include "sql/bind/function.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] = "CREATE TABLE x(name TEXT, value, unit TEXT)";

// The value has no type in the declaration: counts are integers, and times
// fractions.
enum ColumnIndex { kName, kValue, kUnit };

// MetricsRows takes all rows from one snapshot, so that they go together.
class MetricsRows : public RowSource {
 public:
  MetricsRows() : rows_(MetricRows(ReadMetrics())) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < rows_.size();
    if (*has_row) row_ = &rows_[next_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kName:
        return result->Text(row_->name);
      case kValue:
        // A column that is not set is NULL (sqlite3_result_null() is the
        // default).
        if (!row_->value.has_value()) return;
        if (!row_->is_whole) return result->Real(*row_->value);
        return result->Int(static_cast<uint64_t>(*row_->value));
      case kUnit:
        return result->Text(row_->unit);
      default:
        return;
    }
  }

 private:
  const std::vector<MetricRow> rows_;
  size_t next_ = 0;
  const MetricRow* row_ = nullptr;
};

Status OpenRows(Connection* /*connection*/, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  *rows = std::make_unique<MetricsRows>();
  return Status::Ok();
}

// The text is a scalar, as an endpoint of HTTP gives it out whole.
Status Text(Call* call) {
  call->result().Text(MetricsText(ReadMetrics()));
  return Status::Ok();
}

constexpr TableSpec kMetrics = {"actorkv_metrics", kDeclaration, -1, 0,
                                OpenRows};
constexpr FunctionSpec kMetricsText = {"actorkv_metrics_text", "",  0, 0,
                                       Effects::kNone,         Text};

}  // namespace

int RegisterMetrics(Connection* connection) {
  const int code = RegisterTables<kMetrics>(connection);
  if (code != SQLITE_OK) return code;
  return RegisterFunctions<kMetricsText>(connection);
}

}  // namespace actorkv
