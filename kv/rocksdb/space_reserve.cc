#include "kv/rocksdb/space_reserve.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace actorkv {
namespace {

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

DiskSpace LookAtDisk(const std::string& directory) {
  struct statvfs fs = {};
  if (statvfs(directory.c_str(), &fs) != 0) {
    // A commit must not fail because nobody can say how full the disk is.
    return {std::numeric_limits<uint64_t>::max(), 0};
  }
  const uint64_t total_bytes = uint64_t{fs.f_blocks} * fs.f_frsize;
  // f_bavail, not f_bfree: blocks that only root may take are no room for
  // others.
  return {uint64_t{fs.f_bavail} * fs.f_frsize,
          std::min(kReserveBytes, total_bytes / 100 * kReservePercent)};
}

bool SpaceReserve::Stale() const {
  return NowMs() - looked_at_ms_.load(std::memory_order_relaxed) > kMaxAgeMs ||
         written_bytes_.load(std::memory_order_relaxed) > kMaxWrittenBytes;
}

void SpaceReserve::Refresh(uint64_t promised_bytes, size_t wanted_bytes,
                           bool* tight) {
  *tight = false;
  written_bytes_.store(0, std::memory_order_relaxed);
  looked_at_ms_.store(NowMs(), std::memory_order_relaxed);
  const auto [free_bytes, reserve_bytes] = LookAtDisk(work_path_);
  usable_bytes_.store(free_bytes - std::min(free_bytes, promised_bytes));
  reserve_bytes_.store(reserve_bytes);
  if (usable_bytes_.load() >= reserve_bytes) is_open_.store(false);
  *tight = promised_bytes > 0 && free_bytes > promised_bytes &&
           free_bytes - promised_bytes < reserve_bytes + 2 * wanted_bytes;
}

uint64_t SpaceReserve::spare_bytes() const {
  const uint64_t usable = usable_bytes_.load();
  return usable - std::min(usable, reserve_bytes_.load());
}

Status SpaceReserve::Claim(size_t size_bytes, Claimant claimant) {
  // The bytes are added before they are compared: threads that claim at the
  // same time see each other.
  const uint64_t written =
      written_bytes_.fetch_add(size_bytes, std::memory_order_relaxed) +
      size_bytes;
  const uint64_t usable = usable_bytes_.load(std::memory_order_relaxed);
  const uint64_t whole_reserve = reserve_bytes_.load(std::memory_order_relaxed);
  uint64_t reserve = whole_reserve;
  if (claimant == Claimant::kHousekeeping) {
    reserve = whole_reserve / 2;
    if (is_open_.load()) reserve = std::min(reserve, kLastReserveBytes);
  }
  // A commit takes its size twice: once for the log and once for the table that
  // it becomes.
  if (usable >= reserve && (usable - reserve) / 2 >= written) {
    return Status::Ok();
  }
  // What is refused is not written.
  written_bytes_.fetch_sub(size_bytes, std::memory_order_relaxed);
  return Status::NoSpace("disk is full: " + std::to_string(usable) +
                         " bytes are usable, the reserve is " +
                         std::to_string(reserve) + ": " + directory_);
}

}  // namespace actorkv
