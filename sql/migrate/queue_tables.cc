#include "sql/migrate/queue_tables.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/base/coding.h"
#include "kv/base/utf8.h"
#include "kv/rivet/actor_persist.h"
#include "kv/rivet/workflow.h"
#include "sql/bind/table.h"
#include "sql/migrate/pair_walk.h"

namespace actorkv {

namespace {

const char* SourceName(const PairWalk& walk) {
  return walk.from_tables() ? "rivet-tables" : "pairs";
}

void Time(std::optional<int64_t> time_ms, Result* result) {
  if (time_ms.has_value() && *time_ms >= 0) {
    result->Int(static_cast<uint64_t>(*time_ms));
  }
}

// ---- actorkv_queue ---------------------------------------------------------

constexpr char kQueueDeclaration[] =
    "CREATE TABLE x(actor TEXT, id INTEGER, name TEXT, body BLOB,"
    " created_at_ms INTEGER, failure_count INTEGER, available_at_ms INTEGER,"
    " in_flight INTEGER, in_flight_at_ms INTEGER, source TEXT, error TEXT)";

class QueueRows : public RowSource {
 public:
  QueueRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only),
              {RivetPart::kQueue, std::string(kQueueMessagePrefix)}) {}

  Status Next(bool* has_row) override {
    bool ignored = false;
    // The tables' part has the metadata, too, which is no message.
    do {
      if (Status s = walk_.Next(has_row, &ignored); !s.ok() || !*has_row) {
        return s;
      }
    } while (walk_.pair().key.size() !=
             kQueueMessagePrefix.size() + sizeof(uint64_t));
    message_ = QueueMessage();
    // A message that does not decode is a row that says so.
    decoded_ = DecodePersist(walk_.pair().value, &message_);
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->Text(walk_.name());
      case 1:
        return result->Int(
            LoadBig64(walk_.pair().key.data() + kQueueMessagePrefix.size()));
      case 9:
        return result->Text(SourceName(walk_));
      case 10:
        if (!decoded_.ok()) result->ErrorText(decoded_.ToString());
        return;
      default:
        if (decoded_.ok()) MessageColumn(index, result);
    }
  }

 private:
  void MessageColumn(int index, Result* result) const {
    switch (index) {
      case 2:
        return result->Text(EscapedUtf8(message_.name));
      case 3:
        return result->Blob(message_.body);
      case 4:
        return Time(message_.created_at_ms, result);
      case 5:
        if (message_.failure_count.has_value()) {
          result->Int(*message_.failure_count);
        }
        return;
      case 6:
        return Time(message_.available_at_ms, result);
      case 7:
        if (message_.in_flight.has_value()) {
          result->Int(*message_.in_flight ? 1 : 0);
        }
        return;
      case 8:
        return Time(message_.in_flight_at_ms, result);
      default:
        return;
    }
  }

  PairWalk walk_;
  QueueMessage message_;
  Status decoded_;
};

// ---- actorkv_workflow ------------------------------------------------------

constexpr char kWorkflowDeclaration[] =
    "CREATE TABLE x(actor TEXT, part TEXT, location TEXT, entry_id TEXT,"
    " name TEXT, kind TEXT, status TEXT, attempts INTEGER,"
    " created_at_ms INTEGER, completed_at_ms INTEGER, deadline_ms INTEGER,"
    " error TEXT, key BLOB, value BLOB, source TEXT)";

enum WorkflowColumn {
  kActor,
  kPart,
  kLocation,
  kEntryId,
  kName,
  kKind,
  kStatus,
  kAttempts,
  kCreatedAt,
  kCompletedAt,
  kDeadline,
  kError,
  kKey,
  kValue,
  kSource,
};

class WorkflowRows : public RowSource {
 public:
  WorkflowRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only),
              {RivetPart::kWorkflow, std::string(kWorkflowPrefix)}) {}

  Status Next(bool* has_row) override {
    bool ignored = false;
    if (Status s = walk_.Next(has_row, &ignored); !s.ok() || !*has_row) {
      return s;
    }
    const KeyValue& pair = walk_.pair();
    key_ = ParseWorkflowKey(pair.key);
    entry_ = WorkflowEntry();
    metadata_ = WorkflowMetadata();
    location_.clear();
    decoded_ = Status::Ok();
    if (key_.part == WorkflowPart::kMetadata) {
      decoded_ = DecodeWorkflowMetadata(pair.value, &metadata_);
    }
    if (key_.part != WorkflowPart::kHistory) return Status::Ok();
    decoded_ = DecodeWorkflowEntry(pair.value, &entry_);
    return FindLocation();
  }

  void Column(int index, Result* result) const override {
    const KeyValue& pair = walk_.pair();
    switch (index) {
      case kActor:
        return result->Text(walk_.name());
      case kPart:
        return result->Text(WorkflowPartName(key_.part));
      case kLocation:
        return result->TextOrNull(EscapedUtf8(location_));
      case kEntryId:
        return result->TextOrNull(
            EscapedUtf8(key_.entry_id.empty() ? entry_.id : key_.entry_id));
      case kName:
        return result->TextOrNull(EscapedUtf8(
            key_.part == WorkflowPart::kName ? pair.value : entry_.name));
      case kError:
        return ErrorColumn(result);
      case kKey:
        return result->Blob(pair.key);
      case kValue:
        return result->Blob(pair.value);
      case kSource:
        return result->Text(SourceName(walk_));
      default:
        return StateColumn(index, result);
    }
  }

 private:
  void StateColumn(int index, Result* result) const {
    switch (index) {
      case kKind:
        return result->TextOrNull(entry_.kind);
      case kStatus:
        if (key_.part == WorkflowPart::kState) {
          return result->Text(EscapedUtf8(walk_.pair().value));
        }
        return result->TextOrNull(*entry_.status != '\0' ? entry_.status
                                                         : metadata_.status);
      case kAttempts:
        if (IsMetadata()) result->Int(metadata_.attempts);
        return;
      case kCreatedAt:
        if (IsMetadata()) result->Int(metadata_.created_at_ms);
        return;
      case kCompletedAt:
        if (metadata_.completed_at_ms.has_value()) {
          result->Int(*metadata_.completed_at_ms);
        }
        return;
      case kDeadline:
        if (entry_.deadline_ms.has_value()) result->Int(*entry_.deadline_ms);
        return;
      default:
        return;
    }
  }

  // What the workflow says went wrong, or why the value does not decode.
  void ErrorColumn(Result* result) const {
    if (!decoded_.ok()) return result->ErrorText(decoded_.ToString());
    const std::optional<std::string>& error =
        IsMetadata() ? metadata_.error : entry_.error;
    if (error.has_value()) result->ErrorText(*error);
  }

  bool IsMetadata() const {
    return key_.part == WorkflowPart::kMetadata && decoded_.ok();
  }

  // Names the steps to an entry, with the rounds of loops:
  // "order/retry[2]/pay". A name that is not there is shown by its number.
  Status FindLocation() {
    for (const WorkflowStep& step : key_.location) {
      std::optional<std::string> name;
      if (Status s = walk_.Get(WorkflowNameKey(step.name), &name); !s.ok()) {
        return s.WithContext("actor=" + walk_.name());
      }
      if (!location_.empty()) location_ += '/';
      location_ += name.value_or("#" + std::to_string(step.name));
      if (step.round.has_value()) {
        location_ += "[" + std::to_string(*step.round) + "]";
      }
    }
    return Status::Ok();
  }

  PairWalk walk_;
  WorkflowKey key_;
  WorkflowEntry entry_;
  WorkflowMetadata metadata_;
  std::string location_;
  Status decoded_;
};

constexpr TableSpec kQueue = {"actorkv_queue", kQueueDeclaration, 0, 0,
                              OpenStoreRows<QueueRows>};
constexpr TableSpec kWorkflow = {"actorkv_workflow", kWorkflowDeclaration, 0, 0,
                                 OpenStoreRows<WorkflowRows>};

}  // namespace

int RegisterQueueTables(Connection* connection) {
  return RegisterTables<kQueue, kWorkflow>(connection);
}

}  // namespace actorkv
