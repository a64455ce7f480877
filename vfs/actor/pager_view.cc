#include "vfs/actor/pager_view.h"

#include <string_view>

#include "kv/base/coding.h"

namespace actorkv {

namespace {

// The bytes that the pager compares to see whether its pages are stale (pager.c
// sqlite3PagerSharedLock, 3.40.1).
constexpr uint64_t kVersionOffset = 24;
constexpr size_t kVersionBytes = 16;

bool HasCookie(const ReadRequest& request) {
  return request.offset <= kCookieOffset &&
         request.offset + request.size >= kCookieOffset + 4;
}

}  // namespace

void PagerView::OnRead(const ReadRequest& request) {
  if (stored_minus_shown_ != 0 && HasCookie(request)) {
    char* const cookie = request.buffer + (kCookieOffset - request.offset);
    StoreBig32(cookie, LoadBig32(cookie) - stored_minus_shown_);
  }
  if (IsPageOne(request)) {
    const DatabaseHeader header =
        ParseHeader(std::string_view(request.buffer, request.size));
    pager_ = {header.change_counter, header.cookie};
    is_stale_ = false;
  } else if (is_stale_ && request.offset == kVersionOffset &&
             request.size == kVersionBytes) {
    // No page count is above 2^31, so this is no version of a database, and the
    // pager drops its pages.
    StoreBig32(request.buffer + 4, ~uint32_t{0});
  }
}

void PagerView::OnPublish(const HeaderChange& change) {
  if (!change.written) return;
  pager_ = change.pager;
  is_stale_ = false;
  if (!shows_stored_) {
    stored_minus_shown_ = change.stored_cookie - change.pager.cookie;
  }
}

void PagerView::ShowStored() {
  // Where both numbers are the same, the page 1 in the pager's cache is right
  // as it is.
  is_stale_ = is_stale_ || stored_minus_shown_ != 0;
  stored_minus_shown_ = 0;
  shows_stored_ = true;
}

}  // namespace actorkv
