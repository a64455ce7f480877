#include "kv/rocksdb/rocksdb_compaction.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <utility>

#include "kv/rocksdb/rocksdb_status.h"
#include "kv/rocksdb/space_reserve.h"

namespace actorkv {

Status RocksDbCompaction::Run(const Range& range, bool* left) {
  Gate::Hold hold;
  Status used = handle_->Use(RocksDbHandle::Need::kWrite, &hold);
  if (!used.ok()) return used;
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.canceled = handle_->ending();
  // Also what lies on the last level already: that is where most of it lies.
  options.bottommost_level_compaction =
      rocksdb::BottommostLevelCompaction::kForceOptimized;
  const rocksdb::Slice first(range.first);
  const rocksdb::Slice last(range.last);
  const rocksdb::Status compacted = handle_->EnterToWork([&] {
    return handle_->db()->CompactRange(options, handle_->family(range.family),
                                       &first, &last);
  });
  *left = compacted.IsNoSpace() || compacted.IsCompactionTooLarge();
  if (compacted.ok() || *left) return Status::Ok();
  return FromRocksDb(compacted, "compact", handle_->directory());
}

void RocksDbCompaction::Leave(Left left) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (left_.size() == kMaxLeft) {
    // One range with the next of its family, and with what lies between them.
    Left oldest = std::move(left_.front());
    left_.pop_front();
    for (Left& other : left_) {
      if (other.range.family != oldest.range.family) continue;
      other.range.first = std::min(other.range.first, oldest.range.first);
      other.range.last = std::max(other.range.last, oldest.range.last);
      break;
    }
  }
  left_.push_back(std::move(left));
}

Status RocksDbCompaction::Compact(const Range& range) {
  const uint64_t free_bytes = LookAtDisk(handle_->work_path()).free_bytes;
  // What is free then is for removing.
  if (handle_->ballast()->IsMissing()) {
    Leave({range, free_bytes});
    return Status::Ok();
  }
  bool left = false;
  Status s = Run(range, &left);
  if (!left) return s;
  Leave({range, free_bytes});
  handle_->Restart();
  return Status::Ok();
}

bool RocksDbCompaction::TakeOldest(Left* left) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (left_.empty()) return false;
  *left = std::move(left_.front());
  left_.pop_front();
  return true;
}

Status RocksDbCompaction::Finish() {
  Left left;
  for (size_t i = 0; i < kMaxLeft && TakeOldest(&left); ++i) {
    const DiskSpace space = LookAtDisk(handle_->work_path());
    if (handle_->ballast()->IsMissing() ||
        space.free_bytes < space.reserve_bytes ||
        space.free_bytes / 2 < left.free_bytes) {
      Leave(std::move(left));
      return Status::Ok();
    }
    if (Status s = Compact(left.range); !s.ok()) return s;
  }
  return Status::Ok();
}

}  // namespace actorkv
