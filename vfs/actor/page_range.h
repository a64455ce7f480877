// SQLite asks for bytes, the store has pages: a range of bytes as parts of
// pages.

#ifndef ACTORKV_VFS_ACTOR_PAGE_RANGE_H_
#define ACTORKV_VFS_ACTOR_PAGE_RANGE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// Bytes that lie in one page.
struct PagePart {
  PageNo pgno = 0;
  size_t begin = 0;  // in the page
  size_t size = 0;
};

// The first part of the bytes from `offset` on, of which there are `size` > 0.
inline PagePart FirstPart(uint64_t offset, uint64_t size, uint32_t page_size) {
  PagePart part;
  part.pgno = static_cast<PageNo>(offset / page_size + 1);
  part.begin = static_cast<size_t>(offset % page_size);
  part.size =
      static_cast<size_t>(std::min<uint64_t>(size, page_size - part.begin));
  return part;
}

struct PagedSize {
  uint64_t bytes = 0;
  uint32_t page_size = 0;  // not looked at where bytes is 0
};

// ReadRequest says which bytes of a file are wanted, and where to put them.
struct ReadRequest {
  uint64_t offset = 0;
  size_t size = 0;
  char* buffer = nullptr;
};

// Calls read(const PagePart&, char* buffer), which returns a Status, for each
// part that lies inside the file, and fills the rest of the buffer with zeros.
// *copied: bytes inside.
template <typename ReadPart>
Status ReadParts(const ReadRequest& request, const PagedSize& file,
                 size_t* copied, ReadPart&& read) {
  const uint64_t left =
      request.offset < file.bytes ? file.bytes - request.offset : 0;
  const auto inside =
      static_cast<size_t>(std::min<uint64_t>(request.size, left));
  for (size_t done = 0; done < inside;) {
    const PagePart part =
        FirstPart(request.offset + done, inside - done, file.page_size);
    if (Status s = read(part, request.buffer + done); !s.ok()) return s;
    done += part.size;
  }
  std::memset(request.buffer + inside, 0, request.size - inside);
  *copied = inside;
  return Status::Ok();
}

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_PAGE_RANGE_H_
