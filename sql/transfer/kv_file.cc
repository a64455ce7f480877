#include "sql/transfer/kv_file.h"

#include <utility>

#include "kv/base/hex.h"
#include "kv/rivet/actor_persist.h"
#include "kv/rivet/legacy_keys.h"
#include "sql/bind/sql_statement.h"

namespace actorkv {

namespace {

// The number of keys between two looks at sqlite3_interrupt().
constexpr uint64_t kKeysAtOnce = 4096;

// Counts what the schema has beside kv. What SQLite makes of itself does not
// count: the index of the primary key, statistics.
constexpr char kCountOthers[] =
    "SELECT count(*) FROM sqlite_schema WHERE name <> 'kv' AND "
    "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

// Says whether there is a table kv with these two columns, whatever else there
// may be.
Status HasKvTable(sqlite3* source, bool* has) {
  int64_t count = 0;
  *has = false;
  if (Status s = QueryInt(source,
                          "SELECT count(*) FROM sqlite_schema WHERE type = "
                          "'table' AND name = 'kv'",
                          &count);
      !s.ok() || count == 0) {
    return s;
  }
  Status s = QueryInt(source,
                      "SELECT sum(name IN ('key', 'value')) = 2 AND count(*) "
                      "= 2 FROM pragma_table_info('kv')",
                      &count);
  *has = count == 1;
  return s;
}

// Says whether all keys are blobs of a known form. The value is looked at where
// the key alone does not tell, and not read for others.
Status AreKeysKnown(const Connection& connection, sqlite3* source,
                    bool* known) {
  SqlStatement keys;
  if (Status s = keys.Prepare(source, "SELECT key FROM kv"); !s.ok()) return s;
  *known = false;
  for (uint64_t count = 0;; ++count) {
    bool has_row = false;
    if (count % kKeysAtOnce == 0) {
      if (Status s = connection.KeepOn(); !s.ok()) return s;
    }
    if (Status s = keys.Step(&has_row); !s.ok()) return s;
    if (!has_row) break;
    if (keys.Type(0) != SQLITE_BLOB) return Status::Ok();
    const std::string key = keys.Bytes(0);
    if (key == kAlarmKey) continue;
    if (ParseLegacyKey(key, {}).space == LegacyNamespace::kUnknown) {
      return Status::Ok();
    }
  }
  SqlStatement alarm;
  bool has_row = false;
  if (Status s =
          alarm.Prepare(source, "SELECT value FROM kv WHERE key = x'06'");
      !s.ok()) {
    return s;
  }
  if (Status s = alarm.Step(&has_row); !s.ok()) return s;
  *known = !has_row || ParseLegacyKey(kAlarmKey, alarm.Bytes(0)).space !=
                           LegacyNamespace::kUnknown;
  return Status::Ok();
}

class KvRows : public PairSource {
 public:
  explicit KvRows(std::string path) : path_(std::move(path)) {}

  Status Open(sqlite3* source) {
    return rows_.Prepare(source, "SELECT key, value FROM kv ORDER BY key");
  }

  Status Next(KeyValue* pair, bool* more) override {
    if (Status s = rows_.Step(more); !s.ok()) return s.WithContext(path_);
    if (!*more) return CheckAny();
    any_ = true;
    // A text would come out as a blob, and a number as nothing of Rivet's.
    for (int column = 0; column < 2; ++column) {
      if (rows_.Type(column) == SQLITE_BLOB) continue;
      return Status::InvalidArgument(
          path_ + ": table kv has a " + (column == 0 ? "key" : "value") +
          " that is no blob: key=" + BytesText(rows_.Bytes(0)));
    }
    pair->key = rows_.Bytes(0);
    pair->value = rows_.Bytes(1);
    return Status::Ok();
  }

 private:
  // Rows that went are not to become an actor that has nothing.
  Status CheckAny() const {
    if (any_) return Status::Ok();
    return Status::InvalidArgument("there is no pair in its table kv: " +
                                   path_);
  }

  const std::string path_;
  SqlStatement rows_;
  bool any_ = false;
};

}  // namespace

Status IsKvFile(const Connection& connection, sqlite3* source, bool* is) {
  bool has_table = false;
  int64_t count = 0;
  *is = false;
  if (Status s = HasKvTable(source, &has_table); !s.ok() || !has_table) {
    return s;
  }
  if (Status s = QueryInt(source, kCountOthers, &count);
      !s.ok() || count != 0) {
    return s;
  }
  if (Status s =
          QueryInt(source, "SELECT count(*) FROM kv WHERE key = x'01'", &count);
      !s.ok() || count == 0) {
    return s;
  }
  return AreKeysKnown(connection, source, is);
}

Status FindKvFileContent(sqlite3* source, KvFileContent* content) {
  bool has_table = false;
  int64_t count = 0;
  if (Status s = HasKvTable(source, &has_table); !s.ok()) return s;
  if (has_table) {
    if (Status s = QueryInt(source, "SELECT count(*) FROM kv", &count);
        !s.ok()) {
      return s;
    }
  }
  if (count > 0) {
    *content = KvFileContent::kPairs;
    return Status::Ok();
  }
  Status s = QueryInt(source, kCountOthers, &count);
  if (s.ok()) {
    *content = count == 0 ? KvFileContent::kNothing : KvFileContent::kTables;
  }
  return s;
}

Status OpenKvFile(sqlite3* source, const std::string& path,
                  std::unique_ptr<PairSource>* pairs) {
  bool has_table = false;
  if (Status s = HasKvTable(source, &has_table); !s.ok()) return s;
  if (!has_table) {
    return Status::InvalidArgument(
        "there is no table kv with the columns key and value in it, so no "
        "pairs: " +
        path);
  }
  auto rows = std::make_unique<KvRows>(path);
  if (Status s = rows->Open(source); !s.ok()) return s.WithContext(path);
  *pairs = std::move(rows);
  return Status::Ok();
}

}  // namespace actorkv
