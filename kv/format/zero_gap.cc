#include "kv/format/zero_gap.h"

#include <cstring>

#include "kv/base/coding.h"
#include "kv/base/types.h"

namespace actorkv {

namespace {

constexpr size_t kGapHeaderBytes = 8;
constexpr size_t kMinGapPart = 4;  // a quarter of the page

// Words are copied out with memcpy(): a page need not be aligned where it lies.
bool IsZeroWord(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word == 0;
}

// Finds the run of zeros that holds the byte at `at`; empty when that is none.
ZeroGap RunAround(std::string_view page, size_t at) {
  constexpr size_t kWord = sizeof(uint64_t);
  size_t begin = at;
  size_t end = at;
  while (begin >= kWord && IsZeroWord(&page[begin - kWord])) begin -= kWord;
  while (begin > 0 && page[begin - 1] == 0) --begin;
  while (end + kWord <= page.size() && IsZeroWord(&page[end])) end += kWord;
  while (end < page.size() && page[end] == 0) ++end;
  return end == at ? ZeroGap()
                   : ZeroGap{static_cast<uint32_t>(begin),
                             static_cast<uint32_t>(end)};
}

}  // namespace

// Looks at four places: a run of a quarter of the page has a byte whose place
// is a multiple of that.
ZeroGap FindZeroGap(std::string_view page) {
  const size_t min_bytes = page.size() / kMinGapPart;
  ZeroGap longest;
  for (size_t at = 0; at < page.size(); at += min_bytes) {
    if (at < longest.end) continue;
    const ZeroGap run = RunAround(page, at);
    // A b-tree page of SQLite has one gap, between the cell pointers and the
    // cells (SQLite database file format, section 1.6 "B-tree Pages"): one is
    // looked for, and the longest is taken.
    if (run.size_bytes() > longest.size_bytes()) longest = run;
  }
  return longest.size_bytes() < min_bytes ? ZeroGap() : longest;
}

std::string EncodeWithoutGap(std::string_view page, const ZeroGap& gap) {
  std::string payload;
  payload.reserve(kGapHeaderBytes + page.size() - gap.size_bytes());
  AppendLittle32(&payload, gap.begin);
  AppendLittle32(&payload, gap.size_bytes());
  payload.append(page.substr(0, gap.begin));
  payload.append(page.substr(gap.end));
  return payload;
}

uint32_t PageBytesOf(std::string_view payload) {
  if (payload.size() < kGapHeaderBytes) return 0;
  const uint64_t gap_bytes = LoadLittle32(payload.data() + 4);
  // In 64 bits the sum of a size that is not true does not wrap around.
  const uint64_t page_bytes = payload.size() - kGapHeaderBytes + gap_bytes;
  const bool is_page =
      page_bytes <= kMaxPageSize &&
      LoadLittle32(payload.data()) <= payload.size() - kGapHeaderBytes;
  return is_page ? static_cast<uint32_t>(page_bytes) : 0;
}

ZeroGap GapOf(std::string_view payload) {
  if (PageBytesOf(payload) == 0) return {};
  const uint32_t begin = LoadLittle32(payload.data());
  return {begin, begin + LoadLittle32(payload.data() + 4)};
}

bool DecodeWithoutGap(std::string_view payload, uint32_t page_size,
                      char* page) {
  // PageBytesOf() checked the begin against what is there, so none of the
  // copies below leaves the page or the payload.
  if (PageBytesOf(payload) != page_size) return false;
  const size_t begin = LoadLittle32(payload.data());
  payload.remove_prefix(kGapHeaderBytes);
  const size_t behind = payload.size() - begin;
  std::memcpy(page, payload.data(), begin);
  std::memset(page + begin, 0, page_size - payload.size());
  std::memcpy(page + page_size - behind, payload.data() + begin, behind);
  return true;
}

}  // namespace actorkv
