#include "sql/actors/sessions_table.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/duration.h"
#include "kv/base/wall_clock.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "sql/bind/owner_call.h"
#include "sql/bind/store_times.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

// Processes with other modules read these by their order: new ones go last.
constexpr char kDeclaration[] =
    "CREATE TABLE x(session INTEGER, pid INTEGER, uid INTEGER, program TEXT,"
    " module TEXT, since_at_ms INTEGER, last_request_at_ms INTEGER,"
    " channels INTEGER, open_actors INTEGER, pins INTEGER, writing_actor TEXT,"
    " requests INTEGER, received_bytes INTEGER, sent_bytes INTEGER,"
    " oldest_txid_age_ms INTEGER, stopped_at_ms INTEGER, sqlite_version TEXT,"
    " engine_version TEXT)";

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
  kOldestAge,
  kStoppedAt,
  kSqliteVersion,
  kEngineVersion,
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

ShownSession FromRow(const Columns& row) {
  ShownSession session;
  SessionInfo& info = session.info;
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
  info.stopped_since_us = Number(row, kStoppedAt) * kUsPerMs;
  info.sqlite_version = Words(row, kSqliteVersion);
  info.engine_version = Words(row, kEngineVersion);
  session.oldest_age_ms = Number(row, kOldestAge);
  return session;
}

class SessionRows : public RowSource {
 public:
  explicit SessionRows(std::vector<ShownSession> sessions)
      : sessions_(std::move(sessions)) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < sessions_.size();
    if (*has_row) {
      oldest_age_ms_ = sessions_[next_].oldest_age_ms;
      row_ = &sessions_[next_++].info;
    }
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
      case kOldestAge:
        return result->IntOrNull(oldest_age_ms_);
      case kStoppedAt:
        return result->IntOrNull(row_->stopped_since_us / kUsPerMs);
      case kSqliteVersion:
        return result->ErrorText(row_->sqlite_version);
      case kEngineVersion:
        return result->ErrorText(row_->engine_version);
      default:
        return;
    }
  }

 private:
  const std::vector<ShownSession> sessions_;
  size_t next_ = 0;
  const SessionInfo* row_ = nullptr;
  uint64_t oldest_age_ms_ = 0;  // of the row
};

std::vector<ShownSession> OwnSessions(Store* store) {
  std::vector<ShownSession> sessions;
  const uint64_t now_us = WallClockUs();
  const TimeMap times = TimesShown(store);
  for (SessionInfo& info : StoreRegistry::Instance()->SessionsOf(store)) {
    ShownSession session;
    if (info.oldest_commit_us != 0) {
      const uint64_t at_us = times.Wall(info.oldest_commit_us);
      // That there is one shows.
      session.oldest_age_ms =
          std::max<uint64_t>(now_us - std::min(at_us, now_us), kUsPerMs) /
          kUsPerMs;
    }
    session.info = std::move(info);
    sessions.push_back(std::move(session));
  }
  return sessions;
}

Status OpenRows(Connection* connection, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  std::shared_ptr<Store> store;
  if (Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
      !s.ok()) {
    return s;
  }
  std::vector<ShownSession> sessions;
  if (Status s = LoadSessions(connection, store.get(), &sessions); !s.ok()) {
    return s;
  }
  *rows = std::make_unique<SessionRows>(std::move(sessions));
  return Status::Ok();
}

constexpr TableSpec kSessions = {kSessionsTable, kDeclaration, -1, 0, OpenRows};

}  // namespace

Status LoadSessions(Connection* connection, Store* store,
                    std::vector<ShownSession>* sessions) {
  const std::shared_ptr<ShareClient> client =
      StoreRegistry::Instance()->ClientOf(store);
  if (client == nullptr) {
    *sessions = OwnSessions(store);
    return Status::Ok();
  }
  std::vector<ShownSession> loaded;
  CallSpec call;
  call.function = kSessionsTable;
  Status s = client->RunInOwner(
      call,
      [&loaded](const Columns& row) {
        loaded.push_back(FromRow(row));
        return Status::Ok();
      },
      [connection] { return connection->KeepOn(); });
  if (s.ok()) *sessions = std::move(loaded);
  return s;
}

int RegisterSessionsTable(Connection* connection) {
  return RegisterTables<kSessions>(connection);
}

}  // namespace actorkv
