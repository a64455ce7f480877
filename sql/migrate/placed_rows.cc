#include "sql/migrate/placed_rows.h"

#include <array>
#include <string>
#include <utility>

#include "kv/base/coding.h"
#include "kv/base/hex.h"
#include "kv/rivet/legacy_keys.h"
#include "kv/rivet/merged_pairs.h"
#include "sql/bind/sql_statement.h"
#include "sql/migrate/legacy_tables.h"

namespace actorkv {

namespace {

bool IsBytes(int type) { return type == SQLITE_BLOB || type == SQLITE_TEXT; }

class PlacedRows : public PairSource {
 public:
  PlacedRows(const LegacyRecord& record, size_t index)
      : record_(record),
        index_(index),
        table_(PlacedTableAt(index, record.opaque())) {}

  Status Open(sqlite3* db) {
    const std::string key = table_.key;
    // Ids are numbers without a sign in pairs, so negative ones come last.
    const std::string order =
        table_.has_ids ? "id < 0, id" : "CAST(" + key + " AS BLOB)";
    return rows_.Prepare(db, "SELECT " + key + ", value FROM " +
                                 table_.schema.name + " ORDER BY " + order);
  }

  Status Next(KeyValue* pair, bool* more) override {
    if (Status s = rows_.Step(more); !s.ok() || !*more) return s;
    KeyValue read;
    read.key = table_.prefix;
    if (table_.has_ids) {
      AppendBig64(&read.key, static_cast<uint64_t>(rows_.Int(0)));
    } else if (IsBytes(rows_.Type(0))) {
      read.key += rows_.Bytes(0);
    } else {
      return Bad("a key that is neither blob nor text");
    }
    if (!IsBytes(rows_.Type(1))) {
      return Bad("a value that is neither blob nor text");
    }
    read.value = rows_.Bytes(1);
    if (!Belongs(read)) return Bad("a key that is none of this table");
    *pair = std::move(read);
    return Status::Ok();
  }

 private:
  // A key of another namespace would come out as what it is not, or twice.
  bool Belongs(const KeyValue& pair) const {
    if (record_.opaque()) return true;
    const LegacyKey key = ParseLegacyKey(pair.key, pair.value);
    if (IsSqliteKey(pair.key) || key.layout == KeyLayout::kZero) return false;
    // A row stays where it is when its value grows above the limits, or
    // shrinks below.
    return table_.is_oversized || PlacedTableOf(key.space) == index_;
  }

  Status Bad(const char* what) const {
    return Status::InvalidArgument(table_.schema.name + " has " + what + ": " +
                                   table_.key + "=" +
                                   BytesText(rows_.Bytes(0)));
  }

  const LegacyRecord record_;
  const size_t index_;
  const PlacedTable table_;
  SqlStatement rows_;
};

Status IsThere(sqlite3* db, const SchemaTable& table, bool* there) {
  SqlStatement statement;
  if (Status s = statement.Prepare(db,
                                   "SELECT 1 FROM sqlite_schema WHERE type = "
                                   "'table' AND name = ?1 AND sql = ?2");
      !s.ok()) {
    return s;
  }
  statement.BindText(1, table.name);
  statement.BindText(2, table.sql);
  return statement.Step(there);
}

}  // namespace

Status OpenPlacedPairs(sqlite3* db, const LegacyRecord& record,
                       PairReader* stored, std::vector<SchemaTable>* tables,
                       std::unique_ptr<PairSource>* pairs) {
  auto merged = std::make_unique<MergedPairs>();
  std::array<bool, kPlacedTableCount> is_there = {};
  for (size_t i = 0; i < kPlacedTableCount; ++i) {
    const SchemaTable schema = PlacedTableAt(i, record.opaque()).schema;
    if (Status s = IsThere(db, schema, &is_there[i]); !s.ok()) return s;
    if (!is_there[i]) continue;
    auto rows = std::make_unique<PlacedRows>(record, i);
    if (Status s = rows->Open(db); !s.ok()) return s;
    merged->Add(std::move(rows));
    tables->push_back(schema);
  }
  merged->Add(std::make_unique<ReaderPairs>(
      stored, [record, is_there](const KeyValue& pair) {
        const bool is_file = !record.opaque() && IsSqliteKey(pair.key);
        return !is_file && !is_there[PlacedTableOf(record, pair)];
      }));
  *pairs = std::move(merged);
  return Status::Ok();
}

}  // namespace actorkv
