// LogZeros: zeros on the disk ahead of the end of a log, written beside the
// commits by a thread (kv/base/workers.h), or by who needs them, where there is
// none.
//
// Invariants:
//  1. While zeros are being written, nothing else writes at or behind their
//     begin. Prepare() and Wait() see to it, for their caller.
//  2. What is written beside records begins at a block of its own.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_ZEROS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_ZEROS_H_

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "kv/base/errand.h"

namespace actorkv {

// A log begins with this many bytes prepared, and is extended by as much as
// it has, within these bounds: a small store stays small, and a busy one
// writes zeros once in thousands of commits.
inline constexpr uint64_t kMinPreparedLogBytes = 256 << 10;
inline constexpr uint64_t kMaxPreparedLogBytes = 8 << 20;

// And by no more than one part in so many of what is free. Commits are refused
// when what the write buffers hold, and a reserve, would not fit on the disk
// any more (space_reserve.h); zeros must not take that room, or no flush could
// give space back. The reserve is 5 % of a small disk; where a sixteenth of
// what is free is more, over 80 % are free, and the buffers, which lie in the
// log as well, are smaller than that.
inline constexpr uint64_t kFreeBytesForOnePrepared = 16;

// One thread uses it.
class LogZeros {
 public:
  // `file_system` outlives it. `path` is a file that exists.
  LogZeros(rocksdb::FileSystem* file_system, std::string path);
  ~LogZeros() { Stop(); }
  LogZeros(const LogZeros&) = delete;
  LogZeros& operator=(const LogZeros&) = delete;

  // Before a record is written from `begin` to `end`, behind the last one:
  // sees that zeros are ahead of it, where there is room for them. Waits when
  // none are left and more are on their way. Fails only when a sync did: what
  // was appended and not synced yet is in doubt then.
  rocksdb::IOStatus Prepare(uint64_t begin, uint64_t end);
  // The same for a record that needs no zeros.
  rocksdb::IOStatus Wait(uint64_t end);

  // Zeros, or records over them, are on the disk up to here.
  uint64_t prepared() const { return prepared_; }
  // Whether the disk had no room for all of them. The file may end anywhere
  // behind prepared() then, and nothing is prepared any more.
  bool out_of_room() const { return out_of_room_; }
  // Waits for what is being written. What comes of it does not matter.
  void Stop();

 private:
  struct Task {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t next = 0;  // next_ after it
    bool out_of_room = false;
    rocksdb::IOStatus status;
  };

  // Decides on a task; false when there is none to do.
  bool Plan(uint64_t begin, uint64_t end);
  void Run() noexcept;  // the task
  void WriteZeros();
  void RunBeside();             // the same in a thread
  rocksdb::IOStatus Finish();   // what has run
  rocksdb::IOStatus Collect();  // waits for it, where it runs
  uint64_t MostAhead() const;

  rocksdb::FileSystem* const file_system_;
  const std::string path_;
  bool out_of_room_ = false;
  uint64_t prepared_ = 0;
  // A record that ends behind it begins the next task. At most prepared_.
  uint64_t next_ = 0;

  // There from RunBeside() to Collect(); the task is its alone meanwhile.
  std::unique_ptr<Errand> beside_;
  Task task_;
  std::atomic<bool> has_failed_{false};  // it should be collected at once
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_ZEROS_H_
