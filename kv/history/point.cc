#include "kv/history/point.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>
#include <utility>

#include "kv/base/time_text.h"
#include "kv/base/utf8.h"
#include "kv/format/get_record.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/store/store.h"
#include "kv/store/time_map.h"

namespace actorkv {

namespace {

constexpr uint64_t kSecondUs = 1'000'000;
constexpr uint64_t kMaxCommitsAgo = 1'000'000;

// The number of looks for a point that keeps moving away, such as a head
// without retention.
constexpr int kAttempts = 100;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNumber(std::string_view text) {
  // 18 digits always fit into 64 bits.
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), IsDigit);
}

// REQUIRES: IsNumber().
uint64_t NumberOf(std::string_view text) {
  uint64_t number = 0;
  for (const char c : text)
    number = number * 10 + static_cast<uint64_t>(c - '0');
  return number;
}

// Takes `size` digits off the front.
bool TakeDigits(std::string_view* text, size_t size, int* number) {
  if (text->size() < size || !IsNumber(text->substr(0, size))) return false;
  *number = static_cast<int>(NumberOf(text->substr(0, size)));
  text->remove_prefix(size);
  return true;
}

bool TakeChar(std::string_view* text, std::string_view any_of) {
  if (text->empty() || any_of.find((*text)[0]) == std::string_view::npos) {
    return false;
  }
  text->remove_prefix(1);
  return true;
}

// Takes a fraction, if there is one: ".5" is half a second. Digits past
// microseconds do not count.
bool TakeFraction(std::string_view* text, uint64_t* us) {
  *us = 0;
  if (!TakeChar(text, ".")) return true;
  if (text->empty() || !IsDigit((*text)[0])) return false;
  for (uint64_t unit = kSecondUs / 10; !text->empty() && IsDigit((*text)[0]);
       unit /= 10) {
    *us += unit * static_cast<uint64_t>((*text)[0] - '0');
    text->remove_prefix(1);
  }
  return true;
}

// Takes "Z", or the distance from UTC, perhaps after a space: "+01:00",
// "-0530", "+01"; or nothing.
bool TakeZone(std::string_view* text, int64_t* zone_us, bool* has_distance) {
  *zone_us = 0;
  *has_distance = false;
  if (text->empty() || TakeChar(text, "Zz")) return true;
  TakeChar(text, " ");
  const bool west = !text->empty() && (*text)[0] == '-';
  int hours = 0;
  int minutes = 0;
  if (!TakeChar(text, "+-") || !TakeDigits(text, 2, &hours)) return false;
  if (TakeChar(text, ":") || !text->empty()) {
    if (!TakeDigits(text, 2, &minutes)) return false;
  }
  if (hours > 23 || minutes > 59) return false;
  *zone_us = int64_t{hours * 3600 + minutes * 60} *
             static_cast<int64_t>(kSecondUs) * (west ? -1 : 1);
  *has_distance = true;
  return true;
}

// Makes seconds of a date. A day that is not in the calendar, or a second that
// is not in the minute, comes back from timegm() as another one.
bool SecondsOf(const std::tm& written, std::time_t* seconds) {
  std::tm time = written;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  *seconds = timegm(&time);
  return time.tm_mday == written.tm_mday && time.tm_mon == written.tm_mon - 1 &&
         time.tm_hour == written.tm_hour && time.tm_min == written.tm_min &&
         time.tm_sec == written.tm_sec;
}

bool ParseTime(std::string_view text, uint64_t* at_us, bool* has_distance) {
  std::tm time = {};
  uint64_t fraction_us = 0;
  int64_t zone_us = 0;
  if (!TakeDigits(&text, 4, &time.tm_year) || !TakeChar(&text, "-") ||
      !TakeDigits(&text, 2, &time.tm_mon) || !TakeChar(&text, "-") ||
      !TakeDigits(&text, 2, &time.tm_mday) || !TakeChar(&text, "Tt ") ||
      !TakeDigits(&text, 2, &time.tm_hour) || !TakeChar(&text, ":") ||
      !TakeDigits(&text, 2, &time.tm_min)) {
    return false;
  }
  // Seconds may be left out, as in SQLite's time strings; hours and minutes may
  // not, because a date alone does not say which of its moments is meant.
  if (TakeChar(&text, ":") && (!TakeDigits(&text, 2, &time.tm_sec) ||
                               !TakeFraction(&text, &fraction_us))) {
    return false;
  }
  if (!TakeZone(&text, &zone_us, has_distance) || !text.empty()) return false;
  std::time_t seconds = 0;
  if (!SecondsOf(time, &seconds)) return false;
  const int64_t local_us = seconds * static_cast<int64_t>(kSecondUs) +
                           static_cast<int64_t>(fraction_us);
  if (local_us < zone_us) return false;  // before 1970
  *at_us = static_cast<uint64_t>(local_us - zone_us);
  return true;
}

struct Unit {
  const char* name;
  uint64_t us;
};

constexpr std::array<Unit, 5> kUnits = {{{"second", kSecondUs},
                                         {"minute", 60 * kSecondUs},
                                         {"hour", 3600 * kSecondUs},
                                         {"day", 86400 * kSecondUs},
                                         {"week", 604800 * kSecondUs}}};

// Parses a point like "-5 minutes" or "-1 commit".
bool ParseRelative(std::string_view text, Point* point) {
  if (!TakeChar(&text, "-")) return false;
  // The number is taken as a whole: what does not fit into 64 bits is no point,
  // instead of another one.
  const size_t digits =
      std::min(text.find_first_not_of("0123456789"), text.size());
  if (!IsNumber(text.substr(0, digits))) return false;
  const uint64_t count = NumberOf(text.substr(0, digits));
  text.remove_prefix(digits);
  // "-5minutes" and "-1 commits" are accepted as well: what they mean is clear.
  TakeChar(&text, " ");
  if (text.size() > 1 && text.back() == 's') text.remove_suffix(1);
  if (text == "commit") {
    *point = {Point::Kind::kCommitsAgo, count, ""};
    return true;
  }
  for (const Unit& unit : kUnits) {
    if (text != unit.name) continue;
    if (count > std::numeric_limits<uint64_t>::max() / unit.us) return false;
    *point = {Point::Kind::kAgo, count * unit.us, ""};
    return true;
  }
  return false;
}

// Parses every form but a name.
bool ParseForm(const std::string& text, Point* point) {
  if (text == "head") {
    *point = Point();
    return true;
  }
  // A number is a txid and no time: Unix times are not accepted, as the two
  // could not be told apart.
  if (IsNumber(text)) {
    *point = {Point::Kind::kTxId, NumberOf(text), ""};
    return true;
  }
  uint64_t at_us = 0;
  bool has_distance = false;
  if (ParseTime(text, &at_us, &has_distance)) {
    *point = {Point::Kind::kTime, at_us, has_distance ? text : ""};
    return true;
  }
  return ParseRelative(text, point);
}

constexpr char kForms[] =
    "a point is 'head', a txid, a UTC time like '2026-11-20T10:00:00Z', "
    "'-5 minutes', '-1 commit' or the name of a restore point";

// Gives a hint for a name that is no restore point: people may have meant a
// time.
std::string HintFor(const std::string& name) {
  uint64_t at_us = 0;
  bool has_distance = false;
  if (name == "now") return "; now is 'head'";
  if (ParseTime(name, &at_us, &has_distance)) return "; it is in the future";
  std::string_view text = name;
  int number = 0;
  if (TakeDigits(&text, 4, &number) && TakeChar(&text, "-")) {
    return "; a time has a day that there is, an hour and a minute";
  }
  if (!name.empty() && name[0] == '-') return "; write what is counted";
  return "";
}

// Resolver: finds the commit of a point in an actor's history.
class Resolver {
 public:
  Resolver(EngineReader* reader, const PointOf& of)
      : reader_(reader), of_(of), history_(reader, of.state->entry.actor) {}

  Status Resolve(const Point& point, CommitRecord* record);

 private:
  Status AtMoment(const Point& point, CommitRecord* record);
  Status CommitsAgo(uint64_t count, CommitRecord* record);
  Status AtTxId(TxId txid, CommitRecord* record);
  Status AtName(const std::string& name, CommitRecord* record);
  Status LoadPoint(const std::string& name,
                   std::optional<RestorePointRecord>* point);
  Status NotThere(const std::string& what);
  Status Expired(const std::string& what,
                 const std::optional<CommitRecord>& after);

  EngineReader* const reader_;
  const PointOf& of_;
  History history_;
  TimeMap times_;
};

// Makes the error for a point that is not there: it may have been, and be
// expired.
Status Resolver::NotThere(const std::string& what) {
  const std::string oldest = history_.DescribeOldest(times_);
  const std::string where = ": actor=" + of_.actor;
  if (oldest.empty()) {
    return Status::InvalidArgument(what + ", nor any commit" + where);
  }
  return Status::InvalidArgument(what + "; the oldest that is available is " +
                                 oldest + where);
}

Status Resolver::Expired(const std::string& what,
                         const std::optional<CommitRecord>& after) {
  std::string text = "the commit has expired: " + what;
  if (after.has_value()) {
    text += "; the next that is available is " + DescribeCommit(*after, times_);
  }
  return NotThere(text);
}

Status Resolver::AtTxId(TxId txid, CommitRecord* record) {
  bool found = false;
  if (Status s = history_.Find(txid, &found, record); !s.ok()) return s;
  if (found) return Status::Ok();
  return NotThere("there is no commit " + std::to_string(txid.value));
}

Status Resolver::AtMoment(const Point& point, CommitRecord* record) {
  // A restore point may be called like a time with its distance from UTC (see
  // Point::name), and then counts.
  if (!point.name.empty()) {
    std::optional<RestorePointRecord> named;
    if (Status s = LoadPoint(point.name, &named); !s.ok()) return s;
    if (named.has_value()) return AtName(point.name, record);
  }
  CommitsAround around;
  if (Status s = history_.FindAround(point.number, &around); !s.ok()) return s;
  if (around.IsKnown()) {
    *record = std::move(*around.before);
    return Status::Ok();
  }
  const std::string at = TimeText(point.wall_us);
  // Before the first commit that is there, there may have been others.
  const bool was_first =
      !around.before.has_value() &&
      (!around.after.has_value() ||
       around.after->replaced_txid.value_or(TxId{}) == TxId{} ||
       point.number < of_.state->entry.created_at_us);
  if (was_first) return NotThere("there is no commit at or before " + at);
  if (!around.before.has_value()) around.after.reset();  // it is the oldest
  return Expired("what was the head at " + at + " is not kept", around.after);
}

Status Resolver::CommitsAgo(uint64_t count, CommitRecord* record) {
  // Each step is a look at the store, so a count without a bound would run for
  // hours.
  if (count > kMaxCommitsAgo) {
    return Status::InvalidArgument("more than " +
                                   std::to_string(kMaxCommitsAgo) +
                                   " commits ago: name a txid or a time");
  }
  CommitScan scan(reader_, of_.state->entry.actor);
  CommitRecord at;
  for (uint64_t i = 0; i <= count; ++i) {
    CommitRecord before;
    bool found = false;
    if (Status s = scan.Next(&found, &before); !s.ok()) return s;
    const bool is_next =
        // A gap hides an unknown number of commits, so counting across one
        // would lead to a wrong one.
        found && (i == 0 || Replaces(at, before.snapshot.txid));
    if (is_next) {
      at = std::move(before);
      continue;
    }
    if (found || at.replaced_txid.value_or(TxId{}) != TxId{}) {
      return Expired(std::to_string(count) +
                         " commits before the head are asked for, kept "
                         "without a gap: " +
                         std::to_string(i - 1),
                     std::nullopt);
    }
    return NotThere("there are not " + std::to_string(count) +
                    " commits before the head");
  }
  *record = std::move(at);
  return Status::Ok();
}

Status Resolver::LoadPoint(const std::string& name,
                           std::optional<RestorePointRecord>* point) {
  return GetRecord(reader_, ActorPartition(of_.state->entry.actor),
                   RestorePointKey(name), point);
}

Status Resolver::AtName(const std::string& name, CommitRecord* record) {
  std::optional<RestorePointRecord> point;
  if (Status s = LoadPoint(name, &point); !s.ok()) return s;
  if (!point.has_value()) {
    return Status::NotFound("no restore point '" + name + "': actor=" +
                            of_.actor + ": " + kForms + HintFor(name));
  }
  if (HasEnded(*point, times_, times_.wall_now_us())) {
    return NotThere("the restore point '" + name + "' expired at " +
                    TimeText(EndOf(*point, times_)));
  }
  CommitRecord named;
  if (Status s = AtTxId(point->txid, &named); !s.ok()) return s;
  // Txids are given once for all branches of an actor: another branch is
  // damage.
  if (named.snapshot.branch != point->branch) {
    return Status::Corruption(
        "restore point of a commit on another branch: name=" + name +
        " txid=" + std::to_string(point->txid.value) +
        " branch=" + std::to_string(point->branch.value));
  }
  *record = std::move(named);
  return Status::Ok();
}

Status Resolver::Resolve(const Point& point, CommitRecord* record) {
  if (Status s = history_.Load(); !s.ok()) return s;
  if (Status s = LoadTimeMap(reader_, of_.store->clock(), 0, &times_);
      !s.ok()) {
    return s;
  }
  switch (point.kind) {
    // The head is the newest commit with a record: the point is to be pinned,
    // and one without a record cannot be.
    case Point::Kind::kHead:
      return CommitsAgo(0, record);
    case Point::Kind::kTxId:
      return AtTxId({point.number}, record);
    case Point::Kind::kTime:
    case Point::Kind::kAgo:  // FixMoment() made moments of them
    case Point::Kind::kMoment:
      return AtMoment(point, record);
    case Point::Kind::kCommitsAgo:
      return CommitsAgo(point.number, record);
    case Point::Kind::kName:
      return AtName(point.name, record);
  }
  return Status::InvalidArgument(kForms);
}

}  // namespace

Status ParsePoint(const std::string& text, Point* point) {
  Point parsed;
  // Whatever has no other form is a name, also one that is mistyped: the error,
  // if there is no such point, tells of the forms.
  if (!ParseForm(text, &parsed)) {
    if (text.empty() || text.size() > kMaxRestorePointNameBytes ||
        !IsUtf8(text)) {
      return Status::InvalidArgument("not a point: '" + text + "': " + kForms);
    }
    parsed = {Point::Kind::kName, 0, text};
  }
  *point = std::move(parsed);
  return Status::Ok();
}

Status CheckRestorePointName(const std::string& name) {
  Point point;
  if (Status s = ParsePoint(name, &point); !s.ok()) return s;
  if (point.kind == Point::Kind::kName &&
      name.find('\0') == std::string::npos) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "not a name for a restore point, it means something else: '" + name +
      "': " + kForms);
}

Status FixMoment(Store* store, Point* point) {
  const bool is_time = point->kind == Point::Kind::kTime;
  if (!is_time && point->kind != Point::Kind::kAgo) return Status::Ok();
  TimeMap times;
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  if (Status s = LoadTimeMap(reader.get(), store->clock(), 0, &times);
      !s.ok()) {
    return s;
  }
  const uint64_t now_us = times.wall_now_us();
  const uint64_t number = point->number;
  const uint64_t at_us = is_time ? number : now_us - std::min(now_us, number);
  if (at_us > now_us) {
    // A name may read as a time that is to come: it is looked for as a name.
    if (point->name.empty()) {
      return Status::InvalidArgument("the time is in the future: " +
                                     TimeText(at_us));
    }
    point->kind = Point::Kind::kName;
    return Status::Ok();
  }
  point->kind = Point::Kind::kMoment;
  point->number = times.Cut(at_us);
  point->wall_us = at_us;
  return Status::Ok();
}

// Looks for the commit and pins it. It may expire in between; then another look
// says what there is instead.
Status ResolvePoint(const PointOf& of, const Point& point, Pin* pin,
                    std::shared_ptr<const HeadState>* version) {
  Point fixed = point;
  Status s = FixMoment(of.store, &fixed);
  for (int i = 0; i < kAttempts && s.ok(); ++i) {
    const std::unique_ptr<EngineReader> reader =
        of.store->engine()->NewReader();
    CommitRecord record;
    s = Resolver(reader.get(), of).Resolve(fixed, &record);
    if (!s.ok()) return s;
    s = PinCommit(of.store, *of.state, record, pin, version);
    if (s.code() != Code::kConflict) break;
  }
  return s.WithContext("actor=" + of.actor);
}

}  // namespace actorkv
