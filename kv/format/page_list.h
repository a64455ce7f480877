// A page list is a set of page numbers in few bytes: what a commit record says
// of the pages that changed. kv/FORMAT.md has each byte.

#ifndef ACTORKV_KV_FORMAT_PAGE_LIST_H_
#define ACTORKV_KV_FORMAT_PAGE_LIST_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// Encodes `pages`, which are in any order, each at most once.
std::string EncodePageList(std::vector<PageNo> pages);

// Pages that follow each other.
struct PageRun {
  PageNo first = 0;
  uint32_t page_count = 0;
};

// Calls `visit` for each run of the list, in order. Errors: kCorruption, after
// the runs before the damage were visited.
Status VisitPageRuns(std::string_view bytes,
                     const std::function<void(const PageRun&)>& visit);

// Appends those pages of the list that are not above `limit`, which bounds the
// memory that a list can ask for. Errors: kCorruption, and nothing appended.
Status DecodePageList(std::string_view bytes, PageNo limit,
                      std::vector<PageNo>* pages);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_PAGE_LIST_H_
