#include "sql/actors/events_table.h"

#include <memory>
#include <vector>

#include "kv/base/events.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(seq INTEGER, happened_at_ms INTEGER, store TEXT,"
    " actor TEXT, kind TEXT, detail TEXT, duration_us INTEGER)";

// `seq` numbers the events of the process: a gap between two looks says that
// some were dropped in between.
enum ColumnIndex {
  kSeq,
  kHappenedAt,
  kStore,
  kActor,
  kKind,
  kDetail,
  kDuration,
};

// All rows are of one moment.
class EventRows : public RowSource {
 public:
  EventRows() : events_(ReadEvents()) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < events_.size();
    if (*has_row) event_ = &events_[next_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kSeq:
        return result->Int(event_->seq);
      case kHappenedAt:
        return result->Int(event_->happened_at_ms);
      case kStore:
        // Paths are any bytes but NUL; text in SQL is UTF-8, so what is not is
        // escaped.
        return result->ErrorText(event_->store);
      case kActor:
        if (event_->actor.empty()) return;
        return result->ErrorText(event_->actor);
      case kKind:
        return result->Text(EventKindName(event_->kind));
      case kDetail:
        if (event_->detail.empty()) return;
        return result->ErrorText(event_->detail);
      case kDuration:
        if (event_->duration_us.has_value()) result->Int(*event_->duration_us);
        return;
      default:
        return;
    }
  }

 private:
  const std::vector<Event> events_;
  size_t next_ = 0;
  const Event* event_ = nullptr;
};

Status OpenRows(Connection* /*connection*/, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  *rows = std::make_unique<EventRows>();
  return Status::Ok();
}

constexpr TableSpec kEvents = {"actorkv_events", kDeclaration, -1, 0, OpenRows};

}  // namespace

int RegisterEventsTable(Connection* connection) {
  return RegisterTables<kEvents>(connection);
}

}  // namespace actorkv
