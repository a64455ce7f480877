// PageSpan: pages that lie together.

#ifndef ACTORKV_KV_BASE_PAGE_SPAN_H_
#define ACTORKV_KV_BASE_PAGE_SPAN_H_

#include "kv/base/types.h"

namespace actorkv {

// Pages from `first` up to, but not with, `end`.
struct PageSpan {
  PageNo first = 0;
  PageNo end = 0;

  bool empty() const { return first >= end; }
  PageNo count() const { return empty() ? 0 : end - first; }
  bool Contains(PageNo pgno) const { return pgno >= first && pgno < end; }
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_PAGE_SPAN_H_
