#include "bench/rows.h"

#include <cstring>

namespace actorkv::bench {

std::string_view RowSource::NextBody() {
  for (size_t i = 0; i + sizeof(uint64_t) <= kBodyBytes / 2;
       i += sizeof(uint64_t)) {
    const uint64_t word = random_();
    std::memcpy(body_.data() + i, &word, sizeof word);
  }
  return body_;
}

int64_t RowSource::NextId(int64_t row_count) {
  return static_cast<int64_t>(random_() % static_cast<uint64_t>(row_count)) + 1;
}

int64_t RowsOf(uint64_t size_bytes) {
  constexpr uint64_t kStoredBytes = 107;  // of one row, with its part of a page
  return static_cast<int64_t>(size_bytes / kStoredBytes);
}

void CreateTable(Connection* connection) {
  connection->Execute("CREATE TABLE note(id INTEGER PRIMARY KEY, body BLOB)");
}

void InsertRows(Connection* connection, int64_t row_count, RowSource* rows) {
  Statement insert(*connection, kInsertSql);
  connection->Execute("BEGIN");
  for (int64_t i = 0; i < row_count; ++i) {
    insert.Bind(1, rows->NextBody());
    insert.Run();
  }
  connection->Execute("COMMIT");
}

}  // namespace actorkv::bench
