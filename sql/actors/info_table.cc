#include "sql/actors/info_table.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/duration.h"
#include "kv/base/time_text.h"
#include "kv/base/types.h"
#include "kv/base/utf8.h"
#include "kv/base/wall_clock.h"
#include "kv/history/point.h"
#include "kv/process/engines.h"
#include "kv/process/store_registry.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"
#include "sql/actors/known_bugs.h"
#include "sql/actors/sessions_table.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/store_times.h"
#include "sql/bind/table.h"
#include "vfs/actor/memory_file.h"
#include "vfs/sqlite/actor_path.h"

namespace actorkv {

namespace {

const char* AccessName(StoreAccess access) {
  switch (access) {
    case StoreAccess::kOwns:
      return "owns";
    case StoreAccess::kShares:
      return "shares";
    case StoreAccess::kFollows:
      return "follows";
  }
  return "";
}

constexpr char kDeclaration[] =
    "CREATE TABLE x(name TEXT, value, unit TEXT, level TEXT)";

enum ColumnIndex { kName, kValue, kUnit, kLevel };

// A store may have more actors than a table of a few rows should read.
constexpr int kMaxQuotaLooks = 1000;

// Less than a minute is what clocks that are set by the network differ by, and
// no news.
constexpr uint64_t kAheadIsNoticedUs = 60'000'000;

// That a process is stopped is worth a word after a part of the time for which
// what it reads is kept.
constexpr uint64_t kMaxStoppedNoticeMs = 600'000;
constexpr uint64_t kStoppedNoticePart = 6;

uint64_t StoppedNoticeMs(const Settings& settings) {
  const uint64_t part_ms = settings.session_pin_ms / kStoppedNoticePart;
  return settings.session_pin_ms == 0 ? kMaxStoppedNoticeMs
                                      : std::min(part_ms, kMaxStoppedNoticeMs);
}

struct Row {
  std::string name;
  std::string text;
  uint64_t number = 0;
  std::string unit;  // of a number; empty: the value is the text
  bool warning = false;
};

class InfoRows : public RowSource {
 public:
  // All rows are made at the beginning: they are few, and of one moment.
  explicit InfoRows(Connection* connection) {
    Versions();
    DefaultStore(connection);
    Limits();
    for (const KnownBug& bug : KnownBugsOf(sqlite3_libversion_number())) {
      rows_.push_back({bug.name, bug.text, 0, "", /*warning=*/true});
    }
  }

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
        if (!row_->unit.empty()) return result->Int(row_->number);
        return result->TextOrNull(row_->text);
      case kUnit:
        return result->TextOrNull(row_->unit);
      case kLevel:
        return result->Text(row_->warning ? "warning" : "info");
      default:
        return;
    }
  }

 private:
  void AddText(std::string name, std::string text) {
    rows_.push_back({std::move(name), std::move(text), 0, "", false});
  }
  void AddNumber(std::string name, uint64_t number, std::string unit) {
    rows_.push_back({std::move(name), "", number, std::move(unit), false});
  }

  void Versions() {
    AddText("actorkv_version", ACTORKV_VERSION);
    AddText("sqlite_version", sqlite3_libversion());
    // The SQLite that runs, not the one of the build: a host brings its own,
    // and a bug is in a version.
    AddText("sqlite_source_id", sqlite3_sourceid());
    for (const EngineHome* home : AllHomes()) {
      for (const EngineNote& note : home->Notes()) {
        AddText(note.name, note.value);
      }
    }
    AddNumber("store_format", kStoreFormat, "version");
    AddNumber("pid", static_cast<uint64_t>(getpid()), "process");
  }

  // A store that cannot be opened is a row, not an error: the other rows may
  // help to see why.
  void DefaultStore(Connection* connection) {
    std::shared_ptr<Store> store;
    const Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
    if (!s.ok()) {
      // To have no default store is no error; to have one that cannot be opened
      // is.
      const bool none = connection->store_path().empty() &&
                        s.code() == Code::kInvalidArgument;
      AddText("store", connection->store_path());
      if (!none) rows_.push_back({"store_error", s.ToString(), 0, "", true});
      return;
    }
    AddText("store", store->path());
    Sharing(store.get());
    StoppedSessions(connection, store.get());
    const TimeMap times = TimesShown(store.get());
    AddNumber("store_created_at_ms",
              times.Wall(store->record().created_at_us) / kUsPerMs, "ms");
    LostRecords(store.get());
    ClockRows(times);
    hold_ = store->clock()->Look();
    ActorRows(store);
  }

  void Sharing(Store* store) {
    const SharingInfo info = StoreRegistry::Instance()->SharingOf(store);
    AddText("store_access", AccessName(info.access));
    AddText("store_engine", EscapedUtf8(store->engine()->Describe()));
    if (info.owner_pid != 0) {
      AddNumber("owner_pid", info.owner_pid, "process");
      AddText("owner_program", EscapedUtf8(info.owner_program));
    }
    if (!info.file_system.empty()) {
      Warn("file_system",
           "the store is on " + info.file_system +
               ", which other machines may have as well: they do not share a "
               "store, and where they do not see each other's locks two of "
               "them may write to it at once and destroy it");
    }
    if (info.access == StoreAccess::kShares) return;
    if (info.access == StoreAccess::kOwns) {
      AddNumber("sessions", info.session_count, "sessions");
    }
    const bool is_wrong = !info.not_shared.empty() && !info.is_meant;
    rows_.push_back(
        {"not_shared", EscapedUtf8(info.not_shared), 0, "", is_wrong});
  }

  // A process that is stopped and reads keeps history, whoever looks.
  void StoppedSessions(Connection* connection, Store* store) {
    Settings settings;
    std::vector<ShownSession> sessions;
    // Advice: where it cannot be read there is none.
    if (store->read_only() ||
        !store->settings()->Get(ActorId{}, &settings).ok() ||
        !LoadSessions(connection, store, &sessions).ok()) {
      return;
    }
    const uint64_t now_us = WallClockUs();
    const uint64_t notice_us = StoppedNoticeMs(settings) * kUsPerMs;
    for (const ShownSession& session : sessions) {
      const SessionInfo& info = session.info;
      if (info.stopped_since_us == 0 || info.pin_count == 0 ||
          now_us < info.stopped_since_us + notice_us) {
        continue;
      }
      Warn("stopped_session",
           "process " + std::to_string(info.pid) + " (" +
               EscapedUtf8(info.program) + ") has been stopped for " +
               RoughDuration(now_us - info.stopped_since_us) +
               " while it reads: what it reads is kept " +
               (settings.session_pin_ms == 0
                    ? std::string("as long as it lives")
                    : "for " + DurationText(settings.session_pin_ms)) +
               " (session_pin_ms): resume or end it");
    }
  }

  void Warn(std::string name, std::string text) {
    rows_.push_back({std::move(name), std::move(text), 0, "", true});
  }

  void ClockRows(const TimeMap& times) {
    if (!times.believes_wall_clock()) {
      Warn("wall_clock",
           "the wall clock says " + TimeText(WallClockUs()) +
               ", which is not believed; the store goes on from its own time");
    }
    if (times.ahead_us() <= kAheadIsNoticedUs) return;
    Warn("clock_ahead",
         "the time of the store is " + RoughDuration(times.ahead_us()) +
             " ahead of the wall clock, which was ahead when it was used, or "
             "is behind now: times are shown and meant as of the wall clock, "
             "ids run ahead");
  }

  // Looks at the first actors by name only, so that this stays quick.
  void ActorRows(const std::shared_ptr<Store>& store) {
    ActorWalk walk(store);
    for (int i = 0; i < kMaxQuotaLooks; ++i) {
      bool found = false;
      Settings settings;
      // The rows are advice: where the look fails they are left out, and
      // actorkv_verify() says why.
      if (!walk.Next(&found).ok() || !found) return;
      const HeadState& state = walk.state();
      const ActorId actor = state.entry.actor;
      // A damaged actor is for actorkv_actors and actorkv_verify to show.
      if (!walk.status().ok()) continue;
      if (!store->settings()->Get(actor, &settings).ok()) continue;
      if (hold_.Covers(settings.retention_ms)) {
        Warn("history_held", hold_.Describe());
        hold_ = HistoryHold();  // once
      }
      if (!state.exists) continue;
      const Snapshot& head = state.head.snapshot;
      const uint64_t bytes = uint64_t{head.page_count} * head.page_size;
      if (settings.quota_soft_bytes == 0 || bytes <= settings.quota_soft_bytes)
        continue;
      rows_.push_back({"soft_quota",
                       "actor=" + walk.name() + " has " +
                           std::to_string(bytes) +
                           " bytes, its soft quota is " +
                           std::to_string(settings.quota_soft_bytes),
                       0, "", /*warning=*/true});
    }
  }

  void LostRecords(Store* store) {
    std::vector<EngineDamage> damages;
    if (!store->engine()->ListDamage(&damages).ok()) return;
    for (const EngineDamage& damage : damages) {
      // Records that are there and cannot be applied are another thing than
      // records that are gone: somebody may want them back.
      const bool kept = damage.kind == EngineDamage::Kind::kStranded;
      rows_.push_back({kept ? "stranded_log_records" : "lost_log_records",
                       damage.detail, 0, "", /*warning=*/true});
    }
  }

  void Limits() {
    // Limits are rows, so that a host can ask instead of having them in its
    // code.
    AddNumber("max_actor_name_bytes", kMaxActorNameBytes, "bytes");
    AddNumber("max_path_bytes", kMaxPathBytes, "bytes");
    AddNumber("min_page_size", kMinPageSize, "bytes");
    AddNumber("max_page_size", kMaxPageSize, "bytes");
    AddNumber("transaction_memory_bytes", kTransactionMemoryBytes, "bytes");
    AddNumber("journal_memory_bytes", kJournalMemoryBytes, "bytes");
  }

  HistoryHold hold_;
  std::vector<Row> rows_;
  size_t next_ = 0;
  const Row* row_ = nullptr;
};

Status OpenRows(Connection* connection, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  *rows = std::make_unique<InfoRows>(connection);
  return Status::Ok();
}

constexpr TableSpec kInfo = {"actorkv_info", kDeclaration, -1, 0, OpenRows};

}  // namespace

int RegisterInfoTable(Connection* connection) {
  return RegisterTables<kInfo>(connection);
}

}  // namespace actorkv
