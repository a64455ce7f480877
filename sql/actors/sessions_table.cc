#include "sql/actors/sessions_table.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/duration.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "sql/bind/owner_call.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

// Processes with other modules read these by their order: new ones go last.
constexpr char kDeclaration[] =
    "CREATE TABLE x(session INTEGER, pid INTEGER, uid INTEGER, program TEXT,"
    " module TEXT, since_at_ms INTEGER, last_request_at_ms INTEGER,"
    " channels INTEGER, open_actors INTEGER, pins INTEGER, writing_actor TEXT,"
    " requests INTEGER, received_bytes INTEGER, sent_bytes INTEGER)";

enum ColumnIndex {
  kSession,
  kPid,
  kUid,
  kProgram,
  kModule,
  kSinceAt,
  kLastRequestAt,
  kChannels,
  kOpenActors,
  kPins,
  kWritingActor,
  kRequests,
  kReceivedBytes,
  kSentBytes,
};

using Columns = std::vector<CallValue>;

uint64_t Number(const Columns& row, ColumnIndex index) {
  if (index >= row.size() || row[index].kind != ValueKind::kInteger) return 0;
  return row[index].number;
}

std::string Words(const Columns& row, ColumnIndex index) {
  if (index >= row.size() || row[index].kind != ValueKind::kText) return "";
  return std::string(row[index].bytes);
}

SessionInfo FromRow(const Columns& row) {
  SessionInfo info;
  info.session = static_cast<uint32_t>(Number(row, kSession));
  info.pid = static_cast<uint32_t>(Number(row, kPid));
  info.uid = static_cast<uint32_t>(Number(row, kUid));
  info.program = Words(row, kProgram);
  info.module = Words(row, kModule);
  info.since_us = Number(row, kSinceAt) * kUsPerMs;
  info.last_request_us = Number(row, kLastRequestAt) * kUsPerMs;
  info.channel_count = Number(row, kChannels);
  info.open_actor_count = Number(row, kOpenActors);
  info.pin_count = Number(row, kPins);
  info.writing_actor = Words(row, kWritingActor);
  info.requests = Number(row, kRequests);
  info.bytes_received = Number(row, kReceivedBytes);
  info.bytes_sent = Number(row, kSentBytes);
  return info;
}

class SessionRows : public RowSource {
 public:
  explicit SessionRows(std::vector<SessionInfo> sessions)
      : sessions_(std::move(sessions)) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < sessions_.size();
    if (*has_row) row_ = &sessions_[next_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kSession:
        return result->Int(row_->session);
      case kPid:
        return result->IntOrNull(row_->pid);
      case kUid:
        return result->Int(row_->uid);
      case kProgram:
        return result->ErrorText(row_->program);
      case kModule:
        return result->ErrorText(row_->module);
      case kSinceAt:
        return result->Int(row_->since_us / kUsPerMs);
      case kLastRequestAt:
        return result->IntOrNull(row_->last_request_us / kUsPerMs);
      case kChannels:
        return result->Int(row_->channel_count);
      case kOpenActors:
        return result->Int(row_->open_actor_count);
      case kPins:
        return result->Int(row_->pin_count);
      case kWritingActor:
        return result->TextOrNull(row_->writing_actor);
      case kRequests:
        return result->Int(row_->requests);
      case kReceivedBytes:
        return result->Int(row_->bytes_received);
      case kSentBytes:
        return result->Int(row_->bytes_sent);
      default:
        return;
    }
  }

 private:
  const std::vector<SessionInfo> sessions_;
  size_t next_ = 0;
  const SessionInfo* row_ = nullptr;
};

Status OpenRows(Connection* connection, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  std::shared_ptr<Store> store;
  if (Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
      !s.ok()) {
    return s;
  }
  std::vector<SessionInfo> sessions;
  StoreRegistry* const registry = StoreRegistry::Instance();
  const std::shared_ptr<ShareClient> client = registry->ClientOf(store.get());
  if (client == nullptr) {
    sessions = registry->SessionsOf(store.get());
  } else if (Status s = client->RunInOwner(
                 kSessionsTable, {},
                 [&sessions](const Columns& row) {
                   sessions.push_back(FromRow(row));
                   return Status::Ok();
                 },
                 [connection] { return connection->KeepOn(); });
             !s.ok()) {
    return s;
  }
  *rows = std::make_unique<SessionRows>(std::move(sessions));
  return Status::Ok();
}

constexpr TableSpec kSessions = {kSessionsTable, kDeclaration, -1, 0, OpenRows};

}  // namespace

int RegisterSessionsTable(Connection* connection) {
  return RegisterTables<kSessions>(connection);
}

}  // namespace actorkv
