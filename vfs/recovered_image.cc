#include "vfs/recovered_image.h"

#include <algorithm>
#include <cstring>

namespace actorkv {

Status RecoveredImage::ReadPage(PageNo pgno, char* page) {
  if (pgno == 0 || pgno > page_count_) {
    return Status::InvalidArgument(
        "no such page: pgno=" + std::to_string(pgno) +
        " page_count=" + std::to_string(page_count_));
  }
  size_t copied = 0;
  return Read(uint64_t{pgno - 1} * page_size_, page_size_, page, &copied);
}

Status RecoveredImage::Read(uint64_t offset, size_t size, char* buffer,
                            size_t* copied) {
  const uint64_t end = size_bytes();
  const auto inside = static_cast<size_t>(
      offset >= end ? 0 : std::min<uint64_t>(size, end - offset));
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t read = 0;
  if (Status s = session_->main()->Read(offset, inside, buffer, &read);
      !s.ok()) {
    return s;
  }
  // The file may end within the last page.
  std::memset(buffer + read, 0, inside - read);
  *copied = inside;
  return Status::Ok();
}

}  // namespace actorkv
