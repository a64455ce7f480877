// One key of an engine, as bytes or as a record.

#ifndef ACTORKV_KV_FORMAT_GET_RECORD_H_
#define ACTORKV_KV_FORMAT_GET_RECORD_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/engine/engine.h"

namespace actorkv {

// *value: nullopt where the key does not exist. Errors: those of the engine.
inline Status GetValue(EngineReader* reader, Partition partition,
                       std::string_view key,
                       std::optional<std::string>* value) {
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(partition, {key}, &values); !s.ok()) return s;
  *value = std::move(values[0]);
  return Status::Ok();
}

// Whether the key exists. Errors: those of the engine.
inline Status HasKey(EngineReader* reader, Partition partition,
                     std::string_view key, bool* has) {
  std::optional<std::string> value;
  if (Status s = GetValue(reader, partition, key, &value); !s.ok()) return s;
  *has = value.has_value();
  return Status::Ok();
}

// *record: nullopt where the key does not exist. Errors: those of the engine
// and of the record's DecodeRecord().
template <typename Record>
Status GetRecord(EngineReader* reader, Partition partition,
                 std::string_view key, std::optional<Record>* record) {
  std::optional<std::string> value;
  if (Status s = GetValue(reader, partition, key, &value); !s.ok()) return s;
  std::optional<Record> read;
  if (value.has_value()) {
    if (Status s = DecodeRecord(key, *value, &read.emplace()); !s.ok()) {
      return s;
    }
  }
  *record = std::move(read);
  return Status::Ok();
}

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_GET_RECORD_H_
