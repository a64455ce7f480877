#include "kv/files/byte_reader.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace actorkv {

ByteReader::ByteReader(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)), buffer_(kBufferBytes, '\0') {}

Status ByteReader::Fill() {
  // Nothing is read while something is left: callers take that first.
  if (begin_ < end_) return Status::Ok();
  begin_ = end_ = 0;
  return source_->Read(buffer_.data(), buffer_.size(), &end_);
}

void ByteReader::Drop(size_t size) {
  begin_ += size;
  offset_ += size;
}

Status ByteReader::Peek(size_t size, std::string_view* bytes) {
  assert(size <= kBufferBytes);
  if (begin_ > 0 && end_ - begin_ < size) {
    // Unread bytes move to the front, to make room behind them.
    buffer_.replace(0, end_ - begin_, buffer_, begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // A source may give less than there is room for, also before its end.
  while (end_ - begin_ < size) {
    size_t got = 0;
    if (Status s = source_->Read(&buffer_[end_], buffer_.size() - end_, &got);
        !s.ok()) {
      return s;
    }
    if (got == 0) break;
    end_ += got;
  }
  *bytes = Unread().substr(0, size);
  return Status::Ok();
}

Status ByteReader::Take(size_t size, std::string* bytes) {
  std::string taken;
  // The string grows with what is read: `size` may be damage, and allocate what
  // nobody has.
  while (taken.size() < size) {
    if (Status s = Fill(); !s.ok()) return s;
    const std::string_view part = Unread().substr(0, size - taken.size());
    if (part.empty()) break;
    taken.append(part);
    Drop(part.size());
  }
  *bytes = std::move(taken);
  return Status::Ok();
}

Status ByteReader::TakeSome(char* buffer, size_t size, size_t* got) {
  if (Status s = Fill(); !s.ok()) return s;
  const std::string_view part = Unread().substr(0, size);
  if (!part.empty()) std::memcpy(buffer, part.data(), part.size());
  Drop(part.size());
  *got = part.size();
  return Status::Ok();
}

Status ByteReader::TakeLine(size_t limit, std::string* line, bool* ended) {
  std::string taken;
  bool newline = false;
  while (!newline && taken.size() <= limit) {
    if (Status s = Fill(); !s.ok()) return s;
    std::string_view part = Unread();
    if (part.empty()) break;
    const size_t end = part.find('\n');
    newline = end != std::string_view::npos;
    if (newline) part = part.substr(0, end);
    // One byte more than the limit tells the caller that the line is too long.
    if (part.size() > limit + 1 - taken.size()) {
      part = part.substr(0, limit + 1 - taken.size());
      newline = false;
    }
    taken.append(part);
    // The newline is passed over and not given: lines that end with one and
    // without are told apart by *ended.
    Drop(part.size() + (newline ? 1 : 0));
  }
  *line = std::move(taken);
  *ended = newline;
  return Status::Ok();
}

}  // namespace actorkv
