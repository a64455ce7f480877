// Rows as they are stored (SQLite database file format, section 2.1 "Record
// Format"): a header of varints, its size and then a serial type for each
// column, and the values.
//
// Only what finding a row by its key needs is here, and reading a row that is
// not whole. Nothing in a row is trusted: what is wrong is kCorruption.

#ifndef ACTORKV_SQL_HISTORY_ROW_FORMAT_H_
#define ACTORKV_SQL_HISTORY_ROW_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

struct StoredValue {
  enum class Kind { kNull, kInteger, kReal, kText, kBlob };

  Kind kind = Kind::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string_view bytes;  // of text, in the encoding of its database, or blob
};

// Reads the first `column_count` values of a row; fewer where it has fewer.
// `row` may end behind them. The values point into it.
Status ReadValues(std::string_view row, size_t column_count,
                  std::vector<StoredValue>* values);

// CutValue: a value of a row of which only the beginning may be there.
struct CutValue {
  StoredValue value;        // kNull where it is cut off
  uint64_t lost_bytes = 0;  // its size where it is cut off; 0: it is whole
};

// Reads all values of a row that may end anywhere behind its header. They point
// into it. Errors: kCorruption, also where the header is not whole.
Status ReadCutRow(std::string_view row, std::vector<CutValue>* values);

// Makes the first `column_count` columns a row of their own, equal for two rows
// when these columns are stored alike.
Status BeginningOf(std::string_view row, size_t column_count,
                   std::string* beginning);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_ROW_FORMAT_H_
