// A stored pair as people read it: its partition and key as text, its record as
// JSON, and what is wrong with it. Knows every kind of key that there is
// (kv/format/keys.h), in one table.
//
//   partition    key                          record
//   catalog      store                        {"version":1,"format":2,...}
//   catalog      actor alice                  {"version":1,"actor_id":17,...}
//   actor 17     commit 1234 @ branch 18      {"version":3,"branch":18,...}
//   branch 18    page 7 @ txid 99             {"version":1,"codec":"raw",...}
//   legacy 4     pair 0203                    {"version":1,"value_bytes":12}
//   (any)        unknown 5aff                 {"raw":"0123"}

#ifndef ACTORKV_KV_INSPECT_PAIR_TEXT_H_
#define ACTORKV_KV_INSPECT_PAIR_TEXT_H_

#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/format/keys.h"

namespace actorkv {

// "catalog", "actor 17", ...
std::string PartitionText(Partition partition);

// The way back. False, with *partition unchanged, for any other text.
bool ParsePartition(std::string_view text, Partition* partition);

// Names are as they are, but for what is no UTF-8. Of a key of no known kind
// "unknown" and its bytes, hexadecimal.
std::string KeyText(Partition partition, std::string_view key);

// Where the keys of a partition are whose text begins with `begin`: all of
// those begin with *key_prefix, and others may. False: there are none.
bool FindKeys(PartitionKind kind, std::string_view begin,
              std::string* key_prefix);

struct StoredPair {
  Partition partition;
  std::string_view key;
  std::string_view value;
};

struct RecordText {
  // An object. Of a record that does not decode its version, where it has one,
  // and the first bytes as "raw".
  std::string json;
  Status problem;  // kCorruption or kNotSupported; ok: the record is sound
};

// Reads with `reader` the base of a delta: a page must have its hash. *text is
// also set where the record is damaged or unknown. Errors: those of reading,
// but for kCorruption.
Status DescribePair(EngineReader* reader, const StoredPair& pair,
                    RecordText* text);

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_PAIR_TEXT_H_
