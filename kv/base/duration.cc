#include "kv/base/duration.h"

#include <charconv>
#include <string_view>

namespace actorkv {

namespace {

constexpr uint64_t kDayMs = 86'400'000;

struct Unit {
  std::string_view name;  // the plural; one has no s
  uint64_t ms;
};

// The units, largest first.
constexpr Unit kUnits[] = {
    {"weeks", 7 * kDayMs}, {"days", kDayMs},  {"hours", 3'600'000},
    {"minutes", 60'000},   {"seconds", 1000}, {"ms", 1},
};

constexpr char kForms[] =
    "write a number and weeks, days, hours, minutes, seconds or ms, as in "
    "'7 days'; at most 100 years";

bool IsUnit(std::string_view text, const Unit& unit) {
  return text == unit.name ||
         (unit.name.back() == 's' && unit.ms > 1 &&
          text == unit.name.substr(0, unit.name.size() - 1));
}

std::string Counted(uint64_t number, const Unit& unit) {
  std::string name(unit.name);
  if (number == 1 && unit.ms > 1) name.pop_back();
  return std::to_string(number) + " " + name;
}

}  // namespace

Status ParseDuration(const std::string& text, uint64_t* duration_ms) {
  Status bad =
      Status::InvalidArgument("not a duration: " + text + ": " + kForms);
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return bad;
  if (rest == end) {
    // 0 means the same in every unit; for any other number nobody can say.
    if (number != 0) {
      return Status::InvalidArgument("a duration without its unit: " + text +
                                     ": " + kForms);
    }
    *duration_ms = 0;
    return Status::Ok();
  }
  std::string_view unit_name(rest, static_cast<size_t>(end - rest));
  while (!unit_name.empty() && unit_name.front() == ' ') {
    unit_name.remove_prefix(1);
  }
  for (const Unit& unit : kUnits) {
    if (!IsUnit(unit_name, unit)) continue;
    // Divided rather than multiplied, as the product might overflow.
    if (number > kMaxDurationMs / unit.ms) break;
    *duration_ms = number * unit.ms;
    return Status::Ok();
  }
  return bad;
}

Status CheckDurationMs(const char* what, uint64_t duration_ms) {
  if (duration_ms <= kMaxDurationMs) return Status::Ok();
  return Status::InvalidArgument(
      std::string(what) + " is " + std::to_string(duration_ms) +
      ", the limit is " + std::to_string(kMaxDurationMs) +
      ", which is 100 years");
}

std::string DurationText(uint64_t duration_ms) {
  for (const Unit& unit : kUnits) {
    if (duration_ms < unit.ms || duration_ms % unit.ms != 0) continue;
    // Up to two days, or weeks, people say the smaller unit: "24 hours", "7
    // days".
    if (unit.ms >= kDayMs && duration_ms < 2 * unit.ms) continue;
    return Counted(duration_ms / unit.ms, unit);
  }
  return "0";
}

std::string RoughDuration(uint64_t duration_us) {
  constexpr Unit kYears = {"years", 36'525 * kDayMs / 100};
  const uint64_t ms = duration_us / kUsPerMs;
  if (ms >= 2 * kYears.ms) return Counted(ms / kYears.ms, kYears);
  for (const Unit& unit : kUnits) {
    if (unit.name != "weeks" && ms >= 2 * unit.ms) {
      return Counted(ms / unit.ms, unit);
    }
  }
  return Counted(ms, kUnits[std::size(kUnits) - 1]);
}

}  // namespace actorkv
