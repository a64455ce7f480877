#include "sql/transfer/pair_set.h"

#include <string>

#include "kv/base/hex.h"
#include "kv/rivet/pair_limits.h"
#include "sql/bind/value.h"

namespace actorkv {

namespace {

const char* TypeName(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_INTEGER:
      return "an integer";
    case SQLITE_FLOAT:
      return "a real number";
    default:
      return "text or a blob";
  }
}

// Reads the bytes of a blob or a text, valid as long as the value is. Its size
// is looked at first: zeros that SQLite has not written out take no memory.
Status ReadBytes(sqlite3_value* value, const char* what, size_t limit,
                 std::string_view* bytes) {
  const int type = sqlite3_value_type(value);
  if (type != SQLITE_BLOB && type != SQLITE_TEXT) {
    return Status::InvalidArgument(std::string("the ") + what + " is " +
                                   TypeName(value) +
                                   ": it has to be a blob or text");
  }
  const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
  if (size > limit) {
    return Status::InvalidArgument(
        std::string("a ") + what + " of " + std::to_string(size) +
        " bytes is larger than the limit of " + std::to_string(limit));
  }
  const void* const data =
      type == SQLITE_TEXT ? static_cast<const void*>(sqlite3_value_text(value))
                          : sqlite3_value_blob(value);
  if (data == nullptr && size > 0) return Status::NoMemory();
  *bytes = size == 0 ? std::string_view()
                     : std::string_view(static_cast<const char*>(data), size);
  return Status::Ok();
}

}  // namespace

Status PairSet::ReadOption(sqlite3_value* option) {
  const bool given =
      option != nullptr && sqlite3_value_type(option) != SQLITE_NULL;
  if (given && TextOf(option) != "opaque") {
    return Status::InvalidArgument("no option '" + TextOf(option) +
                                   "': it is 'opaque' or left out");
  }
  if (row_count_ == 1) opaque_ = given;
  if (given == opaque_) return Status::Ok();
  return Status::InvalidArgument(
      "'opaque' is said of some rows and not of others");
}

Status PairSet::AddRow(int arg_count, sqlite3_value** args) {
  std::string_view key;
  std::string_view value;
  if (Status s = ReadOption(arg_count > 2 ? args[2] : nullptr); !s.ok()) {
    return s;
  }
  if (Status s = ReadBytes(args[0], "key", kMaxStoredKeyBytes, &key); !s.ok()) {
    return s;
  }
  if (Status s = ReadBytes(args[1], "value", kMaxStoredValueBytes, &value);
      !s.ok()) {
    return s.WithContext("key=" + BytesText(key));
  }
  return sorter_.Add(key, value, row_count_);
}

void PairSet::Add(int arg_count, sqlite3_value** args) {
  ++row_count_;
  if (!failed_.ok()) return;
  failed_ =
      AddRow(arg_count, args).WithContext("row " + std::to_string(row_count_));
}

Status PairSet::status() const {
  if (!failed_.ok() || row_count_ > 0) return failed_;
  return Status::InvalidArgument(
      "there is no pair in the set: the query had no rows");
}

}  // namespace actorkv
