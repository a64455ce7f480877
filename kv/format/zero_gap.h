// ZeroGap: the zeros in the middle of a page, which a chunk leaves out.
//
// A page of a B-tree has its directory at the front and its cells at the end.
// In small databases, and in pages that are being filled, most of what lies
// between is zeros.
//
// Payload of a page with a gap:
//
//   offset  bytes  field
//        0      4  gap_begin, bytes of the page before the gap, little-endian
//        4      4  gap_size, bytes of the gap, little-endian
//        8      n  the page without the gap

#ifndef ACTORKV_KV_FORMAT_ZERO_GAP_H_
#define ACTORKV_KV_FORMAT_ZERO_GAP_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

// ZeroGap: bytes [begin, end) of a page, which are zeros.
struct ZeroGap {
  uint32_t begin = 0;
  uint32_t end = 0;

  bool empty() const { return begin == end; }
  uint32_t size_bytes() const { return end - begin; }
};

// Finds the longest run of zeros of at least a quarter of the page; empty when
// there is none. Looks at four places of a page that has none. REQUIRES: a
// legal page size.
ZeroGap FindZeroGap(std::string_view page);

// REQUIRES: `gap` is FindZeroGap() of the page, and not empty.
std::string EncodeWithoutGap(std::string_view page, const ZeroGap& gap);

// Returns the size of the page in bytes; 0 when the payload is none.
uint32_t PageBytesOf(std::string_view payload);

// Where the gap of that page is; empty when the payload is none.
ZeroGap GapOf(std::string_view payload);

// Writes the page, `page_size` bytes. False, with nothing written, when the
// payload is not of a page of that size.
bool DecodeWithoutGap(std::string_view payload, uint32_t page_size, char* page);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_ZERO_GAP_H_
