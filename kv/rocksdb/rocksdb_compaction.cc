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
  // RocksDB's own compactions go on beside this one.
  options.exclusive_manual_compaction = false;
  // A process that ends does not wait for it.
  options.canceled = handle_->ending();
  // The last level is compacted, too, though RocksDB would leave it: that is
  // where most of what was removed lies.
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
    // The oldest range joins the next one of its family, with what lies between
    // them; so none is forgotten.
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
  // While the ballast is missing, what is free is for removing.
  if (handle_->ballast()->IsMissing()) {
    Leave({range, free_bytes});
    return Status::Ok();
  }
  bool left = false;
  Status s = Run(range, &left);
  if (!left) return s;
  Leave({range, free_bytes});
  // RocksDB compacts nothing after this until it is opened again
  // (rocksdb_stoppage.h).
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
  // Compact() may leave a range again, at the end of the queue: the bound ends
  // the loop.
  for (size_t i = 0; i < kMaxLeft && TakeOldest(&left); ++i) {
    const DiskSpace space = LookAtDisk(handle_->work_path());
    if (handle_->ballast()->IsMissing() ||
        space.free_bytes < space.reserve_bytes ||
        // As long as there is not twice the room, the same attempt would fail
        // again.
        space.free_bytes / 2 < left.free_bytes) {
      Leave(std::move(left));
      return Status::Ok();
    }
    if (Status s = Compact(left.range); !s.ok()) return s;
  }
  return Status::Ok();
}

}  // namespace actorkv
