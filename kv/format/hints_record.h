// The preload hints of an actor say which pages it reads first when it wakes
// (kv/cache/hint_learner.h). They are one record beside the head, in the frame
// of all records (kv/format/record_frame.h); kv/FORMAT.md has each byte.

#ifndef ACTORKV_KV_FORMAT_HINTS_RECORD_H_
#define ACTORKV_KV_FORMAT_HINTS_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// The bounds of an actor's hints: the pages that they name, and the bytes of
// these.
constexpr size_t kMaxHintPages = 128;
constexpr size_t kMaxHintBytes = size_t{256} << 10;

constexpr size_t MaxHintPages(uint32_t page_size) {
  const size_t pages = kMaxHintBytes / page_size;
  return pages < kMaxHintPages ? pages : kMaxHintPages;
}

// HitRatio: how often pages were used after a wake: a moving average, in parts
// of 255.
using HitRatio = uint8_t;
constexpr HitRatio kAlwaysHit = 255;

// HintRange: pages that lie together and fared alike.
struct HintRange {
  PageNo first = 0;
  uint32_t page_count = 0;
  HitRatio hit_ratio = 0;
  // False: none of its pages has been looked for after a wake yet, so the
  // ratio is that of others at first.
  bool is_judged = false;
};

struct HintsRecord {
  Generation generation;  // the head's, under which they were learned
  // The ratio that is expected of pages that nothing is known of yet.
  HitRatio new_hit_ratio = 0;
  std::vector<HintRange> ranges;  // in order, apart from each other

  // The pages of all ranges.
  size_t page_count() const;
};

std::string EncodeRecord(std::string_view key, const HintsRecord& record);

// Errors: kNotSupported for an unknown version, naming it; kCorruption, also
// for ranges out of order or too many pages.
Status DecodeRecord(std::string_view key, std::string_view value,
                    HintsRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_HINTS_RECORD_H_
