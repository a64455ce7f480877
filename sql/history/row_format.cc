#include "sql/history/row_format.h"

#include <cstring>

#include "kv/base/coding.h"
#include "vfs/sqlite/btree_page.h"

namespace actorkv {

namespace {

constexpr uint64_t kRealType = 7;
constexpr uint64_t kZeroType = 8;
constexpr uint64_t kOneType = 9;
constexpr uint64_t kFirstBlobType = 12;
constexpr uint64_t kFirstTextType = 13;

Status Damaged() { return Status::Corruption("a stored row is damaged"); }

// Says how many bytes a value of the type has. Types 10 and 11 are reserved.
bool SizeOf(uint64_t type, uint64_t* size) {
  // Serial types 5 and 6 are integers of 6 and 8 bytes, 8 and 9 the numbers 0
  // and 1 without any byte (section 2.1 "Record Format").
  constexpr uint64_t kSizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
  if (type == 10 || type == 11) return false;
  *size = type < 10 ? kSizes[type] : (type - kFirstBlobType) / 2;
  return true;
}

int64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  // The sign of the first byte fills those that are left out.
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) >= 0x80) {
    value = ~uint64_t{0};
  }
  for (const char byte : bytes) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return static_cast<int64_t>(value);
}

StoredValue ValueOf(uint64_t type, std::string_view bytes) {
  StoredValue value;
  if (type >= kFirstBlobType) {
    value.kind = (type - kFirstTextType) % 2 == 0 ? StoredValue::Kind::kText
                                                  : StoredValue::Kind::kBlob;
    value.bytes = bytes;
  } else if (type == kRealType) {
    const uint64_t bits = LoadBig64(bytes.data());
    value.kind = StoredValue::Kind::kReal;
    std::memcpy(&value.real, &bits, sizeof bits);
  } else if (type != 0) {
    value.kind = StoredValue::Kind::kInteger;
    value.integer = type == kZeroType  ? 0
                    : type == kOneType ? 1
                                       : BigEndian(bytes);
  }
  return value;
}

// RowReader gives the columns of a row, one after the other.
class RowReader {
 public:
  Status Open(std::string_view row) {
    std::string_view rest = row;
    // The size of the header counts its own varint, so it cannot be smaller
    // than that.
    uint64_t header_bytes = 0;
    if (!TakeVarint(&rest, &header_bytes) || header_bytes > row.size() ||
        header_bytes < row.size() - rest.size()) {
      return Damaged();
    }
    types_ = row.substr(0, header_bytes);
    types_.remove_prefix(row.size() - rest.size());
    values_ = row.substr(header_bytes);
    return Status::Ok();
  }

  bool AtEnd() const { return types_.empty(); }

  Status Next(uint64_t* type, std::string_view* bytes) {
    uint64_t size = 0;
    if (!TakeVarint(&types_, type) || !SizeOf(*type, &size) ||
        size > values_.size()) {
      return Damaged();
    }
    *bytes = values_.substr(0, size);
    values_.remove_prefix(size);
    return Status::Ok();
  }

  // Goes on where a value is cut off: then *lost_bytes is its size, and nothing
  // of those behind it is there.
  Status NextOrCut(uint64_t* type, std::string_view* bytes,
                   uint64_t* lost_bytes) {
    uint64_t size = 0;
    if (!TakeVarint(&types_, type) || !SizeOf(*type, &size)) return Damaged();
    const bool is_whole = size <= values_.size();
    *lost_bytes = is_whole ? 0 : size;
    *bytes = is_whole ? values_.substr(0, size) : std::string_view();
    values_.remove_prefix(is_whole ? size : values_.size());
    return Status::Ok();
  }

  // Returns the serial types that are left.
  std::string_view types() const { return types_; }

 private:
  std::string_view types_;
  std::string_view values_;
};

void AppendVarint(uint64_t value, std::string* out) {
  char bytes[9];
  size_t at = sizeof bytes;
  bytes[--at] = static_cast<char>(value & 0x7f);
  // The values are sizes of headers, which never need 9 bytes; the ninth byte
  // of a varint would have 8 bits of it.
  while ((value >>= 7) != 0 && at > 0) {
    bytes[--at] = static_cast<char>((value & 0x7f) | 0x80);
  }
  out->append(bytes + at, sizeof bytes - at);
}

}  // namespace

Status ReadValues(std::string_view row, size_t column_count,
                  std::vector<StoredValue>* values) {
  RowReader reader;
  if (Status s = reader.Open(row); !s.ok()) return s;
  std::vector<StoredValue> read;
  // A row may have fewer columns than its table: those that ALTER TABLE ADD
  // COLUMN added later are not stored in older rows.
  while (read.size() < column_count && !reader.AtEnd()) {
    uint64_t type = 0;
    std::string_view bytes;
    if (Status s = reader.Next(&type, &bytes); !s.ok()) return s;
    read.push_back(ValueOf(type, bytes));
  }
  *values = std::move(read);
  return Status::Ok();
}

Status ReadCutRow(std::string_view row, std::vector<CutValue>* values) {
  RowReader reader;
  if (Status s = reader.Open(row); !s.ok()) return s;
  std::vector<CutValue> read;
  while (!reader.AtEnd()) {
    uint64_t type = 0;
    std::string_view bytes;
    CutValue value;
    if (Status s = reader.NextOrCut(&type, &bytes, &value.lost_bytes);
        !s.ok()) {
      return s;
    }
    if (value.lost_bytes == 0) value.value = ValueOf(type, bytes);
    read.push_back(value);
  }
  *values = std::move(read);
  return Status::Ok();
}

Status BeginningOf(std::string_view row, size_t column_count,
                   std::string* beginning) {
  RowReader reader;
  if (Status s = reader.Open(row); !s.ok()) return s;
  const std::string_view all_types = reader.types();
  std::string values;
  for (size_t i = 0; i < column_count && !reader.AtEnd(); ++i) {
    uint64_t type = 0;
    std::string_view bytes;
    if (Status s = reader.Next(&type, &bytes); !s.ok()) return s;
    values.append(bytes);
  }
  // Types of columns are in front and values behind: a beginning of a row has
  // to be put together from both.
  const std::string_view types =
      all_types.substr(0, all_types.size() - reader.types().size());
  // The size of a header counts itself, as a varint.
  const size_t own = types.size() < 127 ? 1 : types.size() < 16382 ? 2 : 3;
  std::string made;
  AppendVarint(types.size() + own, &made);
  made.append(types);
  made.append(values);
  *beginning = std::move(made);
  return Status::Ok();
}

}  // namespace actorkv
