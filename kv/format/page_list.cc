#include "kv/format/page_list.h"

#include <algorithm>
#include <limits>

#include "kv/base/coding.h"

namespace actorkv {

std::string EncodePageList(std::vector<PageNo> pages) {
  // Pages come as a transaction met them. In order most of them are runs, and a
  // run takes two bytes.
  std::sort(pages.begin(), pages.end());
  std::string bytes;
  PageNo after = 1;  // the first page behind the last run
  for (size_t i = 0; i < pages.size();) {
    size_t end = i + 1;
    while (end < pages.size() && pages[end] == pages[end - 1] + 1) ++end;
    // What is stored is the distance to the run before, which is small where
    // the page number is not.
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
  // In 64 bits, so that a distance that is not true does not wrap around and
  // come back as a page that was seen.
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
    // A run may be longer than memory: what is past the limit is not wanted,
    // and is not made. The list as a whole is checked all the same.
    for (uint64_t pgno = run.first; pgno < after && pgno <= limit; ++pgno) {
      read.push_back(static_cast<PageNo>(pgno));
    }
  };
  // The pages are kept apart until the list is read to its end: on an error
  // *pages is as it was.
  if (Status s = VisitPageRuns(bytes, add); !s.ok()) return s;
  pages->insert(pages->end(), read.begin(), read.end());
  return Status::Ok();
}

}  // namespace actorkv
