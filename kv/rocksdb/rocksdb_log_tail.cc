#include "kv/rocksdb/rocksdb_log_tail.h"

#include <cassert>
#include <cstring>

namespace actorkv {
namespace {

// The buffer holds many one-row commits; what is larger is written as it comes.
constexpr size_t kBufferBytes = 16 * kLogBlockBytes;

}  // namespace

LogTail::LogTail()
    : buffer_(static_cast<char*>(::operator new(kBufferBytes, kAlignment))) {}

bool LogTail::Fits(size_t size) const { return size <= kBufferBytes - used_; }

void LogTail::Append(const rocksdb::Slice& data) {
  assert(Fits(data.size()));
  std::memcpy(buffer_.get() + used_, data.data(), data.size());
  used_ += data.size();
}

void LogTail::Skip(const rocksdb::Slice& data) {
  assert(!has_pending());
  if (Fits(data.size())) {
    Append(data);
    return Settle();
  }
  // Only the last, unfinished block has to be known: the next direct write
  // begins with it.
  const uint64_t end = this->end() + data.size();
  const size_t kept = end % kLogBlockBytes;
  begin_ = end - kept;
  std::memcpy(buffer_.get(), data.data() + data.size() - kept, kept);
  written_ = used_ = kept;
}

rocksdb::Slice LogTail::pending() const {
  return {buffer_.get() + written_, used_ - written_};
}

rocksdb::Slice LogTail::Blocks() {
  const size_t size =
      (used_ + kLogBlockBytes - 1) / kLogBlockBytes * kLogBlockBytes;
  std::memset(buffer_.get() + used_, 0, size - used_);
  return {buffer_.get(), size};
}

void LogTail::Settle() {
  const size_t full = used_ / kLogBlockBytes * kLogBlockBytes;
  std::memmove(buffer_.get(), buffer_.get() + full, used_ - full);
  begin_ += full;
  used_ -= full;
  // Full blocks are done with. The rest stays, and is written again together
  // with what comes behind it.
  written_ = used_;
}

}  // namespace actorkv
