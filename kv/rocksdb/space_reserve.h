// SpaceReserve: refuses commits before the disk is full, so that a full disk
// rarely reaches RocksDB, where it would end in a reopen. The reserve leaves
// room to flush, to reopen, and to remove things to get space back.

#ifndef ACTORKV_KV_ROCKSDB_SPACE_RESERVE_H_
#define ACTORKV_KV_ROCKSDB_SPACE_RESERVE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

// The reserve is the smaller of kReserveBytes and kReservePercent of the file
// system.
inline constexpr uint64_t kReserveBytes = 16 << 20;
inline constexpr uint64_t kReservePercent = 5;
inline constexpr uint64_t kLastReserveBytes = 1 << 20;

struct DiskSpace {
  uint64_t free_bytes;  // to an ordinary user
  uint64_t reserve_bytes;
};

// A file system that cannot be asked counts as unlimited.
DiskSpace LookAtDisk(const std::string& directory);

// Claimant: asks for space. Records and removals are small, and are how a user
// gets space back on a full disk: retention, reclaim, purge. They may use half
// of the reserve, and all but kLastReserveBytes once the store has given up
// what it had set aside for them (ballast.h).
enum class Claimant { kPages, kHousekeeping };

// Thread-safe. Approximate by design: threads that claim between two looks
// may overshoot by what they write in kMaxAgeMs; the reserve absorbs it.
class SpaceReserve {
 public:
  // The age that the last look may have; statvfs costs about 1 us.
  static constexpr int64_t kMaxAgeMs = 100;
  static constexpr uint64_t kMaxWrittenBytes = 1 << 20;

  // Looks at the file system of `work_path`, and calls it `directory`.
  SpaceReserve(std::string directory, std::string work_path)
      : directory_(std::move(directory)), work_path_(std::move(work_path)) {}

  // Returns true when it is time to Refresh().
  bool Stale() const;

  // Looks at the file system. `promised_bytes`: what will be written without
  // a further commit, that is the memtables. *tight: a claim of `wanted_bytes`
  // does not fit beside the promise, but might if it were kept now (a flush
  // frees the log of the same size, and what was deleted is never written).
  void Refresh(uint64_t promised_bytes, size_t wanted_bytes, bool* tight);

  // Tells that the ballast was given up: its space is for housekeeping, until
  // the reserve is free again.
  void OpenToHousekeeping() { is_open_.store(true); }

  // The bytes that Refresh() saw free beyond what is promised and the reserve.
  uint64_t spare_bytes() const;

  // Claims the bytes of one commit. Errors: kNoSpace with both figures.
  Status Claim(size_t size_bytes, Claimant claimant);

 private:
  const std::string directory_;
  const std::string work_path_;
  std::atomic<int64_t> looked_at_ms_{-kMaxAgeMs - 1};
  std::atomic<uint64_t> written_bytes_{0};  // since the last look
  std::atomic<uint64_t> usable_bytes_{0};   // free less promised
  std::atomic<uint64_t> reserve_bytes_{0};
  std::atomic<bool> is_open_{false};  // see OpenToHousekeeping()
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_SPACE_RESERVE_H_
