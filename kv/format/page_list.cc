#include "kv/format/page_list.h"

#include <algorithm>
#include <limits>

#include "kv/base/coding.h"

namespace actorkv {

std::string EncodePageList(std::vector<PageNo> pages) {
  std::sort(pages.begin(), pages.end());
  std::string bytes;
  PageNo after = 1;  // the first page behind the last run
  for (size_t i = 0; i < pages.size();) {
    size_t end = i + 1;
    while (end < pages.size() && pages[end] == pages[end - 1] + 1) ++end;
    AppendVarint32(&bytes, pages[i] - after);
    AppendVarint32(&bytes, static_cast<uint32_t>(end - i));
    after = pages[end - 1] + 1;
    i = end;
  }
  return bytes;
}

Status VisitPageRuns(std::string_view bytes,
                     const std::function<void(const PageRun&)>& visit) {
  constexpr uint64_t kMaxPage = std::numeric_limits<PageNo>::max();
  FieldReader fields(bytes);
  uint64_t after = 1;
  while (!fields.rest().empty()) {
    const uint64_t first = after + fields.Varint32();
    const uint32_t count = fields.Varint32();
    after = first + count;
    // A run of no pages is none that EncodePageList() makes.
    if (!fields.ok() || count == 0 || after - 1 > kMaxPage) {
      return Status::Corruption("list of pages damaged");
    }
    visit({static_cast<PageNo>(first), count});
  }
  return Status::Ok();
}

Status DecodePageList(std::string_view bytes, PageNo limit,
                      std::vector<PageNo>* pages) {
  std::vector<PageNo> read;
  const auto add = [&](const PageRun& run) {
    const uint64_t after = uint64_t{run.first} + run.page_count;
    for (uint64_t pgno = run.first; pgno < after && pgno <= limit; ++pgno) {
      read.push_back(static_cast<PageNo>(pgno));
    }
  };
  if (Status s = VisitPageRuns(bytes, add); !s.ok()) return s;
  pages->insert(pages->end(), read.begin(), read.end());
  return Status::Ok();
}

}  // namespace actorkv
