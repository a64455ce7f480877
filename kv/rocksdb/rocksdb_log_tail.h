// LogTail: the end of a log in memory, in blocks as direct I/O wants them.
//
// It begins at a multiple of the block and holds what lies in the file from
// there on, and behind it what is still to be written (pending). When all is
// written, the last block, which is not full, stays: the next write begins
// with it.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_TAIL_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_TAIL_H_

#include <rocksdb/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace actorkv {

// The block of direct I/O, in bytes: the largest alignment that disks and file
// systems want.
inline constexpr size_t kLogBlockBytes = 4096;

class LogTail {
 public:
  LogTail();

  // Returns true when so many bytes can be put behind what there is.
  bool Fits(size_t size) const;
  // Takes bytes that are pending then. REQUIRES: Fits().
  void Append(const rocksdb::Slice& data);
  // Tells that `data`, of any size, was written to the file at end(). REQUIRES:
  // nothing is pending.
  void Skip(const rocksdb::Slice& data);

  uint64_t end() const { return begin_ + used_; }
  bool has_pending() const { return used_ > written_; }
  rocksdb::Slice pending() const;
  uint64_t pending_begin() const { return begin_ + written_; }

  // Returns the tail in whole blocks, with zeros at the end; it lies in the
  // file from begin() on.
  rocksdb::Slice Blocks();
  uint64_t begin() const { return begin_; }
  // Tells that nothing is pending any more.
  void Settle();

 private:
  static constexpr std::align_val_t kAlignment{kLogBlockBytes};
  struct Free {
    void operator()(char* buffer) const {
      ::operator delete(buffer, kAlignment);
    }
  };

  const std::unique_ptr<char, Free> buffer_;
  uint64_t begin_ = 0;  // in the file
  size_t written_ = 0;  // of the buffer, bytes
  size_t used_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_TAIL_H_
