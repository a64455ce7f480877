#include "sql/health/doctor.h"

#include <algorithm>
#include <utility>

#include "kv/base/time_text.h"
#include "kv/history/history.h"
#include "kv/history/point.h"
#include "kv/inspect/version_check.h"
#include "sql/bind/store_times.h"
#include "sql/health/damage.h"

namespace actorkv {

namespace {

constexpr uint64_t kCommitsBetweenChecks = 256;
// A check runs a statement on the user's connection, so it must be rare.
constexpr int kOpcodesBetweenChecks = 100'000;  // of SQLite

// Returns the text as a SQL literal.
std::string Literal(const std::string& text) {
  std::string literal = "'";
  for (const char c : text) {
    if (c == '\'') literal += '\'';
    literal += c;
  }
  return literal + "'";
}

std::string CommitText(const TimeMap& times, const HeadState& version) {
  return "txid " + std::to_string(version.head.snapshot.txid.value) + " of " +
         TimeText(times.Wall(version.head.committed_at_us));
}

}  // namespace

// --- One commit --------------------------------------------------------------

Status Doctor::QuickCheck(const VersionSource& source, Examination* result) {
  const TxId txid = source.version->head.snapshot.txid;
  Database db;
  std::vector<std::string> lines;
  work_.Enter("quick_check");
  // The check runs on a connection of its own, to the version alone: the user's
  // has the head, and perhaps a transaction.
  Status s = OpenVersion(target_, *source.version, &db);
  if (s.ok()) {
    // Ctrl-C on the user's connection stops this one.
    sqlite3_progress_handler(
        db.get(), kOpcodesBetweenChecks,
        [](void* connection) {
          return static_cast<Connection*>(connection)->KeepOn().ok() ? 0 : 1;
        },
        connection_);
    s = QueryTexts(db.get(), "PRAGMA quick_check(10)", "", &lines);
    // The connection lacks what only the application has, such as functions in
    // a CHECK. That is no damage, and the rest is checked without them.
    if (!s.ok() && s.code() != Code::kCorruption &&
        s.code() != Code::kInterrupted) {
      s = Execute(db.get(), "PRAGMA ignore_check_constraints = ON");
      if (s.ok()) {
        s = QueryTexts(db.get(), "PRAGMA quick_check(10)", "", &lines);
      }
    }
    sqlite3_progress_handler(db.get(), 0, nullptr, nullptr);
  }
  if (Status keep_on = connection_->KeepOn(); !keep_on.ok()) return keep_on;
  if (s.code() == Code::kCorruption) lines = {s.ToString()};
  // Any other error means something else that only the application has, such as
  // a collation.
  if (!s.ok() && s.code() != Code::kCorruption) return Status::Ok();
  for (const std::string& line : lines) {
    if (line == "ok") continue;
    result->findings.push_back(
        {target_.actor, 0, txid, "quick_check: " + line, ""});
  }
  return Status::Ok();
}

Status Doctor::Examine(const VersionSource& source, Examination* result) {
  VersionChecker checker(source.engine(), target_.actor, source.version);
  checker.ShowIn(&work_);
  for (bool done = false; !done;) {
    if (Status s = connection_->KeepOn(); !s.ok()) return s;
    checker.Step(&result->findings, &done);
    if (Status s = CheckRead(source); !s.ok()) return s;
    // So many are enough to say that the version is not sound, and each costs a
    // row.
    if (result->findings.size() >= kMaxDamagedPages) return Status::Ok();
  }
  return result->sound() ? QuickCheck(source, result) : Status::Ok();
}

void Doctor::Remember(const Examination& result) {
  for (const Finding& finding : result.findings) {
    if (finding.pgno == 0 || damaged_.size() >= 2 * kMaxDamagedPages) continue;
    damaged_.push_back(finding.pgno);
  }
}

// --- Going back --------------------------------------------------------------

bool Doctor::AvoidsDamage(const VersionSource& source) const {
  VersionChecker checker(source.engine(), target_.actor, source.version);
  return std::all_of(damaged_.begin(), damaged_.end(), [&](PageNo pgno) {
    TxId txid;
    return pgno > source.version->head.snapshot.page_count ||
           checker.CheckPage(pgno, &txid).ok();
  });
}

Status Doctor::Search(const VersionSource& head, bool* found,
                      VersionSource* sound) {
  const std::unique_ptr<EngineReader> reader = target_.engine()->NewReader();
  CommitScan scan(reader.get(), head.version->entry.actor);
  *found = false;
  uint64_t seen = 0;
  for (int read = 0; read < kMaxCommitsRead;) {
    if (seen++ % kCommitsBetweenChecks == 0) {
      if (Status s = connection_->KeepOn(); !s.ok()) return s;
    }
    bool there = false;
    CommitRecord record;
    // Where history itself is damaged, there is nothing to go back to.
    if (!scan.Next(&there, &record).ok() || !there) return Status::Ok();
    if (!(record.snapshot.txid < head.version->head.snapshot.txid)) continue;
    VersionSource version = head;
    const auto pin = std::make_shared<Pin>();
    version.pin = pin;
    // A commit that cannot be pinned is damaged, or has expired since.
    if (!PinCommit(target_.store.get(), *head.version, record, pin.get(),
                   &version.version)
             .ok()) {
      continue;
    }
    // This look is cheap; a commit that still sees a damaged page does not
    // count as read.
    if (!AvoidsDamage(version)) continue;
    ++read;
    work_.Enter("history");
    Examination result;
    Status s = Examine(version, &result);
    // The commit has expired: a follower's pins keep nothing.
    if (s.code() == Code::kConflict) continue;
    if (!s.ok()) return s;
    Remember(result);
    if (!result.sound()) continue;
    *found = true;
    *sound = std::move(version);
    return Status::Ok();
  }
  return Status::Ok();
}

// --- What it says ------------------------------------------------------------

void Doctor::AddDamage(const VersionSource& source, const Examination& head,
                       std::vector<DoctorRow>* rows) {
  DamageReport report(target_, source);
  report.Load();
  for (const Finding& finding : head.findings) {
    DoctorRow row;
    row.finding = finding;
    row.finding.mend = report.Salvage(finding.pgno);
    rows->push_back(std::move(row));
  }
}

void Doctor::AddSalvage(std::vector<DoctorRow>* rows) const {
  DoctorRow row;
  row.finding.actor = target_.actor;
  row.finding.detail = "what there is of the head can be saved";
  row.finding.mend = SalvageCalls(Literal(argument_));
  row.finding.is_warning = true;
  rows->push_back(std::move(row));
}

void Doctor::AddAdvice(const VersionSource& head, const VersionSource* sound,
                       std::vector<DoctorRow>* rows) const {
  DoctorRow row;
  const TimeMap times = TimesShown(target_.store.get());
  row.finding.actor = target_.actor;
  if (sound == nullptr) {
    row.finding.txid = head.version->head.snapshot.txid;
    row.finding.detail = "no sound commit was found before the head";
    row.finding.mend =
        "import the last export under another name, or use a backup, or what "
        "is saved of this one";
  } else {
    const TxId txid = sound->version->head.snapshot.txid;
    row.is_error = false;
    row.finding.txid = txid;
    row.finding.detail = "the newest sound commit is " +
                         CommitText(times, *sound->version) + ", the head is " +
                         CommitText(times, *head.version);
    // The advice is a statement to be copied, with the actor as the user wrote
    // it: so it works on this connection.
    row.finding.mend = "SELECT actorkv_restore(" + Literal(argument_) + ", " +
                       std::to_string(txid.value) + ")";
  }
  rows->push_back(std::move(row));
}

Status Doctor::AddWarnings(std::vector<DoctorRow>* rows) const {
  std::vector<Finding> findings;
  if (Status s = AddEngineDamage(target_.engine(), &findings); !s.ok()) {
    return s;
  }
  for (Finding& finding : findings)
    rows->push_back({false, std::move(finding)});
  return Status::Ok();
}

Status Doctor::Run(std::vector<DoctorRow>* rows) {
  VersionSource head;
  Examination result;
  // Damage of the store comes first: it may be the reason for all that follows.
  if (Status s = AddWarnings(rows); !s.ok()) return s;
  Status s = FindVersion(target_, "head", &head);
  // Without records there is no history to search.
  if (s.code() == Code::kCorruption) {
    rows->push_back({true,
                     {target_.actor, 0, TxId{}, s.ToString(),
                      "its records are damaged: import the last export under "
                      "another name, or use a backup"}});
    return Status::Ok();
  }
  if (!s.ok()) return s;
  const Snapshot& snapshot = head.version->head.snapshot;
  work_.Enter("head", uint64_t{snapshot.page_count} * snapshot.page_size);
  if (s = Examine(head, &result); !s.ok()) return s;
  if (result.sound()) {
    const TimeMap times = TimesShown(target_.store.get());
    rows->push_back(
        {false,
         {target_.actor, 0, head.version->head.snapshot.txid,
          "the head is sound: " + CommitText(times, *head.version), ""}});
    return Status::Ok();
  }
  Remember(result);
  AddDamage(head, result, rows);
  AddSalvage(rows);
  bool found = false;
  VersionSource sound;
  if (s = Search(head, &found, &sound); !s.ok()) return s;
  AddAdvice(head, found ? &sound : nullptr, rows);
  return Status::Ok();
}

}  // namespace actorkv
