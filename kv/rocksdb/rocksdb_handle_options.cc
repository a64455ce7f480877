// This part of RocksDbHandle sets options of the database that is open.

#include <algorithm>

#include "kv/rocksdb/rocksdb_handle.h"
#include "kv/rocksdb/rocksdb_options.h"

namespace actorkv {

void RocksDbHandle::FollowBallast() {
  const bool compacts = !ballast_->IsMissing();
  if (compacts_.exchange(compacts) == compacts) return;
  // Options are set in a turn as a writer. A database that is opened in the
  // place of one that could not be written has them right.
  static_cast<void>(AsWriter("set options", [&] {
    database_->SetCompacts(compacts);
    return rocksdb::Status::OK();
  }));
}

void RocksDbHandle::LimitLog(uint64_t bytes) {
  Gate::Hold hold;
  max_log_bytes_ = std::min(bytes, kMaxLogBytes);
  if (!Use(Need::kWrite, &hold).ok()) return;
  static_cast<void>(AsWriter("set options", [this] {
    database_->SetMaxLogBytes(max_log_bytes_);
    return rocksdb::Status::OK();
  }));
}

// RocksDB looks at the length of the log at each write alone, and not while
// what was in it before is being written out.
void RocksDbHandle::KeepLogShort() {
  Gate::Hold hold;
  if (max_log_bytes_ == kMaxLogBytes || !Use(Need::kWrite, &hold).ok()) return;
  const uint64_t waiting_bytes =
      Enter([this] { return database_->ActiveMemtableBytes(); });
  if (waiting_bytes <= max_log_bytes_) return;
  static_cast<void>(AsWriter("flush", [this] {
    database_->BeginFlush();
    return rocksdb::Status::OK();
  }));
}

}  // namespace actorkv
