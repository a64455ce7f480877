// ByteReader: takes records off a ByteSource: fixed sizes, lines, a look at
// what comes next. Counts the bytes that were taken.

#ifndef ACTORKV_KV_FILES_BYTE_READER_H_
#define ACTORKV_KV_FILES_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kv/files/byte_source.h"

namespace actorkv {

class ByteReader {
 public:
  explicit ByteReader(std::unique_ptr<ByteSource> source);

  // Gives the next `size` bytes without taking them, at most kBufferBytes;
  // fewer only at the end. Valid until the next call.
  Status Peek(size_t size, std::string_view* bytes);

  // Takes `size` bytes; *bytes is shorter only at the end. Memory grows with
  // what is there, not with `size`.
  Status Take(size_t size, std::string* bytes);

  // Takes up to `size` bytes, which is not 0; *got is 0 only at the end.
  Status TakeSome(char* buffer, size_t size, size_t* got);

  // Takes up to and with the next newline, which *line does not get.
  // *ended: there was one. A line longer than `limit` is cut to limit + 1
  // bytes, and the rest of it is not taken.
  Status TakeLine(size_t limit, std::string* line, bool* ended);

  uint64_t offset() const { return offset_; }

  static constexpr size_t kBufferBytes = size_t{64} << 10;

 private:
  // Has unread bytes in buffer_ unless the source is at its end.
  Status Fill();
  std::string_view Unread() const {
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void Drop(size_t size);

  const std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  size_t begin_ = 0;  // where unread bytes begin
  size_t end_ = 0;
  uint64_t offset_ = 0;  // bytes taken
};

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_BYTE_READER_H_
