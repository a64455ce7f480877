#include "kv/format/hints_record.h"

#include <utility>

#include "kv/format/record_frame.h"

namespace actorkv {

namespace {

constexpr uint8_t kJudged = 1;  // the flag of a range

// Returns true for a range that can stand behind one that ends before page
// `end`.
bool IsSound(const HintRange& range, uint64_t end) {
  return range.first >= end && range.first != 0 && range.page_count != 0 &&
         range.page_count <= kMaxHintPages;
}

}  // namespace

size_t HintsRecord::page_count() const {
  size_t count = 0;
  for (const HintRange& range : ranges) count += range.page_count;
  return count;
}

std::string EncodeRecord(std::string_view key, const HintsRecord& record) {
  std::string body = BeginRecord();
  AppendLittle64(&body, record.generation.value);
  AppendByte(&body, record.new_hit_ratio);
  // A byte is enough: kMaxHintPages bounds the pages, and each range has one at
  // least.
  AppendByte(&body, static_cast<uint8_t>(record.ranges.size()));
  for (const HintRange& range : record.ranges) {
    AppendLittle32(&body, range.first);
    AppendByte(&body, static_cast<uint8_t>(range.page_count));
    AppendByte(&body, range.hit_ratio);
    AppendByte(&body, range.is_judged ? kJudged : 0);
  }
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    HintsRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord("hints", key, value, &fields); !s.ok()) return s;
  HintsRecord decoded;
  decoded.generation.value = fields.Little64();
  decoded.new_hit_ratio = fields.Byte();
  const uint8_t range_count = fields.Byte();
  uint64_t end = 0;
  for (uint8_t i = 0; i < range_count && fields.ok(); ++i) {
    HintRange range;
    range.first = fields.Little32();
    range.page_count = fields.Byte();
    range.hit_ratio = fields.Byte();
    const uint8_t flags = fields.Byte();
    range.is_judged = flags == kJudged;
    if (fields.ok() && (!IsSound(range, end) || flags > kJudged)) {
      return Status::Corruption("hints record damaged: bad range");
    }
    // Ranges are in order and do not overlap, so that no page is read or judged
    // twice.
    end = uint64_t{range.first} + range.page_count;
    decoded.ranges.push_back(range);
  }
  if (Status s = CloseRecord("hints", fields); !s.ok()) return s;
  // A record of another module may not make this one read more than it would
  // have learned itself.
  if (decoded.page_count() > kMaxHintPages) {
    return Status::Corruption("hints record damaged: too many pages");
  }
  *record = std::move(decoded);
  return Status::Ok();
}

}  // namespace actorkv
