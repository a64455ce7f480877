#include "kv/clock.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "kv/keys.h"
#include "kv/thrown.h"

namespace actorkv {

namespace {

// How far a limit reaches beyond the time that needed it: the most that the
// clock can run ahead after a crash, and the rate of limits while busy.
constexpr uint64_t kHorizonUs = 1'000'000;

// Limits are read this many at a time.
constexpr size_t kScanLimits = 256;

}  // namespace

uint64_t WallClockUs() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(duration_cast<microseconds>(now).count());
}

Clock::Clock(std::function<uint64_t()> wall_clock)
    : wall_clock_(std::move(wall_clock)) {}

Status Clock::Load(EngineReader* reader) {
  std::vector<uint64_t> limits;
  std::string start = ClockLimitPrefix();
  for (bool more = true; more;) {
    std::vector<KeyValue> pairs;
    if (Status s = reader->Scan(CatalogPartition(), start, kScanLimits, &pairs);
        !s.ok()) {
      return s;
    }
    more = pairs.size() == kScanLimits;
    for (const KeyValue& pair : pairs) {
      if (pair.key.substr(0, 1) != ClockLimitPrefix()) more = false;
      if (pair.key.substr(0, 1) != ClockLimitPrefix()) break;
      limits.emplace_back();
      if (Status s = ParseClockLimitKey(pair.key, &limits.back()); !s.ok()) {
        return s;
      }
    }
    if (more) start = pairs.back().key + std::string(1, '\0');
  }
  std::lock_guard<std::mutex> lock(mutex_);
  for (uint64_t limit_us : limits) NoteLimit(limit_us);
  last_us_ = std::max(last_us_, limit_us_);
  return Status::Ok();
}

// Of all limits in the store only the largest counts; the others are deleted
// with the next one.
void Clock::NoteLimit(uint64_t limit_us) noexcept {
  if (limit_us == limit_us_) return;
  if (limit_us_ != 0) NoteObsolete(std::min(limit_us_, limit_us));
  limit_us_ = std::max(limit_us_, limit_us);
}

void Clock::NoteObsolete(uint64_t limit_us) noexcept {
  static_cast<void>(IfMemory([&] { obsolete_.push_back(limit_us); }));
}

void Clock::PutLimit(uint64_t limit_us, Batch* batch) {
  for (uint64_t old_us : obsolete_) {
    batch->Delete(CatalogPartition(), ClockLimitKey(old_us));
  }
  batch->Put(CatalogPartition(), ClockLimitKey(limit_us), "");
  obsolete_.clear();
}

uint64_t Clock::Next(Batch* batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  last_us_ = std::max(wall_clock_(), last_us_ + 1);
  if (last_us_ > limit_us_) PutLimit(last_us_ + kHorizonUs, batch);
  return last_us_;
}

void Clock::Committed(const Batch& batch) noexcept {
  const std::string prefix = ClockLimitPrefix();
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    uint64_t limit_us = 0;
    if (op.partition == CatalogPartition() && op.value.has_value() &&
        op.key.substr(0, prefix.size()) == prefix &&
        ParseClockLimitKey(op.key, &limit_us).ok()) {
      std::lock_guard<std::mutex> lock(mutex_);
      NoteLimit(limit_us);
    }
  }
}

void Clock::WriteExactLimit(Batch* batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (limit_us_ == last_us_) return;
  if (limit_us_ != 0) NoteObsolete(limit_us_);
  PutLimit(last_us_, batch);
  // The larger limit goes: who takes a time after this must raise it again.
  limit_us_ = last_us_;
}

}  // namespace actorkv
