#include "vfs/legacy/recovered_image.h"

#include <algorithm>
#include <cstring>

namespace actorkv {

Status RecoveredImage::ReadPage(PageNo pgno, char* page) {
  // Page numbers count from 1. A page behind the end is a mistake of the
  // caller, where bytes behind it are a short read.
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
  if (Status s = ReadInside(offset, inside, buffer); !s.ok()) return s;
  *copied = inside;
  return Status::Ok();
}

// Reads chunk by chunk where holes count, so that each is looked for once.
Status RecoveredImage::ReadInside(uint64_t offset, size_t size, char* buffer) {
  for (size_t done = 0; done < size;) {
    const uint64_t at = offset + done;
    size_t part = size - done;
    if (holes_ != nullptr) {
      const auto chunk = static_cast<uint32_t>(at / kLegacyChunkBytes);
      part = std::min<size_t>(part, kLegacyChunkBytes - at % kLegacyChunkBytes);
      if (Status s = holes_->Pass(chunk); !s.ok()) return s;
    }
    size_t read = 0;
    if (Status s = session_->main()->Read(at, part, buffer + done, &read);
        !s.ok()) {
      return s;
    }
    // The file may end within the last page; the rest of that is zeros.
    std::memset(buffer + done + read, 0, part - read);
    done += part;
  }
  return Status::Ok();
}

Status RecoveredImage::CheckHoles(const std::function<Status()>& keep_on) {
  if (holes_ == nullptr) return Status::Ok();
  const std::lock_guard<std::mutex> lock(mutex_);
  uint64_t missing_count = 0;
  if (Status s = holes_->Check(keep_on, &missing_count); !s.ok()) return s;
  if (missing_count > 0) repairs_.push_back(UnwrittenPages(missing_count));
  return Status::Ok();
}

}  // namespace actorkv
