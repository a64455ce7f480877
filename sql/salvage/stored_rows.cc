#include "sql/salvage/stored_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kv/base/coding.h"
#include "kv/base/utf8.h"
#include "kv/format/database_header.h"
#include "sql/history/value_json.h"

namespace actorkv {

namespace {

// Fields of the header of a database (SQLite file format, section 1.3).
constexpr size_t kFreeTrunkOffset = 32;
constexpr size_t kLargestRootOffset = 52;  // not 0: auto_vacuum
constexpr size_t kEncodingOffset = 56;

constexpr size_t kNextPageBytes = 4;  // at the beginning of an overflow page
constexpr uint32_t kMinUsableBytes = 480;
constexpr uint32_t kPagesBetweenChecks = 256;

}  // namespace

Status StoredRows::Open() {
  usable_bytes_ = pages_->page_size();
  if (pages_->page_count() == 0) return Status::Ok();
  std::string page(pages_->page_size(), '\0');
  bool sound = false;
  if (Status s = pages_->Read(1, page.data(), &sound); !s.ok()) return s;
  if (!sound || !ParseHeader(page).valid) return Status::Ok();
  has_header_ = true;
  const uint32_t usable =
      usable_bytes_ - static_cast<uint8_t>(page[kReservedOffset]);
  if (usable >= kMinUsableBytes) usable_bytes_ = usable;
  first_free_trunk_ = LoadBig32(page.data() + kFreeTrunkOffset);
  has_pointer_map_ = LoadBig32(page.data() + kLargestRootOffset) != 0;
  const uint32_t encoding = LoadBig32(page.data() + kEncodingOffset);
  if (encoding >= 1 && encoding <= 3) {
    encoding_ = static_cast<TextEncoding>(encoding);
  }
  return Status::Ok();
}

Status StoredRows::ReadPage(PageNo pgno, SalvagedPage* page, bool* found) {
  page->bytes.resize(pages_->page_size());
  if (Status s = pages_->Read(pgno, page->bytes.data(), found); !s.ok()) {
    return s;
  }
  *found = *found &&
           BtreePage::Parse(pgno, page->bytes, usable_bytes_, &page->page).ok();
  return Status::Ok();
}

// The size of a payload is not trusted: memory grows with the pages that are
// there. A chain that goes in a circle ends with the size, which is one that
// the database has room for.
Status StoredRows::ReadPayload(const BtreeCell& cell,
                               const std::function<bool(PageNo)>& may_follow,
                               std::string* payload) {
  payload->assign(cell.local);
  if (cell.payload_bytes > uint64_t{pages_->page_count()} * usable_bytes_) {
    return Status::Ok();
  }
  std::string page(pages_->page_size(), '\0');
  PageNo next = cell.overflow;
  for (uint32_t read = 1; payload->size() < cell.payload_bytes; ++read) {
    if (!may_follow(next)) return Status::Ok();
    if (read % kPagesBetweenChecks == 0) {
      if (Status s = pages_->KeepOn(); !s.ok()) return s;
    }
    bool sound = false;
    if (Status s = pages_->Read(next, page.data(), &sound); !s.ok()) return s;
    if (!sound) return Status::Ok();
    payload->append(page, kNextPageBytes,
                    std::min<uint64_t>(cell.payload_bytes - payload->size(),
                                       usable_bytes_ - kNextPageBytes));
    next = LoadBig32(page.data());
  }
  return Status::Ok();
}

std::string StoredRows::Utf8Of(std::string_view text) const {
  if (encoding_ == TextEncoding::kUtf8) return std::string(text);
  return Utf8OfUtf16(text, encoding_ == TextEncoding::kUtf16Be);
}

std::string StoredRows::ValueJson(const CutValue& value, bool is_real) const {
  if (value.lost_bytes != 0) {
    return "{\"lost\":" + std::to_string(value.lost_bytes) + "}";
  }
  switch (value.value.kind) {
    case StoredValue::Kind::kNull:
      return "null";
    case StoredValue::Kind::kInteger:
      return is_real ? RealJson(static_cast<double>(value.value.integer))
                     : std::to_string(value.value.integer);
    case StoredValue::Kind::kReal:
      // SQLite reads what is not a number as NULL.
      return std::isnan(value.value.real) ? "null" : RealJson(value.value.real);
    case StoredValue::Kind::kText:
      return JsonText(Utf8Of(value.value.bytes));
    case StoredValue::Kind::kBlob:
      return BlobJson(value.value.bytes);
  }
  return "null";
}

void StoredRows::MakeJson(const RowShape* shape, int64_t rowid,
                          std::string_view payload, std::string* json) const {
  std::vector<CutValue> values;
  json->clear();
  if (!ReadCutRow(payload, &values).ok()) return;
  const auto add = [json](const std::string& text) {
    if (json->size() > 1) *json += ',';
    *json += text;
  };
  if (shape == nullptr) {
    *json = "[";
    for (const CutValue& value : values) add(ValueJson(value, false));
    *json += ']';
    return;
  }
  *json = "{";
  for (const ShapeColumn& column : shape->columns) {
    if (column.stored_index == kNotStored) continue;
    std::string value = column.default_json;
    if (column.is_rowid) {
      value = std::to_string(rowid);
    } else if (column.stored_index < values.size()) {
      value = ValueJson(values[column.stored_index], column.is_real);
    }
    add(JsonText(column.name) + ":" + value);
  }
  *json += '}';
}

}  // namespace actorkv
