#include "kv/reclaim/keepers.h"

namespace actorkv {

namespace {

constexpr auto kFirstPoint = static_cast<size_t>(Keeper::kFirstPoint);

void Append(const std::string& who, uint64_t bytes, std::string* text) {
  if (!text->empty()) *text += "; ";
  *text += who + " (" + std::to_string(bytes) + " bytes)";
}

std::string Counted(size_t count, const std::string& one,
                    const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

Keeper Keepers::AddPoint(const std::string& name) {
  if (points_.size() == kMaxNamedPoints) {
    ++other_point_count_;
    return Keeper::kOtherPoint;
  }
  points_.push_back({name, 0});
  return static_cast<Keeper>(kFirstPoint + points_.size() - 1);
}

void Keepers::Count(Keeper keeper, uint64_t size_bytes) {
  const auto index = static_cast<size_t>(keeper);
  (index < kFirstPoint ? bytes_[index] : points_[index - kFirstPoint].bytes) +=
      size_bytes;
}

std::string Keepers::Describe(const std::string& retention) const {
  std::string text;
  const auto bytes = [this](Keeper keeper) {
    return bytes_[static_cast<size_t>(keeper)];
  };
  if (!retention.empty()) {
    Append(retention, bytes(Keeper::kRetention), &text);
  }
  for (const Point& point : points_) {
    Append("restore point " + point.name, point.bytes, &text);
  }
  if (other_point_count_ != 0) {
    Append(Counted(other_point_count_, "more restore point",
                   "more restore points"),
           bytes(Keeper::kOtherPoint), &text);
  }
  if (fork_count_ != 0) {
    Append(Counted(fork_count_, "branch of a fork", "branches of forks"),
           bytes(Keeper::kFork), &text);
  }
  if (reader_count_ != 0) {
    Append(
        Counted(reader_count_, "snapshot being read", "snapshots being read"),
        bytes(Keeper::kReader), &text);
  }
  return text;
}

}  // namespace actorkv
