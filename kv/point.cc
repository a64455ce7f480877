#include "kv/point.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>
#include <vector>

#include "kv/clock.h"
#include "kv/history.h"
#include "kv/history_records.h"
#include "kv/keys.h"
#include "kv/utf8.h"

namespace actorkv {

namespace {

constexpr uint64_t kSecondUs = 1'000'000;
constexpr uint64_t kMaxCommitsAgo = 1'000'000;

// A point that keeps moving away, such as a head without retention, is looked
// for so often.
constexpr int kAttempts = 100;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNumber(std::string_view text) {
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

// ".5" is half a second. Digits past microseconds do not count.
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

bool ParseTime(std::string_view text, uint64_t* at_us) {
  std::tm time = {};
  uint64_t fraction_us = 0;
  if (!TakeDigits(&text, 4, &time.tm_year) || !TakeChar(&text, "-") ||
      !TakeDigits(&text, 2, &time.tm_mon) || !TakeChar(&text, "-") ||
      !TakeDigits(&text, 2, &time.tm_mday) || !TakeChar(&text, "T ") ||
      !TakeDigits(&text, 2, &time.tm_hour) || !TakeChar(&text, ":") ||
      !TakeDigits(&text, 2, &time.tm_min)) {
    return false;
  }
  if (TakeChar(&text, ":") && (!TakeDigits(&text, 2, &time.tm_sec) ||
                               !TakeFraction(&text, &fraction_us))) {
    return false;
  }
  TakeChar(&text, "Zz");
  if (!text.empty() || time.tm_year < 1970) return false;
  const std::tm written = time;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  const std::time_t seconds = timegm(&time);
  // A day that is not in the calendar comes back as another one.
  if (time.tm_mday != written.tm_mday || time.tm_mon != written.tm_mon - 1 ||
      time.tm_hour != written.tm_hour || time.tm_min != written.tm_min ||
      time.tm_sec != written.tm_sec) {
    return false;
  }
  *at_us = static_cast<uint64_t>(seconds) * kSecondUs + fraction_us;
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

// "-5 minutes", "-1 commit".
bool ParseRelative(std::string_view text, Point* point) {
  if (!TakeChar(&text, "-")) return false;
  const size_t digits =
      std::min(text.find_first_not_of("0123456789"), text.size());
  if (!IsNumber(text.substr(0, digits))) return false;
  const uint64_t count = NumberOf(text.substr(0, digits));
  text.remove_prefix(digits);
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

// Every form but a name.
bool ParseForm(const std::string& text, Point* point) {
  if (text == "head") {
    *point = Point();
    return true;
  }
  if (IsNumber(text)) {
    *point = {Point::Kind::kTxId, NumberOf(text), ""};
    return true;
  }
  uint64_t at_us = 0;
  if (ParseTime(text, &at_us)) {
    *point = {Point::Kind::kTime, at_us, ""};
    return true;
  }
  return ParseRelative(text, point);
}

constexpr char kForms[] =
    "a point is 'head', a txid, a UTC time like '2026-11-20T10:00:00Z', "
    "'-5 minutes', '-1 commit' or the name of a restore point";

// Finds the commit of a point in an actor's history.
class Resolver {
 public:
  Resolver(EngineReader* reader, const std::string& actor,
           const HeadState& state)
      : reader_(reader),
        actor_(actor),
        state_(state),
        history_(reader, state.entry.actor) {}

  Status Resolve(const Point& point, CommitRecord* record);

 private:
  Status LoadNow(uint64_t* now_us);
  Status AtTime(uint64_t at_us, CommitRecord* record);
  Status CommitsAgo(uint64_t count, CommitRecord* record);
  Status AtTxId(TxId txid, CommitRecord* record);
  Status AtName(const std::string& name, CommitRecord* record);
  Status NotThere(const std::string& what);

  EngineReader* const reader_;
  const std::string& actor_;
  const HeadState& state_;
  History history_;
};

// What is not there may have been, and be expired.
Status Resolver::NotThere(const std::string& what) {
  const std::string oldest = history_.DescribeOldest();
  const std::string where = ": actor=" + actor_;
  if (oldest.empty()) {
    return Status::InvalidArgument(what + ", nor any commit" + where);
  }
  return Status::InvalidArgument(what + "; the oldest that is available is " +
                                 oldest + where);
}

Status Resolver::AtTxId(TxId txid, CommitRecord* record) {
  bool found = false;
  if (Status s = history_.Find(txid, &found, record); !s.ok()) return s;
  if (found) return Status::Ok();
  return NotThere("there is no commit " + std::to_string(txid.value));
}

// Commits may be of a later time than the wall clock's, which was set back.
Status Resolver::LoadNow(uint64_t* now_us) {
  bool found = false;
  CommitRecord newest;
  if (Status s = history_.FindNewest(&found, &newest); !s.ok()) return s;
  *now_us = std::max(WallClockUs(), found ? newest.committed_at_us : 0);
  return Status::Ok();
}

Status Resolver::AtTime(uint64_t at_us, CommitRecord* record) {
  bool found = false;
  if (Status s = history_.FindAt(at_us, &found, record); !s.ok()) return s;
  if (found) return Status::Ok();
  return NotThere("there is no commit at or before " + TimeText(at_us));
}

Status Resolver::CommitsAgo(uint64_t count, CommitRecord* record) {
  if (count > kMaxCommitsAgo) {
    return Status::InvalidArgument("more than " +
                                   std::to_string(kMaxCommitsAgo) +
                                   " commits ago: name a txid or a time");
  }
  CommitScan scan(reader_, state_.entry.actor);
  bool found = true;
  for (uint64_t i = 0; i <= count && found; ++i) {
    if (Status s = scan.Next(&found, record); !s.ok()) return s;
  }
  if (found) return Status::Ok();
  return NotThere("there are not " + std::to_string(count) +
                  " commits before the head");
}

Status Resolver::AtName(const std::string& name, CommitRecord* record) {
  const std::string key = RestorePointKey(name);
  std::vector<std::optional<std::string>> values;
  if (Status s =
          reader_->Get(ActorPartition(state_.entry.actor), {key}, &values);
      !s.ok()) {
    return s;
  }
  RestorePointRecord point;
  if (values[0].has_value()) {
    if (Status s = DecodeRecord(key, *values[0], &point); !s.ok()) return s;
  }
  if (!values[0].has_value()) {
    return Status::NotFound("no restore point '" + name + "': actor=" + actor_ +
                            ": " + kForms);
  }
  if (point.expires_at_us != 0 && point.expires_at_us <= WallClockUs()) {
    return NotThere("the restore point '" + name + "' expired at " +
                    TimeText(point.expires_at_us));
  }
  return AtTxId(point.txid, record);
}

Status Resolver::Resolve(const Point& point, CommitRecord* record) {
  if (Status s = history_.Load(); !s.ok()) return s;
  uint64_t now_us = 0;
  switch (point.kind) {
    case Point::Kind::kHead:
      return CommitsAgo(0, record);
    case Point::Kind::kTxId:
      return AtTxId({point.number}, record);
    case Point::Kind::kTime:
      if (Status s = LoadNow(&now_us); !s.ok()) return s;
      if (point.number > now_us) {
        return Status::InvalidArgument(
            "the time is in the future: " + TimeText(point.number) +
            ": actor=" + actor_);
      }
      return AtTime(point.number, record);
    case Point::Kind::kAgo:
      if (Status s = LoadNow(&now_us); !s.ok()) return s;
      return AtTime(now_us - std::min(now_us, point.number), record);
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

// A commit may expire between the look and the pin; then another look says
// what there is instead.
Status ResolvePoint(const PointOf& of, const Point& point, Pin* pin,
                    std::shared_ptr<const HeadState>* version) {
  Status s;
  for (int i = 0; i < kAttempts; ++i) {
    const std::unique_ptr<EngineReader> reader =
        of.store->engine()->NewReader();
    CommitRecord record;
    s = Resolver(reader.get(), of.actor, *of.state).Resolve(point, &record);
    if (!s.ok()) return s;
    s = PinCommit(of.store, *of.state, record, pin, version);
    if (s.code() != Code::kConflict) break;
  }
  return s.WithContext("actor=" + of.actor);
}

std::string TimeText(uint64_t at_us) {
  const auto seconds = static_cast<std::time_t>(at_us / kSecondUs);
  std::tm time = {};
  gmtime_r(&seconds, &time);
  char text[64];
  const size_t size =
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &time);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06uZ",
                static_cast<unsigned>(at_us % kSecondUs));
  return std::string(text, size) + fraction;
}

}  // namespace actorkv
